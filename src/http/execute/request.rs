//! An execute request as clients write it. What its fields may say is decided in [`check`](super::check).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::amount::Amount;
use crate::http::field::{FieldErrors, Loc};
use crate::http::fields::{BoundedList, Fields};
use crate::http::file_upload::FileUpload;
use crate::http::schema::Stdin;

/// More files than this are not one request's.
const MAX_FILES: usize = 1000;

/// Lines of stdin.
const MAX_STDIN_LINES: usize = 10_000;

/// Packages, and hosts: long before this it is a mistake.
const MAX_NAMES: usize = 1000;

/// Bytes of JSON for all environment variables: a process can be given only so many.
const MAX_VARIABLES: usize = 64 * 1024;

/// The fields of an [`ExecuteRequest`].
pub const FIELDS: &[&str] = &[
    "code",
    "execution_environment",
    "timeout",
    "packages",
    "files",
    "user",
    "stdin",
    "environment_variables",
    "network",
    "memory",
    "cpus",
    "working_directory",
];

/// Code to run, and in what.
#[derive(Debug, ToSchema)]
pub struct ExecuteRequest<'a> {
    /// The code.
    #[schema(value_type = String, example = "print('hello')")]
    pub code: Option<Cow<'a, str>>,
    /// The environment that it runs in; see `list_kernel_specs`. Upper and lower case are the same.
    #[schema(value_type = Option<String>, default = "python", example = "python")]
    pub execution_environment: Option<Cow<'a, str>>,
    /// How long the code may run: seconds, or text such as `1m 30s`. At least 1 s; the service sets the maximum.
    #[schema(value_type = Option<Amount>, default = 60, example = 60)]
    pub timeout: Option<Amount<'a>>,
    /// Packages to install before: Python requirements (`pandas>=2,<3`), or packages of npm (`lodash@^4.17`).
    #[schema(value_type = Option<Vec<String>>, example = json!(["humanize==4.*"]))]
    pub packages: Vec<Cow<'a, str>>,
    /// Files for the working directory, put there before the code starts.
    #[schema(value_type = Option<Vec<RequestFile>>)]
    pub files: Vec<RequestFile<'a>>,
    /// Free text about who asks, for the log.
    #[schema(value_type = Option<String>)]
    pub user: Option<Cow<'a, str>>,
    /// Answers to `input()`: text, of which each line is one, or a list of lines.
    #[schema(value_type = Option<Stdin>)]
    pub stdin: Vec<Cow<'a, str>>,
    /// Set for the code.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub environment_variables: BTreeMap<String, String>,
    /// Hosts that the code asks to reach, through the HTTP proxy that its environment variables name: `host`, `host:port` or
    /// `*.domain`, of those that the service allows.
    #[schema(value_type = Option<Vec<String>>, example = json!(["api.example.com:443"]))]
    pub network: Vec<Cow<'a, str>>,
    /// The most memory: bytes, or text such as `512MiB`. The service sets the default and the maximum.
    #[schema(value_type = Option<Amount>, example = "512MiB")]
    pub memory: Option<Amount<'a>>,
    /// The most processors. The service sets the default and the maximum.
    #[schema(value_type = Option<Amount>, example = 1)]
    pub cpus: Option<Amount<'a>>,
    /// Where the code runs and where its files are, relative to the home directory.
    #[schema(value_type = Option<String>, example = "project/src")]
    pub working_directory: Option<Cow<'a, str>>,
}

/// A file of a request.
#[derive(Debug)]
pub enum RequestFile<'a> {
    /// It is in the request.
    Upload(FileUpload<'a>),
    /// It is in the file store: its url, or the last part of it.
    Stored(Cow<'a, str>),
}

impl<'a> ExecuteRequest<'a> {
    /// Reads it. None when it is not even an object.
    pub fn read(text: &'a str, errors: &mut FieldErrors) -> Option<Self> {
        let fields = Fields::find(text, Loc::body(), FIELDS, errors)?;
        Some(Self {
            code: fields.required("code", "text", errors),
            execution_environment: fields.take("execution_environment", "text", errors),
            timeout: fields.take("timeout", "a number of seconds", errors),
            packages: texts::<MAX_NAMES>(&fields, "packages", errors),
            files: files(&fields, errors),
            user: fields.take("user", "text", errors),
            stdin: stdin(&fields, errors),
            environment_variables: environment_variables(&fields, errors),
            network: texts::<MAX_NAMES>(&fields, "network", errors),
            memory: fields.take("memory", "a number of bytes, or text", errors),
            cpus: fields.take("cpus", "a number", errors),
            working_directory: fields.take("working_directory", "text", errors),
        })
    }
}

fn texts<'a, const MAX: usize>(
    fields: &Fields<'a>,
    name: &str,
    errors: &mut FieldErrors,
) -> Vec<Cow<'a, str>> {
    let expected = format!("a list of at most {MAX} texts");
    let texts = fields.take::<BoundedList<Text, MAX>>(name, &expected, errors);
    texts.map_or_else(Vec::new, |texts| {
        texts.0.into_iter().map(|Text(text)| text).collect()
    })
}

fn stdin<'a>(fields: &Fields<'a>, errors: &mut FieldErrors) -> Vec<Cow<'a, str>> {
    let is_text = |raw: &&RawValue| raw.get().starts_with('"');
    if fields.raw("stdin").filter(is_text).is_none() {
        return texts::<MAX_STDIN_LINES>(fields, "stdin", errors);
    }
    let Some(Text(text)) = fields.take("stdin", "text, or a list of lines", errors) else {
        return Vec::new();
    };
    match text {
        Cow::Borrowed(text) => text.lines().map(Cow::Borrowed).collect(),
        Cow::Owned(text) => text.lines().map(|line| line.to_owned().into()).collect(),
    }
}

fn environment_variables(
    fields: &Fields<'_>,
    errors: &mut FieldErrors,
) -> BTreeMap<String, String> {
    const NAME: &str = "environment_variables";
    if fields
        .raw(NAME)
        .is_some_and(|raw| raw.get().len() > MAX_VARIABLES)
    {
        let msg = format!("may have {MAX_VARIABLES} bytes of JSON at most");
        errors.push(fields.loc(NAME), msg);
        return BTreeMap::new();
    }
    fields
        .take(NAME, "an object of texts", errors)
        .unwrap_or_default()
}

/// Serde borrows a `Cow` only where it is told to.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn files<'a>(fields: &Fields<'a>, errors: &mut FieldErrors) -> Vec<RequestFile<'a>> {
    let expected = format!("a list of at most {MAX_FILES} files");
    let files = fields.take::<BoundedList<&RawValue, MAX_FILES>>("files", &expected, errors);
    let Some(BoundedList(files)) = files else {
        return Vec::new();
    };
    let at = fields.loc("files");
    let file = |(index, raw): (usize, &'a RawValue)| file(raw, at.index(index), errors);
    files.into_iter().enumerate().filter_map(file).collect()
}

fn file<'a>(raw: &'a RawValue, at: Loc, errors: &mut FieldErrors) -> Option<RequestFile<'a>> {
    let text = raw.get();
    if text.starts_with('{') {
        return FileUpload::read(text, at, errors).map(RequestFile::Upload);
    }
    match serde_json::from_str(text) {
        Ok(Text(stored)) => Some(RequestFile::Stored(stored)),
        Err(_) => {
            errors.push(at, "must be a file, or the url or name of a stored one");
            None
        }
    }
}
