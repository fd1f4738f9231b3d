//! What an execution is asked to do, already validated: everything here holds, but where it says otherwise.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;

use crate::config::host_rule::HostRule;
use crate::service::files::FileName;

/// One run of code.
#[derive(Clone, Debug)]
pub struct ExecutionRequest {
    /// Not empty.
    pub code: String,
    /// The environment's name, lower case.
    pub environment: String,
    /// From the start of the code to its interrupt.
    pub timeout: Duration,
    /// Put into the working directory before the code starts.
    pub files: Vec<InputFile>,
    /// Answers to `input()`, a line each.
    pub stdin: Vec<String>,
    /// Set for the kernel.
    pub environment_variables: BTreeMap<String, String>,
    /// Below the operator's maximum; None: the default.
    pub memory: Option<ByteSize>,
    /// Below the operator's maximum; None: the default.
    pub cpus: Option<f64>,
    /// Relative to the home directory; None: the default.
    pub working_directory: Option<String>,
    /// Packages to install before, as the package manager of the environment writes them. Not validated yet: what they may
    /// say depends on the environment.
    pub packages: Vec<String>,
    /// Hosts that the code asks to reach.
    pub network: Vec<HostRule>,
    /// Free text of the caller, for the log.
    pub user: Option<String>,
    /// The request's id in the log and in the answer.
    pub request_id: String,
}

/// A file for the working directory.
#[derive(Clone, Debug)]
pub enum InputFile {
    /// Came with the request.
    Inline {
        /// Its name there.
        name: FileName,
        /// Its bytes.
        content: Bytes,
    },
    /// Is in the file store, under this name; lands under the filename it was stored with.
    Stored {
        /// The stored file's name (the last segment of its url).
        name: String,
        /// The signature of its url, where one was given: it lets anybody use the file. None: it must be the owner's.
        signature: Option<String>,
    },
}
