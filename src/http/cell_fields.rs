//! What a request says of the code to run, wherever it is to run.

use std::borrow::Cow;
use std::time::Duration;

use bytesize::ByteSize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::amount::Amount;
use super::field::{FieldErrors, Loc};
use super::fields::{Fields, Text};
use super::schema::Stdin;
use crate::config;
use crate::service::execution::request::Cell;

/// Shorter than this a timeout is a mistake of units.
pub const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Code goes through the kernel's message queue, its history and its traceback: it is no place for data.
const MAX_CODE: ByteSize = ByteSize::mib(10);

/// Lines of stdin.
const MAX_STDIN_LINES: usize = 10_000;

/// Free text for the log.
const MAX_USER: usize = 256;

/// The fields of [`CellFields`].
pub const FIELDS: &[&str] = &["code", "timeout", "stdin", "user"];

/// Code to run.
#[derive(Debug, ToSchema)]
#[schema(as = CellRequest)]
#[serde(deny_unknown_fields)]
pub struct CellFields<'a> {
    /// The code.
    #[schema(value_type = String, pattern = r"\S", example = "print('hello')")]
    code: Option<Cow<'a, str>>,
    /// How long the code may run: seconds, or text such as `1m 30s`. At least 1 s; the service sets the maximum.
    #[schema(value_type = Option<Amount>, default = 60, example = 60)]
    timeout: Option<Amount<'a>>,
    /// Answers to `input()`: text, of which each line is one, or a list of lines.
    #[schema(value_type = Option<Stdin>)]
    stdin: Vec<Cow<'a, str>>,
    /// Free text about who asks, for the log.
    #[schema(value_type = Option<String>, max_length = 256)]
    user: Option<Cow<'a, str>>,
}

impl<'a> CellFields<'a> {
    /// Reads them from among the fields of a request.
    pub fn read(fields: &Fields<'a>, errors: &mut FieldErrors) -> Self {
        Self {
            code: fields.required("code", "text", errors),
            timeout: fields.take("timeout", "a number of seconds", errors),
            stdin: stdin(fields, errors),
            user: fields.take("user", "text", errors),
        }
    }

    /// Checks every field, and tells all that is wrong. None without code.
    pub fn check(self, limits: &config::Execution, errors: &mut FieldErrors) -> Option<Cell> {
        Some(Cell {
            timeout: timeout(self.timeout, limits, errors),
            stdin: self.stdin.into_iter().map(without_line_end).collect(),
            user: user(self.user, errors),
            code: code(self.code?, errors),
        })
    }
}

/// Free text for the log, no longer than it may be.
pub fn shortened_user(user: String) -> String {
    user.chars().take(MAX_USER).collect()
}

fn stdin<'a>(fields: &Fields<'a>, errors: &mut FieldErrors) -> Vec<Cow<'a, str>> {
    let is_text = |raw: &&RawValue| raw.get().starts_with('"');
    if fields.raw("stdin").filter(is_text).is_none() {
        return fields.texts::<MAX_STDIN_LINES>("stdin", errors);
    }
    let Some(Text(text)) = fields.take("stdin", "text, or a list of lines", errors) else {
        return Vec::new();
    };
    if text.lines().nth(MAX_STDIN_LINES).is_some() {
        let msg = format!("may have {MAX_STDIN_LINES} lines at most");
        errors.push(fields.loc("stdin"), msg);
        return Vec::new();
    }
    match text {
        Cow::Borrowed(text) => text.lines().map(Cow::Borrowed).collect(),
        Cow::Owned(text) => text.lines().map(|line| line.to_owned().into()).collect(),
    }
}

fn without_line_end(line: Cow<'_, str>) -> String {
    let line = line.strip_suffix('\n').unwrap_or(&line);
    line.strip_suffix('\r').unwrap_or(line).to_owned()
}

fn code(code: Cow<'_, str>, errors: &mut FieldErrors) -> String {
    let at = || Loc::body().field("code");
    if code.trim().is_empty() {
        errors.push(at(), "must not be empty");
    }
    if code.len() as u64 > MAX_CODE.as_u64() {
        errors.push(at(), format!("may have {MAX_CODE} at most"));
    }
    code.into_owned()
}

fn timeout(
    timeout: Option<Amount<'_>>,
    limits: &config::Execution,
    errors: &mut FieldErrors,
) -> Duration {
    let Some(timeout) = timeout else {
        return limits.timeout;
    };
    let allowed = MIN_TIMEOUT..=limits.max_timeout;
    let duration = timeout.duration().filter(|it| allowed.contains(it));
    duration.unwrap_or_else(|| {
        let max = limits.max_timeout.as_secs_f64();
        let at = Loc::body().field("timeout");
        errors.push(at, format!("must be from 1 to {max} seconds"));
        limits.timeout
    })
}

fn user(user: Option<Cow<'_, str>>, errors: &mut FieldErrors) -> Option<String> {
    let user = user?.into_owned();
    if user.chars().count() > MAX_USER {
        let at = Loc::body().field("user");
        errors.push(at, format!("may have {MAX_USER} characters at most"));
    }
    Some(user)
}
