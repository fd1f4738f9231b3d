//! One line in the log about each connection that a sandbox asked for, however it ends. What went over it is never in it.

use tokio::time::Instant;

use super::meters::Meters;
use super::refusal::Refusal;
use super::serve::Route;
use crate::sandbox::SandboxId;

/// For whom connections are made, in the words of the log.
#[derive(Clone, Debug)]
pub(in crate::service) struct OnBehalf {
    /// The request's id.
    pub(in crate::service) request_id: String,
    /// The owner's name.
    pub(in crate::service) owner: String,
}

/// Writes the line when it is dropped.
pub(super) struct Record<'a> {
    behalf: &'a OnBehalf,
    sandbox: &'a SandboxId,
    meters: &'a Meters,
    host: String,
    port: u16,
    began: Instant,
    /// Bytes from the sandbox to the host.
    pub(super) sent: u64,
    /// Bytes from the host to the sandbox.
    pub(super) received: u64,
    end: End,
}

enum End {
    /// The execution ended before it.
    CutOff,
    Closed,
    Broken,
    Refused(Refusal),
}

impl<'a> Record<'a> {
    /// Until it is told otherwise, the connection was cut off: its future was dropped.
    pub(super) fn begin(
        route: &'a Route,
        sandbox: &'a SandboxId,
        host: &str,
        port: u16,
    ) -> Record<'a> {
        Record {
            behalf: &route.behalf,
            sandbox,
            meters: &route.dialer.meters,
            host: host.chars().take(256).collect(),
            port,
            began: Instant::now(),
            sent: 0,
            received: 0,
            end: End::CutOff,
        }
    }

    /// Both sides had said everything.
    pub(super) fn closed(mut self) {
        self.end = End::Closed;
    }

    /// One side was lost.
    pub(super) fn broken(mut self) {
        self.end = End::Broken;
    }

    /// It was not made, or not kept.
    pub(super) fn refused(mut self, refusal: Refusal) {
        self.end = End::Refused(refusal);
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let (end, name) = match self.end {
            End::CutOff => ("cut off", "cut_off"),
            End::Closed => ("closed", "closed"),
            End::Broken => ("broken", "broken"),
            End::Refused(refusal) => (refusal.words(), refusal.name()),
        };
        self.meters.ended(name);
        self.meters.carried(self.sent, self.received);
        // The sandbox's own words are quoted, so that they cannot look like fields.
        tracing::info!(
            request_id = self.behalf.request_id, owner = self.behalf.owner, sandbox = %self.sandbox, host = ?self.host, port = self.port,
            sent = self.sent, received = self.received, took = ?self.began.elapsed(), end,
            "a sandbox's connection"
        );
    }
}
