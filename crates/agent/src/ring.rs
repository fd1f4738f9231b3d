//! The newest kernel messages, kept for a service that comes back, and a queue for one that falls behind.
//!
//! Messages are numbered from 1 through all kernels of the sandbox. What is over the limits leaves the ring at
//! its old end; a reader who was not that far is told that there is a gap. An exit of the kernel keeps its
//! place among the messages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cellblock_link::message::{Channel, KernelMessage, MessageFrame};
use cellblock_link::request::KernelExit;
use tokio::sync::watch;

/// Bytes kept of what the reader has read, or of everything while there is none.
const REPLAY: usize = 8 << 20;

/// Bytes kept of what the reader has yet to read: the kernel can print faster than the link carries. It holds
/// the longest message and more, or what comes right behind that would push it out unread.
const BACKLOG: usize = 128 << 20;

/// What an entry costs beside its parts. With it, the limits bound the number of entries too.
const ENTRY: usize = 512;

/// The messages of a sandbox. Clones are the same ring.
#[derive(Clone, Debug)]
pub(crate) struct Ring(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Changes whenever there is something new to look at.
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    /// How many entries have left the ring: the place of the first.
    left: u64,
    bytes: usize,
    last_sequence: u64,
    readers: u64,
    /// The place that the newest reader reads next; none while there is no reader.
    reading: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    /// Of the message, or of the last one before the exit.
    sequence: u64,
    bytes: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Message { channel: Channel, parts: Vec<Bytes> },
    Exit { kernel: u64, exit: KernelExit },
}

impl Ring {
    pub(crate) fn new() -> Ring {
        Ring(Arc::new(Shared {
            state: Mutex::default(),
            news: watch::Sender::new(()),
        }))
    }

    /// A message came from the kernel.
    pub(crate) fn push(&self, channel: Channel, parts: Vec<Bytes>) {
        let mut state = self.state();
        state.last_sequence += 1;
        state.put(Content::Message { channel, parts });
        drop(state);
        self.0.news.send_replace(());
    }

    /// A message came from the kernel and cannot be kept.
    pub(crate) fn lose(&self) {
        self.state().last_sequence += 1;
    }

    /// The process of the kernel with this number ended, and all its messages are here.
    pub(crate) fn exit(&self, kernel: u64, exit: KernelExit) {
        self.state().put(Content::Exit { kernel, exit });
        self.0.news.send_replace(());
    }

