//! The newest kernel messages, kept for a service that comes back, and a queue for one that falls behind.
//!
//! Messages are numbered from 1 through all kernels of the sandbox. What is over the limits leaves the ring, the oldest
//! first; a reader who was not that far is told that there is a gap. Replies and states of the kernel are small, and clients
//! wait for them: where there is output to let go of, they stay. An exit of the kernel keeps its place among the messages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cellblock_link::message::{Channel, KernelMessage, MessageFrame};
use cellblock_link::request::KernelExit;
use tokio::sync::watch;

/// Bytes kept of what the reader has read, or of everything while there is none.
const REPLAY: usize = 8 << 20;

/// Bytes kept of what the reader has yet to read, at least: the kernel can print faster than the link carries. It holds
/// the longest message and more, or what comes right behind that would push it out unread.
const BACKLOG: usize = 128 << 20;

/// The same, at most.
const LARGEST_BACKLOG: usize = 512 << 20;

/// The part of the sandbox's memory that it may take between the two.
const BACKLOG_PART: u64 = 4;

/// Bytes of answers that stay although they are the oldest. Thousands; a flood of them is let go of like everything else.
const ANSWERS: usize = 4 << 20;

/// The longest header that can be that of a state.
const STATE_HEADER: usize = 1 << 10;

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
    /// In the order of their places, some of which are free.
    entries: VecDeque<Entry>,
    /// The place of the next.
    next_place: u64,
    bytes: usize,
    /// Of these, those of answers.
    answers: usize,
    /// As many are kept of what is not read yet.
    backlog: usize,
    last_sequence: u64,
    readers: u64,
    /// The place that the newest reader reads next; none while there is no reader.
    reading: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    place: u64,
    /// Of the message, or of the last one before the exit.
    sequence: u64,
    bytes: usize,
    is_answer: bool,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Message { channel: Channel, parts: Vec<Bytes> },
    Exit { kernel: u64, exit: KernelExit },
}

