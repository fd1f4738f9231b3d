//! Kernel events on their way to whoever reads them: a queue that is bounded in number and in bytes.
//!
//! What is queued is all that a reader who is behind costs; a message beyond it waits with its sender.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::KernelEvent;

/// Bytes that may be queued; one message that is larger may be, alone.
const QUEUED: u32 = 16 << 20;

/// The reader has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads these events")]
pub struct NoReader;

/// A queue of so many events at most.
#[must_use]
pub fn event_queue(events: usize) -> (EventSender, EventReceiver) {
    let (queue, queued) = mpsc::channel(events);
    let room = Arc::new(Semaphore::new(QUEUED as usize));
    (EventSender { queue, room }, EventReceiver(queued))
}

struct Queued {
    event: KernelEvent,
    _room: OwnedSemaphorePermit,
}

/// The end for whoever tells. Its clones tell the same reader.
#[derive(Clone, Debug)]
pub struct EventSender {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

impl EventSender {
    /// Queues it once there is room. Cancel-safe: it is queued or it is not.
    ///
    /// # Errors
    ///
    /// The reader has gone.
    pub async fn send(&self, event: KernelEvent) -> Result<(), NoReader> {
        let room = self.room.clone().acquire_many_owned(weight(&event));
        let room = tokio::select! {
            room = room => room.expect("it is never closed"),
            () = self.queue.closed() => return Err(NoReader),
        };
        let place = self.queue.reserve().await.map_err(|_| NoReader)?;
        place.send(Queued { event, _room: room });
        Ok(())
    }

    /// Whether the reader has gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Waits until the reader has gone.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }
}

/// The end for whoever reads.
#[derive(Debug)]
pub struct EventReceiver(mpsc::Receiver<Queued>);

impl EventReceiver {
    /// The next event; None once everybody who told has gone. Cancel-safe.
    pub async fn recv(&mut self) -> Option<KernelEvent> {
        self.0.recv().await.map(|queued| queued.event)
    }

    /// The next event, if it is there.
    ///
    /// # Errors
    ///
    /// There is none now, or ever.
    pub fn try_recv(&mut self) -> Result<KernelEvent, TryRecvError> {
        self.0.try_recv().map(|queued| queued.event)
    }

    /// [`EventReceiver::recv`] by hand.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<KernelEvent>> {
        let queued = ready!(self.0.poll_recv(context));
        Poll::Ready(queued.map(|queued| queued.event))
    }
}

impl std::fmt::Debug for Queued {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.event.fmt(formatter)
    }
}

/// Bytes of an event; everything, where it is larger than the queue.
fn weight(event: &KernelEvent) -> u32 {
    let KernelEvent::Message(message) = event else {
        return 0;
    };
    let bytes: usize = message.parts.iter().map(bytes::Bytes::len).sum();
    u32::try_from(bytes).unwrap_or(QUEUED).min(QUEUED)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cellblock_link::message::{Channel, KernelMessage};
    use futures::FutureExt;

    use super::*;

    fn message(sequence: u64, bytes: usize) -> KernelEvent {
        KernelEvent::Message(KernelMessage {
            sequence,
            channel: Channel::Iopub,
            parts: vec![Bytes::from(vec![0; bytes])],
        })
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_freed_by_reading() {
        let (sender, mut receiver) = event_queue(8);
        sender.send(message(1, 10 << 20)).await.unwrap();
        assert!(sender.send(message(2, 10 << 20)).now_or_never().is_none());
        receiver.recv().await.unwrap();
        sender.send(message(3, 10 << 20)).await.unwrap();
    }

    #[tokio::test]
    async fn a_message_larger_than_the_queue_goes_alone() {
        let (sender, mut receiver) = event_queue(8);
        sender.send(message(1, 100 << 20)).await.unwrap();
        assert!(sender.send(message(2, 1)).now_or_never().is_none());
        receiver.recv().await.unwrap();
        sender.send(message(2, 1)).await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_for_room_learns_that_the_reader_has_gone() {
        let (sender, receiver) = event_queue(8);
        sender.send(message(1, 16 << 20)).await.unwrap();
        let waiting = sender.send(message(2, 1));
        drop(receiver);
        assert_eq!(waiting.await, Err(NoReader));
    }
}
