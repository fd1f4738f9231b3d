//! Bad days: what Cellblock guarantees while the machine around it fails.
//!
//! What hurts an engine cannot use one that others use. So each test has an engine of its own, beside the machine's, which it
//! may stop, kill, hang and fill; and ends by looking from outside: nothing is left, and what was before is again.
//!
//! ```text
//! ground        the place of these engines: cleared first, images brought over once, gone with the last test
//! ├─ daemon     one dockerd
//! ├─ engine     a test's own: a daemon on a copy of the images
//! ├─ disk       a file system of bounded size
//! └─ processes  found and ended by what they are of
//! proxy         a socket between service and engine that can hang
//! calm          what there is of a service, to come back to
//! ```
//!
//! They need root, and an engine at the usual place to bring the image of `bash` from. Without they fail.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod asking;
mod calm;
#[path = "../engine/channels.rs"]
mod channels;
mod clients;
mod clocks;
mod daemon;
mod disk;
mod engine;
mod full_disk;
mod ground;
mod hanging;
#[path = "../engine/heard.rs"]
mod heard;
mod killed;
#[path = "../service/numbers.rs"]
#[expect(
    dead_code,
    reason = "shared with other tests, some of which look at all of them"
)]
mod numbers;
mod processes;
mod proxy;
mod restarts;
mod sandboxes;
#[path = "../engine/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the engine tests, which use all of it"
)]
mod support;
