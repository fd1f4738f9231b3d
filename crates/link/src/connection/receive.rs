//! Drains the attached stream, and keeps the heartbeat.
//!
//! It never waits for anything but the stream and the clock: a client that stops reading wedges the container,
//! and the engine's `kill` with it.

use std::io;

use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::carrier::Inlet;
use crate::carrier::epoch::{Arrival, Arrivals};
use crate::carrier::frames::Frames;
use crate::fate::Fate;
use crate::frame::{Frame, Kind};
use crate::{LinkConfig, LinkError};

/// What the receiver knows of its epoch.
pub(super) struct Epoch {
    number: u64,
    arrivals: Arrivals,
    inlet: Inlet,
    control: mpsc::Sender<Frame>,
    config: LinkConfig,
    heard: Instant,
    ping_at: Instant,
}

enum Event {
    Frame(io::Result<Option<Frame>>),
    Clock,
}

/// Receives until the link ends, and says how it did.
pub(super) async fn receive<R: AsyncRead + Unpin>(
    mut frames: Frames<R>,
    mut epoch: Epoch,
    fate: Fate,
) {
    let _broken = fate.end_on_drop(LinkError::Broken);
    let reason = epoch.follow(&mut frames).await;
    fate.end(reason);
}

impl Epoch {
    pub(super) fn new(
        number: u64,
        inlet: Inlet,
        control: mpsc::Sender<Frame>,
        config: LinkConfig,
    ) -> Epoch {
        let now = Instant::now();
        let ping_at = now + config.ping_every;
        Epoch {
            number,
            arrivals: Arrivals::new(number),
            inlet,
            control,
            config,
            heard: now,
            ping_at,
        }
    }

    async fn follow<R: AsyncRead + Unpin>(&mut self, frames: &mut Frames<R>) -> LinkError {
        let garbage = frames.skipped();
        loop {
            // The stream first: after a stop of this process, what was said meanwhile counts.
            let event = tokio::select! {
                biased;
                frame = frames.next() => Event::Frame(frame),
                () = sleep_until(self.ping_at) => Event::Clock,
            };
            let checked = match event {
                Event::Frame(Ok(Some(frame))) => self.take(frame),
                Event::Frame(Ok(None)) => Err(LinkError::Ended),
                Event::Frame(Err(error)) => Err(LinkError::attach(&error)),
                Event::Clock => Ok(()),
            };
            if let Err(reason) = checked.and_then(|()| self.keep_time()) {
                return reason;
            }
            // After the ACK nothing but frames may come.
            if frames.skipped() != garbage {
                return LinkError::Broken;
            }
        }
    }

    fn take(&mut self, frame: Frame) -> Result<(), LinkError> {
        match self.arrivals.take(frame) {
            Arrival::Foreign => return Ok(()),
            Arrival::Broken => return Err(LinkError::Broken),
            Arrival::Data(bytes) => self.hand_over(bytes)?,
            Arrival::Alive => {}
        }
        self.heard = Instant::now();
        Ok(())
    }

    fn hand_over(&self, bytes: Bytes) -> Result<(), LinkError> {
        if self.inlet.push(bytes) {
            Ok(())
        } else {
            Err(LinkError::Broken)
        }
    }

    /// Looks at the clock after every event, so that no flood of frames can hold it back.
    fn keep_time(&mut self) -> Result<(), LinkError> {
        let now = Instant::now();
        if now.duration_since(self.heard) >= self.config.silence {
            return Err(LinkError::Silent);
        }
        if now >= self.ping_at {
            self.ping_at = now + self.config.ping_every;
            // No room means that the writer is stuck; silence will follow.
            let _ = self.control.try_send(Frame::bare(Kind::Ping, self.number));
        }
        Ok(())
    }
}