    /// A reader of what came after message `after`. It takes the place of the one before it.
    pub(crate) fn read(&self, after: u64) -> Reader {
        let mut state = self.state();
        state.readers += 1;
        let (place, sequence) = state.seek(after);
        state.reading = Some(place);
        let number = state.readers;
        drop(state);
        self.0.news.send_replace(());
        Reader {
            ring: self.clone(),
            number,
            place,
            sequence,
            news: self.0.news.subscribe(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, content: Content) {
        let parts = match &content {
            Content::Message { parts, .. } => parts.iter().map(Bytes::len).sum(),
            Content::Exit { .. } => 0,
        };
        let bytes = ENTRY + parts;
        self.bytes += bytes;
        self.entries.push_back(Entry {
            sequence: self.last_sequence,
            bytes,
            content,
        });
        self.trim();
    }

    /// Lets go of the oldest, but never of the newest.
    fn trim(&mut self) {
        while self.bytes > self.limit() && self.entries.len() > 1 {
            let oldest = self.entries.pop_front().expect("there are two");
            self.bytes -= oldest.bytes;
            self.left += 1;
        }
    }

    fn limit(&self) -> usize {
        match self.reading {
            Some(place) if place <= self.left => BACKLOG,
            Some(_) | None => REPLAY,
        }
    }

    /// The place of the first entry that someone who knows the messages up to `after` does not know, and the
    /// number of the last message that is not to come.
    fn seek(&self, after: u64) -> (u64, u64) {
        let index = self.entries.partition_point(|entry| match entry.content {
            Content::Message { .. } => entry.sequence <= after,
            Content::Exit { .. } => entry.sequence < after,
        });
        let next = self
            .entries
            .range(index..)
            .find_map(|entry| match entry.content {
                Content::Message { .. } => Some(entry.sequence),
                Content::Exit { .. } => None,
            });
        (
            self.left + index as u64,
            next.map_or(self.last_sequence, |sequence| sequence - 1),
        )
    }

    fn entry(&self, place: u64) -> Option<&Entry> {
        self.entries
            .get(usize::try_from(place.checked_sub(self.left)?).ok()?)
    }
}

/// Reads a [`Ring`].
#[derive(Debug)]
pub(crate) struct Reader {
    ring: Ring,
    number: u64,
    place: u64,
    sequence: u64,
    news: watch::Receiver<()>,
}

impl Reader {
    /// The number of the last message that will not come.
    pub(crate) fn after(&self) -> u64 {
        self.sequence
    }

    /// The next frame; `None` once a newer reader took this one's place. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<MessageFrame> {
        loop {
            self.news.mark_unchanged();
            if self.is_replaced() {
                return None;
            }
            if let Some(frame) = self.take() {
                return Some(frame);
            }
            self.news.changed().await.ok()?;
        }
    }

    /// Waits until a newer reader has taken the place of the one with this number.
    pub(crate) fn replaced(&self) -> impl Future<Output = ()> + use<> {
        let (ring, number, mut news) = (self.ring.clone(), self.number, self.news.clone());
        async move {
            // The sender is in the ring, which is here.
            let _ = news.wait_for(|()| ring.state().readers != number).await;
        }
    }

    fn is_replaced(&self) -> bool {
        self.ring.state().readers != self.number
    }

    fn take(&mut self) -> Option<MessageFrame> {
        let mut state = self.ring.state();
        self.place = self.place.max(state.left);
        let entry = state.entry(self.place)?;
        let before = match entry.content {
            Content::Message { .. } => entry.sequence - 1,
            Content::Exit { .. } => entry.sequence,
        };
        if before > self.sequence {
            self.sequence = before;
            return Some(MessageFrame::Gap { after: before });
        }
        let frame = match &entry.content {
            Content::Message { channel, parts } => MessageFrame::Message(KernelMessage {
                sequence: entry.sequence,
                channel: *channel,
                parts: parts.clone(),
            }),
            Content::Exit { kernel, exit } => MessageFrame::KernelExit {
                kernel: *kernel,
                exit: *exit,
            },
        };
        self.sequence = entry.sequence;
        self.place += 1;
        state.reading = Some(self.place);
        state.trim();
        Some(frame)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.ring.state();
        if state.readers == self.number {
            state.reading = None;
            state.trim();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const EXIT: KernelExit = KernelExit {
        code: Some(3),
        signal: None,
    };

    fn push(ring: &Ring, bytes: usize) {
        ring.push(Channel::Iopub, vec![Bytes::from(vec![0; bytes])]);
    }

    /// What can be read at once, in short: numbers, `-n` for a gap after n, 0 for an exit.
    fn read(reader: &mut Reader) -> Vec<i64> {
        std::iter::from_fn(|| reader.next().now_or_never().flatten())
            .map(|frame| match frame {
                MessageFrame::Message(message) => message.sequence as i64,
                MessageFrame::Gap { after } => -(after as i64),
                MessageFrame::KernelExit { .. } => 0,
            })
            .collect()
    }

    #[test]
    fn what_came_after_is_replayed_and_followed() {
        let ring = Ring::new();
        (0..4).for_each(|_| push(&ring, 10));
        let mut reader = ring.read(2);
        assert_eq!(reader.after(), 2);
        assert_eq!(read(&mut reader), [3, 4]);
        push(&ring, 10);
        assert_eq!(read(&mut reader), [5]);
    }

    #[test]
    fn memory_is_bounded_without_a_reader_and_with_a_slow_one() {
        let ring = Ring::new();
        (0..1000).for_each(|_| push(&ring, 100_000));
        assert!(ring.state().bytes <= REPLAY);
        let mut reader = ring.read(0);
        assert!(reader.after() > 800, "{}", reader.after());
        (0..2000).for_each(|_| push(&ring, 100_000));
        assert!(ring.state().bytes > REPLAY && ring.state().bytes <= BACKLOG);
        let frames = read(&mut reader);
        assert_eq!(
            frames[0],
            1 - frames[1],
            "a gap up to the first that is left"
        );
        assert_eq!(frames.last(), Some(&3000));
        assert!(ring.state().bytes <= REPLAY, "what was read is let go of");
    }

    #[test]
    fn tiny_messages_are_bounded_too() {
        let ring = Ring::new();
        (0..100_000).for_each(|_| push(&ring, 1));
        assert!(ring.state().entries.len() <= REPLAY / ENTRY);
    }

    #[test]
    fn the_newest_message_is_kept_whatever_its_size() {
        let ring = Ring::new();
        push(&ring, 10);
        push(&ring, BACKLOG + 1);
        let mut reader = ring.read(0);
        assert_eq!(reader.after(), 1);
        assert_eq!(read(&mut reader), [2]);
    }

    #[test]
    fn a_lost_message_is_a_gap() {
        let ring = Ring::new();
        let mut reader = ring.read(0);
        push(&ring, 10);
        ring.lose();
        push(&ring, 10);
        assert_eq!(read(&mut reader), [1, -2, 3]);
        ring.lose();
        ring.exit(1, EXIT);
        assert_eq!(read(&mut reader), [-4, 0]);
    }

    #[test]
    fn an_exit_keeps_its_place_and_is_told_to_who_comes_later() {
        let ring = Ring::new();
        push(&ring, 10);
        ring.exit(1, EXIT);
        assert_eq!(read(&mut ring.read(0)), [1, 0]);
        assert_eq!(read(&mut ring.read(1)), [0]);
        push(&ring, 10);
        assert_eq!(read(&mut ring.read(0)), [1, 0, 2]);
        assert_eq!(read(&mut ring.read(2)), [0; 0]);
    }

    #[test]
    fn a_number_from_elsewhere_is_corrected() {
        let ring = Ring::new();
        push(&ring, 10);
        let mut reader = ring.read(77);
        assert_eq!(reader.after(), 1);
        push(&ring, 10);
        assert_eq!(read(&mut reader), [2]);
    }

    #[test]
    fn a_newer_reader_ends_the_older() {
        let ring = Ring::new();
        let mut older = ring.read(0);
        let replaced = older.replaced();
        let mut newer = ring.read(0);
        push(&ring, 10);
        assert_eq!(older.next().now_or_never(), Some(None));
        assert!(replaced.now_or_never().is_some());
        drop(older);
        assert_eq!(read(&mut newer), [1]);
        assert!(newer.replaced().now_or_never().is_none());
    }
}
