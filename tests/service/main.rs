//! What the service guarantees, on a fake engine and under paused time.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod audit;
mod bounds;
mod egress;
mod endings;
mod fake_files;
mod file_rules;
mod files;
mod home;
mod lifecycle;
mod metrics;
mod numbers;
mod packages;
mod pool;
mod quota;
mod room;
mod sessions;
mod shut_down;
mod support;
