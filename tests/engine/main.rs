//! What Cellblock guarantees, shown on the real binary and a real engine with the images of `make images`.
//!
//! Each test runs a service of its own, as an instance of its own, and ends by looking at the engine from outside:
//! nothing of that instance may be left. Without an engine these tests fail; `make test` makes sure of one.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod adoption;
mod attacks;
mod bad_days;
mod channels;
mod command_line;
mod conformance;
mod contents;
#[path = "../attacks/corpus.rs"]
mod corpus;
mod egress;
mod endings;
#[path = "../service/file_rules.rs"]
mod file_rules;
mod files;
mod hardening;
mod heard;
mod index;
mod isolation;
mod load;
mod metrics;
#[path = "../service/numbers.rs"]
mod numbers;
mod packages;
mod readme;
mod sandboxes;
mod service;
mod session_files;
mod sessions;
mod shell;
mod support;
mod traces;
