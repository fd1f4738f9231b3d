//! The HTTP layer's guarantees, over a service on the fake engine. Nothing here needs a container.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod api;
mod bad_input;
mod bench;
mod channels;
mod connections;
mod contents;
mod description;
mod documents;
mod execute;
mod files;
mod hostile;
mod keys;
mod keys_file;
mod local;
mod log;
mod memory;
mod metrics;
#[path = "../service/numbers.rs"]
mod numbers;
mod places;
mod problems;
mod revoked;
mod session_files;
mod sessions;
mod shut_down;
mod stream;
mod tokens;
