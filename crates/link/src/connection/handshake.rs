//! HELLO until ACK.
//!
//! A HELLO may be lost: the agent may not run yet, or the bytes of a dead client may land in the middle of it.
//! So it is said again, each time with a new epoch, until the latest one is acknowledged.

use std::io;
use std::time::{Duration, SystemTime};

use bytes::Buf;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::carrier::frames::Frames;
use crate::fate::Fate;
use crate::frame::{Frame, Kind};
use crate::request::AgentHello;
use crate::{LinkConfig, LinkError};

/// Says HELLO until the agent acknowledges it: the epoch, and what the agent says of itself.
pub(super) async fn shake_hands<R: AsyncRead + Unpin>(
    frames: &mut Frames<R>,
    control: &mpsc::Sender<Frame>,
    config: &LinkConfig,
    fate: &Fate,
) -> Result<(u64, AgentHello), LinkError> {
    let mut greeting = Greeting {
        epoch: 0,
        pause: config.hello_every,
        again: Instant::now(),
    };
    timeout(
        config.open_within,
        greeting.until_acknowledged(frames, control, fate),
    )
    .await
    .unwrap_or(Err(LinkError::NoAnswer))
}

struct Greeting {
    epoch: u64,
    pause: Duration,
    again: Instant,
}

enum Event {
    Frame(io::Result<Option<Frame>>),
    Again,
    Gone(LinkError),
}

impl Greeting {
    async fn until_acknowledged<R: AsyncRead + Unpin>(
        &mut self,
        frames: &mut Frames<R>,
        control: &mpsc::Sender<Frame>,
        fate: &Fate,
    ) -> Result<(u64, AgentHello), LinkError> {
        loop {
            let event = tokio::select! {
                frame = frames.next() => Event::Frame(frame),
                () = sleep_until(self.again) => Event::Again,
                reason = fate.wait() => Event::Gone(reason),
            };
            let frame = match event {
                Event::Frame(Ok(Some(frame))) => frame,
                Event::Frame(Ok(None)) => return Err(LinkError::Ended),
                Event::Frame(Err(error)) => return Err(LinkError::attach(&error)),
                Event::Gone(reason) => return Err(reason),
                Event::Again => {
                    self.greet(control);
                    continue;
                }
            };
            match frame.kind {
                Kind::Ack if frame.epoch == self.epoch => return self.acknowledged(&frame),
                Kind::Refused if frame.epoch == self.epoch => self.refused(frame)?,
                // Of another epoch, or of no use before the ACK.
                Kind::Ack | Kind::Refused | Kind::Hello => {}
                Kind::Data | Kind::Ping | Kind::Pong | Kind::Reset => {}
            }
        }
    }

    /// Says HELLO with a new epoch; where the writer is still busy with earlier ones, later.
    fn greet(&mut self, control: &mpsc::Sender<Frame>) {
        self.again = Instant::now() + self.pause;
        if let Ok(place) = control.try_reserve() {
            self.pause = (self.pause * 2).min(LinkConfig::HELLO_AT_MOST);
            self.epoch = self.epoch.saturating_add(1).max(unix_micros());
            place.send(Frame::bare(Kind::Hello, self.epoch));
        }
    }

    /// A newer epoch lives: ours must be newer still.
    fn refused(&mut self, mut frame: Frame) -> Result<(), LinkError> {
        let current = frame
            .payload
            .try_get_u64()
            .map_err(|_| LinkError::MalformedAck)?;
        if current == u64::MAX {
            return Err(LinkError::MalformedAck);
        }
        self.epoch = self.epoch.max(current);
        self.again = Instant::now();
        Ok(())
    }

    fn acknowledged(&self, frame: &Frame) -> Result<(u64, AgentHello), LinkError> {
        let hello = serde_json::from_slice(&frame.payload).map_err(|_| LinkError::MalformedAck)?;
        Ok((self.epoch, hello))
    }
}

fn unix_micros() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