impl Ring {
    /// An empty one, in a sandbox with so many bytes of memory; 0: it is not known.
    pub(crate) fn new(memory: u64) -> Ring {
        let backlog = usize::try_from(memory / BACKLOG_PART).unwrap_or(usize::MAX);
        let state = State {
            backlog: backlog.clamp(BACKLOG, LARGEST_BACKLOG),
            ..State::default()
        };
        Ring(Arc::new(Shared {
            state: Mutex::new(state),
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
        let entry = Entry {
            place: self.next_place,
            sequence: self.last_sequence,
            bytes: ENTRY + parts,
            is_answer: content.is_answer(),
            content,
        };
        self.next_place += 1;
        self.bytes += entry.bytes;
        self.answers += entry.bytes_of_answers();
        self.entries.push_back(entry);
        self.trim();
    }

    /// Lets go of the oldest, but never of the newest.
    fn trim(&mut self) {
        while self.bytes > self.limit() && self.entries.len() > 1 {
            let gone = self.entries.remove(self.expendable());
            let gone = gone.expect("it is one of them");
            self.bytes -= gone.bytes;
            self.answers -= gone.bytes_of_answers();
        }
    }

    fn limit(&self) -> usize {
        match self.reading {
            Some(_) if self.has_read_oldest() => REPLAY,
            Some(_) => self.backlog,
            None => REPLAY,
        }
    }

    fn has_read_oldest(&self) -> bool {
        let oldest = self.entries.front().map(|oldest| oldest.place);
        oldest < self.reading
    }

    /// Which of the entries goes: the oldest, but an answer that was not read only where all are, or too many.
    fn expendable(&self) -> usize {
        if self.has_read_oldest() || self.answers > ANSWERS {
            return 0;
        }
        let all_but_newest = self.entries.len() - 1;
        let mut old = self.entries.range(..all_but_newest);
        old.position(|entry| !entry.is_answer).unwrap_or(0)
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
        let place = self
            .entries
            .get(index)
            .map_or(self.next_place, |it| it.place);
        (
            place,
            next.map_or(self.last_sequence, |sequence| sequence - 1),
        )
    }

    /// What is at the place, or the first behind it.
    fn entry_from(&self, place: u64) -> Option<&Entry> {
        let index = self.entries.partition_point(|entry| entry.place < place);
        self.entries.get(index)
    }
}

impl Entry {
    fn bytes_of_answers(&self) -> usize {
        if self.is_answer { self.bytes } else { 0 }
    }
}

impl Content {
    /// Whether a client waits for it, or it says how the kernel is.
    fn is_answer(&self) -> bool {
        match self {
            Content::Message {
                channel: Channel::Iopub,
                parts,
            } => parts.first().is_some_and(|header| is_of_state(header)),
            Content::Message { .. } | Content::Exit { .. } => true,
        }
    }
}

/// Whether a header is that of a `status`, or is taken for it: what user code makes up here is bounded all the same.
fn is_of_state(header: &[u8]) -> bool {
    const STATUS: &[u8] = br#""status""#;
    header.len() <= STATE_HEADER && header.windows(STATUS.len()).any(|text| text == STATUS)
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
        let entry = state.entry_from(self.place)?;
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
        self.place = entry.place + 1;
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
        let ring = Ring::new(0);
        (0..4).for_each(|_| push(&ring, 10));
        let mut reader = ring.read(2);
        assert_eq!(reader.after(), 2);
        assert_eq!(read(&mut reader), [3, 4]);
        push(&ring, 10);
        assert_eq!(read(&mut reader), [5]);
    }

    #[test]
    fn memory_is_bounded_without_a_reader_and_with_a_slow_one() {
        let ring = Ring::new(0);
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
    fn what_clients_wait_for_outlasts_a_flood_of_output() {
        let ring = Ring::new(0);
        let mut reader = ring.read(0);
        ring.push(Channel::Shell, vec![Bytes::from_static(b"a reply")]);
        let header = br#"{"msg_id": "1", "msg_type": "status"}"#;
        ring.push(Channel::Iopub, vec![Bytes::from_static(header)]);
        ring.exit(1, EXIT);
        (0..2000).for_each(|_| push(&ring, 100_000));
        let frames = read(&mut reader);
        assert_eq!(frames[..3], [1, 2, 0]);
        assert_eq!(frames[3], 1 - frames[4], "a gap behind them");
        assert_eq!(frames.last(), Some(&2002));
    }

    #[test]
    fn a_flood_of_what_clients_wait_for_is_bounded() {
        let ring = Ring::new(0);
        let mut reader = ring.read(0);
        push(&ring, 10);
        (0..3000).for_each(|_| ring.push(Channel::Shell, vec![Bytes::from(vec![0; 100_000])]));
        assert!(ring.state().bytes <= BACKLOG);
        assert_eq!(read(&mut reader).last(), Some(&3001));
        assert!(ring.state().bytes <= REPLAY);
    }

    #[test]
    fn a_sandbox_with_more_memory_keeps_more_for_a_slow_reader() {
        for (memory, kept) in [
            (512 << 20, BACKLOG),
            (1 << 30, 256 << 20),
            (u64::MAX, LARGEST_BACKLOG),
        ] {
            assert_eq!(Ring::new(memory).state().backlog, kept);
        }
    }

    #[test]
    fn tiny_messages_are_bounded_too() {
        let ring = Ring::new(0);
        (0..100_000).for_each(|_| push(&ring, 1));
        assert!(ring.state().entries.len() <= REPLAY / ENTRY);
    }

    #[test]
    fn the_newest_message_is_kept_whatever_its_size() {
        let ring = Ring::new(0);
        push(&ring, 10);
        push(&ring, BACKLOG + 1);
        let mut reader = ring.read(0);
        assert_eq!(reader.after(), 1);
        assert_eq!(read(&mut reader), [2]);
    }

    #[test]
    fn a_lost_message_is_a_gap() {
        let ring = Ring::new(0);
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
        let ring = Ring::new(0);
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
        let ring = Ring::new(0);
        push(&ring, 10);
        let mut reader = ring.read(77);
        assert_eq!(reader.after(), 1);
        push(&ring, 10);
        assert_eq!(read(&mut reader), [2]);
    }

    #[test]
    fn a_newer_reader_ends_the_older() {
        let ring = Ring::new(0);
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
