//! Folding iopub messages into what a notebook would show.

use serde_json::Value;

use super::MessageView;

/// What an execution printed and drew.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// All text of streams and of `text/plain` results, and the traceback without ANSI codes, joined by
    /// newlines and stripped.
    pub text: String,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
    /// nbformat outputs: stream, display_data, execute_result, error.
    pub outputs: Vec<Value>,
    /// What the code raised.
    pub error: Option<RaisedError>,
    /// The kernel's count.
    pub execution_count: Option<u64>,
}

/// An exception of the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedError {
    /// Its class.
    pub name: String,
    /// Its message.
    pub value: String,
    /// The traceback without ANSI codes.
    pub traceback: String,
}

/// More output came than allowed; what fitted is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more output than allowed")]
pub struct OutputLimitReached;

/// Takes iopub messages of one execution, in order.
#[derive(Debug)]
pub struct OutputFolder {
    _limit: u64,
}

impl OutputFolder {
    /// Keeps `limit` bytes at most.
    #[must_use]
    pub fn new(limit: u64) -> OutputFolder {
        OutputFolder { _limit: limit }
    }

    /// Takes one message that belongs to the execution; kinds it does not know are ignored.
    ///
    /// # Errors
    ///
    /// Once the limit is passed; a stream's text is cut at the limit, at a character boundary.
    pub fn take(&mut self, _message: &MessageView) -> Result<(), OutputLimitReached> {
        todo!()
    }

    /// What has come of it.
    #[must_use]
    pub fn finish(self) -> Output {
        todo!()
    }
}
