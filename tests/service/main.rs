//! What the service guarantees, on a fake engine and under paused time.

mod bounds;
mod endings;
mod files;
mod lifecycle;
mod pool;
mod support;
