//! What a request says of its sandbox, whether for one execution or for a session. What the fields may say is decided
//! in [`check`].

mod check;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::amount::Amount;
use super::app::App;
use super::body::BodyLimits;
use super::field::{FieldErrors, Loc};
use super::fields::{BoundedList, Fields, Text};
use super::file_upload::FileUpload;
use super::schema::{DirectoryText, Variables};

pub use check::{MIN_CPUS, MIN_MEMORY, files_fit};

/// More files than this are not one request's.
const MAX_FILES: usize = 1000;

/// Packages, and hosts: long before this it is a mistake.
const MAX_NAMES: usize = 1000;

/// Bytes of JSON for all environment variables: a process can be given only so many.
const MAX_VARIABLES: usize = 64 * 1024;

/// What a request's body may have beside its files: code, names, JSON.
const BESIDE_FILES: u64 = 1024 * 1024;

/// The fields of [`SandboxFields`].
pub const FIELDS: &[&str] = &[
    "execution_environment",
    "packages",
    "files",
    "environment_variables",
    "network",
    "memory",
    "cpus",
    "working_directory",
];

/// The sandbox that code is to run in.
#[derive(Debug, ToSchema)]
#[schema(as = SandboxRequest)]
#[serde(deny_unknown_fields)]
pub struct SandboxFields<'a> {
    /// The environment that it runs in; see `list_kernel_specs`. Upper and lower case are the same.
    #[schema(value_type = Option<String>, pattern = r"\S", max_length = 256, default = "python", example = "python")]
    execution_environment: Option<Cow<'a, str>>,
    /// Packages to install before: Python requirements (`pandas>=2,<3`), or packages of npm (`lodash@^4.17`).
    #[schema(value_type = Option<Vec<String>>, example = json!(["humanize==4.*"]))]
    packages: Vec<Cow<'a, str>>,
    /// Files for the working directory, put there before the code starts.
    #[schema(value_type = Option<Vec<RequestFile>>)]
    files: Vec<RequestFile<'a>>,
    /// Set for the code.
    #[schema(value_type = Option<Variables>)]
    environment_variables: BTreeMap<String, String>,
    /// Hosts that the code asks to reach, through the HTTP proxy that its environment variables name: `host`, `host:port` or
    /// `*.domain`, of those that the service allows.
    #[schema(value_type = Option<Vec<String>>, example = json!(["api.example.com:443"]))]
    network: Vec<Cow<'a, str>>,
    /// The most memory: bytes, or text such as `512MiB`. The service sets the default and the maximum.
    #[schema(value_type = Option<Amount>, example = "512MiB")]
    memory: Option<Amount<'a>>,
    /// The most processors. The service sets the default and the maximum.
    #[schema(value_type = Option<Amount>, example = 1)]
    cpus: Option<Amount<'a>>,
    /// Where the code runs and where its files are, relative to the home directory.
    #[schema(value_type = Option<DirectoryText>, example = "project/src")]
    working_directory: Option<Cow<'a, str>>,
}

/// A file of a request.
#[derive(Debug)]
pub enum RequestFile<'a> {
    /// It is in the request.
    Upload(FileUpload<'a>),
    /// It is in the file store: its url, or the last part of it.
    Stored(Cow<'a, str>),
}

impl<'a> SandboxFields<'a> {
    /// Reads them from among the fields of a request.
    pub fn read(fields: &Fields<'a>, errors: &mut FieldErrors) -> Self {
        Self {
            execution_environment: fields.take("execution_environment", "text", errors),
            packages: fields.texts::<MAX_NAMES>("packages", errors),
            files: files(fields, errors),
            environment_variables: environment_variables(fields, errors),
            network: fields.texts::<MAX_NAMES>("network", errors),
            memory: fields.take("memory", "a number of bytes, or text", errors),
            cpus: fields.take("cpus", "a number", errors),
            working_directory: fields.take("working_directory", "text", errors),
        }
    }
}

/// What a body with these fields may cost. Base64 makes four characters of three bytes.
pub fn body_limits(app: &App) -> BodyLimits {
    BodyLimits {
        size: app.execution.max_input.as_u64().div_ceil(3) * 4 + BESIDE_FILES,
        time: app.server.request_timeout,
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
