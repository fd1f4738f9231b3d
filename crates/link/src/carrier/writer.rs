//! The one who writes: data frames in order, control frames before them.
//!
//! A heartbeat must not wait behind a full queue of data, and yet tell how much data was written before it.
//! So there are two queues, and the sequence numbers are given here, at the moment of writing. A frame is
//! never torn over two writes; several small ones share one, up to what the engine copies at once.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::frame::{self, Frame, Kind, MAX_FRAME, PADDING};

/// The most bytes in one write: the engine's copy buffer.
const MAX_WRITE: usize = 32 << 10;

/// Control frames waiting at most. One more is dropped: each of them is asked for again.
const CONTROL_QUEUE: usize = 8;

/// Data frames waiting at most. Enough to keep a writer busy, little enough for a heartbeat's sake.
const DATA_QUEUE: usize = 8;

/// Writes the frames that come through its [`Queues`].
pub(crate) struct Writer<W> {
    writer: W,
    control: mpsc::Receiver<Frame>,
    data: mpsc::Receiver<Frame>,
    epoch: u64,
    next: u64,
    buffer: BytesMut,
}

/// The ways to a [`Writer`].
#[derive(Clone)]
pub(crate) struct Queues {
    /// Written first. Never wait on it: `try_send`.
    pub(crate) control: mpsc::Sender<Frame>,
    /// Written in order; frames of an epoch other than the latest are dropped.
    pub(crate) data: mpsc::Sender<Frame>,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(crate) fn new(writer: W) -> (Queues, Writer<W>) {
        let (control_sender, control) = mpsc::channel(CONTROL_QUEUE);
        let (data_sender, data) = mpsc::channel(DATA_QUEUE);
        let queues = Queues {
            control: control_sender,
            data: data_sender,
        };
        (
            queues,
            Writer {
                writer,
                control,
                data,
                epoch: 0,
                next: 0,
                buffer: BytesMut::new(),
            },
        )
    }

    /// Writes until the queues' other ends are gone. May be called again after an error: what was to be
    /// written is lost then, and the sequence numbers show it.
    pub(crate) async fn run(&mut self) -> io::Result<()> {
        while let Some(frame) = self.next_frame().await {
            self.buffer.clear();
            self.encode(frame);
            while self.buffer.len() + MAX_FRAME <= MAX_WRITE {
                let Some(frame) = self.waiting_frame() else {
                    break;
                };
                self.encode(frame);
            }
            self.writer.write_all(&self.buffer).await?;
            self.writer.flush().await?;
        }
        Ok(())
    }

    async fn next_frame(&mut self) -> Option<Frame> {
        tokio::select! {
            biased;
            Some(frame) = self.control.recv() => Some(frame),
            Some(frame) = self.data.recv() => Some(frame),
            else => None,
        }
    }

    fn waiting_frame(&mut self) -> Option<Frame> {
        self.control
            .try_recv()
            .or_else(|_| self.data.try_recv())
            .ok()
    }

    /// Gives the frame its sequence number. HELLO and ACK begin an epoch.
    fn encode(&mut self, mut frame: Frame) {
        match frame.kind {
            Kind::Hello | Kind::Ack => (self.epoch, self.next) = (frame.epoch, 0),
            Kind::Data | Kind::Ping | Kind::Pong if frame.epoch != self.epoch => return,
            Kind::Data | Kind::Ping | Kind::Pong => frame.sequence = self.next,
            Kind::Refused | Kind::Reset => {}
        }
        match frame.kind {
            Kind::Hello => self.buffer.extend_from_slice(&PADDING),
            Kind::Data => self.next += 1,
            Kind::Ack | Kind::Refused | Kind::Ping | Kind::Pong | Kind::Reset => {}
        }
        frame::encode(&frame, &mut self.buffer);
    }
}
