//! The Jupyter protocol: the messages that the service sends and reads, and folding them into results.

pub mod message;
pub mod output;

pub use message::{Header, MessageView, execute_request, input_reply};
pub use output::{Output, OutputFolder, OutputLimitReached, RaisedError};
