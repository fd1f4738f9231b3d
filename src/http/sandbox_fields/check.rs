//! What the fields of a sandbox may say: from the wire's fields to a request of which everything holds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::Query;
use axum::http::Uri;
use bytesize::ByteSize;
use serde::Deserialize;

use super::{RequestFile, SandboxFields};
use crate::config;
use crate::config::host_rule::HostRule;
use crate::http::amount::Amount;
use crate::http::field::{FieldErrors, Loc};
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;
use crate::service::execution::request::{InputFile, SandboxRequest};
use crate::service::files::FileName;

/// The environment of a request that names none.
const DEFAULT_ENVIRONMENT: &str = "python";

/// With less, no kernel starts.
pub const MIN_MEMORY: ByteSize = ByteSize::mib(64);

/// With less, a kernel takes minutes to start.
pub const MIN_CPUS: f64 = 0.1;

/// Names.
const MAX_NAME: usize = 256;

/// A path in the home directory.
const MAX_PATH: usize = 1024;

impl SandboxFields<'_> {
    /// Checks every field, and tells all that is wrong. Where something is, the request is none.
    pub fn check(
        self,
        limits: &config::Execution,
        request_id: &RequestId,
        errors: &mut FieldErrors,
    ) -> SandboxRequest {
        let mut fields = Checked { errors };
        SandboxRequest {
            environment_variables: fields.variables(self.environment_variables),
            environment: fields.environment(self.execution_environment),
            files: fields.files(self.files),
            memory: fields.memory(self.memory, limits),
            cpus: fields.cpus(self.cpus, limits),
            working_directory: fields.working_directory(self.working_directory),
            packages: self.packages.into_iter().map(Cow::into_owned).collect(),
            network: fields.network(&self.network),
            request_id: request_id.to_string(),
        }
    }
}

/// The files of a request together are within the limit.
pub fn files_fit(sandbox: &SandboxRequest, limits: &config::Execution) -> Result<(), Problem> {
    let size = |file: &InputFile| match file {
        InputFile::Inline { content, .. } => content.len() as u64,
        InputFile::Stored { .. } => 0,
    };
    let together: u64 = sandbox.files.iter().map(size).sum();
    if together <= limits.max_input.as_u64() {
        return Ok(());
    }
    let msg = format!("may have {} together at most", limits.max_input);
    Err(Problem::too_large_field(Loc::body().field("files"), msg))
}

/// Checks fields of the body. A wrong one yields whatever is at hand, for the request is refused then.
struct Checked<'e> {
    errors: &'e mut FieldErrors,
}

impl Checked<'_> {
    fn wrong(&mut self, field: &str, msg: impl Into<String>) {
        self.errors.push(Loc::body().field(field), msg);
    }

    fn environment(&mut self, name: Option<Cow<'_, str>>) -> String {
        let name = name.as_deref().unwrap_or(DEFAULT_ENVIRONMENT).trim();
        if name.is_empty() || name.len() > MAX_NAME {
            self.wrong("execution_environment", "must be an environment's name");
        }
        name.to_lowercase()
    }

    fn memory(
        &mut self,
        memory: Option<Amount<'_>>,
        limits: &config::Execution,
    ) -> Option<ByteSize> {
        let memory = memory?;
        let allowed = MIN_MEMORY..=limits.max_memory;
        let size = memory.size().filter(|size| allowed.contains(size));
        if size.is_none() {
            let msg = format!("must be from {MIN_MEMORY} to {}", limits.max_memory);
            self.wrong("memory", msg);
        }
        size
    }

    fn cpus(&mut self, cpus: Option<Amount<'_>>, limits: &config::Execution) -> Option<f64> {
        let cpus = cpus?;
        let allowed = MIN_CPUS..=limits.max_cpus;
        let number = cpus.number().filter(|number| allowed.contains(number));
        if number.is_none() {
            let msg = format!("must be from {MIN_CPUS} to {}", limits.max_cpus);
            self.wrong("cpus", msg);
        }
        number
    }

    fn working_directory(&mut self, path: Option<Cow<'_, str>>) -> Option<String> {
        let path = path?.into_owned();
        let inside = path.split('/').all(|name| FileName::parse(name).is_ok());
        if path.len() > MAX_PATH || !inside {
            let msg = "must be a path in the home directory, such as project/src";
            self.wrong("working_directory", msg);
        }
        Some(path)
    }

    fn network(&mut self, hosts: &[Cow<'_, str>]) -> Vec<HostRule> {
        let at = Loc::body().field("network");
        let mut rule = |(index, host): (usize, &Cow<'_, str>)| {
            let rule = host.parse::<HostRule>();
            rule.map_err(|reason| self.errors.push(at.index(index), reason))
                .ok()
        };
        hosts.iter().enumerate().filter_map(&mut rule).collect()
    }

    fn variables(&mut self, variables: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let at = Loc::body().field("environment_variables");
        for (name, value) in &variables {
            if !is_variable_name(name) {
                let msg = "must have a name of letters, digits and _, no digit first";
                self.errors.push(at.field(name), msg);
            }
            if value.contains('\0') {
                self.errors.push(at.field(name), "must not contain NUL");
            }
        }
        variables
    }

    fn files(&mut self, files: Vec<RequestFile<'_>>) -> Vec<InputFile> {
        let file = |(index, file)| self.file(index, file);
        files.into_iter().enumerate().filter_map(file).collect()
    }

    fn file(&mut self, index: usize, file: RequestFile<'_>) -> Option<InputFile> {
        match file {
            RequestFile::Upload(upload) => {
                let (name, content) = upload.check(self.errors)?;
                Some(InputFile::Inline { name, content })
            }
            RequestFile::Stored(text) => {
                let stored = stored(&text);
                if stored.is_none() {
                    let at = Loc::body().field("files").index(index);
                    self.errors
                        .push(at, "must be the url or the name of a stored file");
                }
                stored
            }
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first_is_digit = name.starts_with(|first: char| first.is_ascii_digit());
    (1..=MAX_NAME).contains(&name.len()) && !first_is_digit && name.bytes().all(allowed)
}

#[derive(Deserialize)]
struct Signed {
    signature: Option<String>,
}

/// A stored file, by its name or its url. Of a url only the last segment and the signature matter: whatever host
/// it names, nothing is fetched from there.
fn stored(text: &str) -> Option<InputFile> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let segment = path.rsplit('/').next().unwrap_or(path);
    let name = percent_encoding::percent_decode_str(segment)
        .decode_utf8()
        .ok()?;
    let name = FileName::parse(&name).ok()?.to_string();
    let uri = Uri::try_from(format!("/?{query}")).ok()?;
    let Query(Signed { signature }) = Query::try_from_uri(&uri).ok()?;
    Some(InputFile::Stored { name, signature })
}
