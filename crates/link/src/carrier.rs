//! The carrier: an ordered byte stream within one epoch, for yamux to run on.
//!
//! Its reader never waits for it and its writer is shared with heartbeats, so both of its sides are queues:
//! [`Inlet`] takes what arrived without ever blocking (yamux's windows bound what an honest peer can have on
//! the way; more than that breaks the epoch), and what yamux writes is cut into data frames for the
//! [`writer`].

pub(crate) mod epoch;
pub(crate) mod frames;
pub(crate) mod writer;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

use crate::frame::{Frame, Kind, MAX_PAYLOAD};

/// The byte stream of one epoch.
pub(crate) struct Carrier {
    epoch: u64,
    arrived: mpsc::UnboundedReceiver<Bytes>,
    held: Arc<AtomicUsize>,
    current: Bytes,
    unsent: BytesMut,
    outgoing: PollSender<Frame>,
    blocked: Arc<AtomicBool>,
}

/// Where the receiver puts what arrived for a [`Carrier`]. Dropping it ends the carrier's stream.
pub(crate) struct Inlet {
    arrivals: mpsc::UnboundedSender<Bytes>,
    held: Arc<AtomicUsize>,
    limit: usize,
}

impl Inlet {
    /// Hands over what arrived, at once. False when nobody takes it any more, or when more is waiting than the
    /// windows allow: the peer does not keep to them.
    #[must_use]
    pub(crate) fn push(&self, bytes: Bytes) -> bool {
        let held = self.held.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        self.arrivals.send(bytes).is_ok() && held <= self.limit
    }
}

impl Carrier {
    /// The carrier of `epoch`, which holds at most `limit` bytes that yamux has not taken yet.
    pub(crate) fn new(epoch: u64, limit: usize, outgoing: mpsc::Sender<Frame>) -> (Inlet, Carrier) {
        let (arrivals, arrived) = mpsc::unbounded_channel();
        let held = Arc::new(AtomicUsize::new(0));
        let inlet = Inlet {
            arrivals,
            held: held.clone(),
            limit,
        };
        let carrier = Carrier {
            epoch,
            arrived,
            held,
            current: Bytes::new(),
            unsent: BytesMut::new(),
            outgoing: PollSender::new(outgoing),
            blocked: Arc::default(),
        };
        (inlet, carrier)
    }

    /// True while yamux waits for room in the writer's queue.
    pub(crate) fn blocked(&self) -> Arc<AtomicBool> {
        self.blocked.clone()
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let room = self.outgoing.poll_reserve(context);
        self.blocked.store(room.is_pending(), Ordering::Relaxed);
        ready!(room).map_err(|_| io::ErrorKind::BrokenPipe)?;
        let payload = self.unsent.split().freeze();
        let frame = Frame {
            payload,
            ..Frame::bare(Kind::Data, self.epoch)
        };
        Poll::Ready(
            self.outgoing
                .send_item(frame)
                .map_err(|_| io::ErrorKind::BrokenPipe.into()),
        )
    }
}

impl AsyncRead for Carrier {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        while self.current.is_empty() {
            let Some(bytes) = ready!(self.arrived.poll_recv(context)) else {
                return Poll::Ready(Ok(0));
            };
            self.held.fetch_sub(bytes.len(), Ordering::Relaxed);
            self.current = bytes;
        }
        let count = into.len().min(self.current.len());
        self.current.copy_to_slice(&mut into[..count]);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Carrier {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.unsent.len() == MAX_PAYLOAD {
            ready!(self.poll_send(context))?;
        }
        let count = from.len().min(MAX_PAYLOAD - self.unsent.len());
        self.unsent.extend_from_slice(&from[..count]);
        Poll::Ready(Ok(count))
    }

    /// yamux flushes after each of its frames, which are as long as fits into one of ours.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unsent.is_empty() {
            Poll::Ready(Ok(()))
        } else {
            self.poll_send(context)
        }
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
