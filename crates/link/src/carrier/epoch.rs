//! Epochs: which frames count, and which tell that something was lost. No I/O here.
//!
//! Each attach is an epoch of its own, with a number larger than all before it. The agent lets one begin only
//! when it is newer than the current one, so a dead client's late HELLO does no harm; frames of any epoch but
//! the current are nobody's. Within an epoch the data frames are numbered: yamux cannot live through a gap,
//! so a gap ends the epoch.
//!
//! ```text
//!            HELLO(newer)                 gap
//!   waiting ─────────────▶ alive(epoch) ───────▶ waiting     HELLO(not newer) → Refused, in every state
//!                            ▲      │
//!                            └──────┘ HELLO(newer)           PING(not alive)  → Reset, in every state
//! ```

use bytes::Bytes;

use crate::frame::{Frame, Kind};

/// What a frame means within an epoch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next piece of the stream.
    Data(Bytes),
    /// The other end lives and nothing is lost.
    Alive,
    /// Something is lost, or the other end says so.
    Broken,
    /// It does not belong to this epoch.
    Foreign,
}

/// Follows the frames of one epoch.
#[derive(Debug)]
pub(crate) struct Arrivals {
    epoch: u64,
    next: u64,
}

impl Arrivals {
    pub(crate) fn new(epoch: u64) -> Arrivals {
        Arrivals { epoch, next: 0 }
    }

    pub(crate) fn take(&mut self, frame: Frame) -> Arrival {
        if frame.epoch != self.epoch {
            return Arrival::Foreign;
        }
        match frame.kind {
            Kind::Hello | Kind::Ack | Kind::Refused => Arrival::Foreign,
            Kind::Reset => Arrival::Broken,
            Kind::Data | Kind::Ping | Kind::Pong if frame.sequence != self.next => Arrival::Broken,
            Kind::Ping | Kind::Pong => Arrival::Alive,
            Kind::Data => {
                self.next += 1;
                Arrival::Data(frame.payload)
            }
        }
    }
}

/// What the agent is to do about a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Begin this epoch, and say so. The one before it is over.
    Begin(u64),
    /// Tell that `epoch` cannot begin while `current` is the newest.
    Refuse { epoch: u64, current: u64 },
    /// Hand the bytes to the living epoch.
    Data(Bytes),
    /// Answer the heartbeat of this epoch.
    Pong(u64),
    /// The living epoch is over: drop it, and say so.
    Break(u64),
    /// Say that this epoch is over.
    Reset(u64),
    /// Nothing.
    Ignore,
}

/// The agent's memory of epochs.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    newest: u64,
    alive: Option<Arrivals>,
}

impl Epochs {
    pub(crate) fn take(&mut self, frame: Frame) -> Step {
        match frame.kind {
            Kind::Hello => self.hello(frame.epoch),
            Kind::Data | Kind::Ping => self.arrive(frame),
            Kind::Ack | Kind::Refused | Kind::Pong | Kind::Reset => Step::Ignore,
        }
    }

    /// The living epoch is over for a reason that the frames do not show.
    pub(crate) fn break_off(&mut self) -> Step {
        match self.alive.take() {
            Some(alive) => Step::Break(alive.epoch),
            None => Step::Ignore,
        }
    }

    fn hello(&mut self, epoch: u64) -> Step {
        if epoch <= self.newest {
            return Step::Refuse {
                epoch,
                current: self.newest,
            };
        }
        self.newest = epoch;
        self.alive = Some(Arrivals::new(epoch));
        Step::Begin(epoch)
    }

    fn arrive(&mut self, frame: Frame) -> Step {
        let (epoch, ping) = (frame.epoch, frame.kind == Kind::Ping);
        let arrival = self
            .alive
            .as_mut()
            .map_or(Arrival::Foreign, |alive| alive.take(frame));
        match arrival {
            Arrival::Data(bytes) => Step::Data(bytes),
            Arrival::Alive => Step::Pong(epoch),
            Arrival::Broken => self.break_off(),
            Arrival::Foreign if ping => Step::Reset(epoch),
            Arrival::Foreign => Step::Ignore,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: Kind, epoch: u64, sequence: u64) -> Frame {
        Frame {
            sequence,
            ..Frame::bare(kind, epoch)
        }
    }

    fn alive(epoch: u64) -> Epochs {
        let mut epochs = Epochs::default();
        assert_eq!(
            epochs.take(frame(Kind::Hello, epoch, 0)),
            Step::Begin(epoch)
        );
        epochs
    }

    #[test]
    fn only_a_newer_epoch_begins() {
        let mut epochs = alive(7);
        for epoch in [0, 6, 7] {
            let refused = Step::Refuse { epoch, current: 7 };
            assert_eq!(epochs.take(frame(Kind::Hello, epoch, 0)), refused);
        }
        assert_eq!(
            epochs.take(frame(Kind::Data, 7, 0)),
            Step::Data(Bytes::new())
        );
        assert_eq!(epochs.take(frame(Kind::Hello, 8, 0)), Step::Begin(8));
    }

    #[test]
    fn frames_of_other_epochs_are_nobodys() {
        let mut epochs = alive(7);
        for epoch in [6, 8] {
            assert_eq!(epochs.take(frame(Kind::Data, epoch, 0)), Step::Ignore);
            assert_eq!(epochs.take(frame(Kind::Ping, epoch, 0)), Step::Reset(epoch));
        }
        assert_eq!(epochs.take(frame(Kind::Ping, 7, 0)), Step::Pong(7));
    }

    #[test]
    fn a_gap_ends_the_epoch_until_a_newer_one() {
        let mut epochs = alive(7);
        assert_eq!(epochs.take(frame(Kind::Data, 7, 1)), Step::Break(7));
        assert_eq!(epochs.take(frame(Kind::Data, 7, 0)), Step::Ignore);
        assert_eq!(epochs.take(frame(Kind::Ping, 7, 0)), Step::Reset(7));
        assert_eq!(
            epochs.take(frame(Kind::Hello, 7, 0)),
            Step::Refuse {
                epoch: 7,
                current: 7
            }
        );
        assert_eq!(epochs.take(frame(Kind::Hello, 8, 0)), Step::Begin(8));
    }

    #[test]
    fn a_repeated_frame_ends_the_epoch() {
        let mut epochs = alive(7);
        assert_eq!(
            epochs.take(frame(Kind::Data, 7, 0)),
            Step::Data(Bytes::new())
        );
        assert_eq!(epochs.take(frame(Kind::Data, 7, 0)), Step::Break(7));
    }

    #[test]
    fn a_heartbeat_tells_the_loss_of_the_last_frame() {
        assert_eq!(alive(7).take(frame(Kind::Ping, 7, 1)), Step::Break(7));
        assert_eq!(
            Arrivals::new(7).take(frame(Kind::Pong, 7, 1)),
            Arrival::Broken
        );
    }

    #[test]
    fn the_agents_reset_counts_for_its_epoch_only() {
        let mut arrivals = Arrivals::new(7);
        assert_eq!(arrivals.take(frame(Kind::Reset, 6, 0)), Arrival::Foreign);
        assert_eq!(arrivals.take(frame(Kind::Reset, 7, 0)), Arrival::Broken);
    }
}
