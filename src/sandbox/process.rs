//! A process beside the kernel, or without one: what is run, and how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use bytesize::ByteSize;
pub use cellblock_link::request::ProcessEnd;

/// A process to run in a sandbox. No shell reads any of it, and its standard input is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The program, looked up in `PATH`, and its arguments.
    pub arguments: Vec<String>,
    /// Set for it on top of the image's own.
    pub environment_variables: BTreeMap<String, String>,
    /// Its working directory; made if it is not there. Absolute, or relative to the kernel's, which is the home
    /// directory where there is no kernel.
    pub directory: String,
    /// After so long it is killed, with its process group.
    pub deadline: Duration,
    /// How much of the end of its output is kept; 128 KiB at most.
    pub output_limit: ByteSize,
}
