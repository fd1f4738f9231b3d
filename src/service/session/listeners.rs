//! Who hears a session's kernel: clients on their connections, and executions.
//!
//! A listener that does not read is waited for, and then cut off: the others hear on.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::routes::Asker;
use crate::sandbox::{EventReceiver, EventSender, KernelEvent, KernelMessage, event_queue};

/// Events that wait for a listener.
const WAITING: usize = 64;

/// How long a listener may keep everybody waiting once its queue is full.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listeners of a session at once.
const MOST: usize = 64;

/// Why a listener hears no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It did not read for too long.
    Slow,
    /// The same client has come back on another connection.
    Replaced,
    /// The session is over, or its kernel was shut down.
    Ended,
    /// Too many listen already.
    Crowded,
}

/// What a listener holds. Dropping it is all that it takes to leave.
#[derive(Debug)]
pub(super) struct Hearing {
    /// From its first message on.
    pub(super) events: EventReceiver,
    /// Why there are no more.
    pub(super) cut: oneshot::Receiver<Cut>,
    /// Cancelled: nothing more comes, though what came may not have been read yet.
    pub(super) over: CancellationToken,
}

struct Listener {
    who: Asker,
    sender: EventSender,
    cut: oneshot::Sender<Cut>,
    _over: DropGuard,
    /// The number of the last message that was sent or passed over.
    after: u64,
}

/// Everybody.
#[derive(Default)]
pub(super) struct Listeners(Vec<Listener>);

impl Listeners {
    /// Adds one that hears what follows message `after`.
    pub(super) fn add(&mut self, who: Asker, after: u64) -> Hearing {
        self.forget_gone();
        if let Asker::Client(_) = who {
            self.cut_where(Cut::Replaced, |listener| listener.who == who);
        }
        let (sender, events) = event_queue(WAITING);
        let (cut, told) = oneshot::channel();
        let over = CancellationToken::new();
        let over_when_dropped = over.clone().drop_guard();
        let hearing = Hearing {
            events,
            cut: told,
            over,
        };
        if self.0.len() >= MOST {
            // It cannot have gone yet.
            let _ = cut.send(Cut::Crowded);
            return hearing;
        }
        self.0.push(Listener {
            who,
            sender,
            cut,
            _over: over_when_dropped,
            after,
        });
        hearing
    }

    /// Whether any client is connected.
    pub(super) fn has_clients(&mut self) -> bool {
        self.forget_gone();
        self.0.iter().any(|listener| listener.who.is_client())
    }

    /// Passes a kernel's message on to those who have not heard it: all, or only to `asker` where that is somebody.
    pub(super) async fn pass_on(&mut self, message: &KernelMessage, asker: Option<&Asker>) {
        for index in (0..self.0.len()).rev() {
            let listener = &mut self.0[index];
            if message.sequence <= listener.after {
                continue;
            }
            listener.after = message.sequence;
            if asker.is_none_or(|asker| *asker == listener.who) {
                self.send(index, KernelEvent::Message(message.clone()))
                    .await;
            }
        }
    }

    /// Tells of a gap to those who have not heard what is lost.
    pub(super) async fn tell_gap(&mut self, after: u64) {
        for index in (0..self.0.len()).rev() {
            let listener = &mut self.0[index];
            if after > listener.after {
                listener.after = after;
                self.send(index, KernelEvent::Gap { after }).await;
            }
        }
    }

    /// Tells everybody of what has no place among the kernel's messages.
    pub(super) async fn tell(&mut self, event: &KernelEvent) {
        for index in (0..self.0.len()).rev() {
            self.send(index, event.clone()).await;
        }
    }

    /// Tells the executions that run.
    pub(super) async fn tell_executions(&mut self, event: &KernelEvent) {
        for index in (0..self.0.len()).rev() {
            if !self.0[index].who.is_client() {
                self.send(index, event.clone()).await;
            }
        }
    }

    /// No client hears any more.
    pub(super) fn end_clients(&mut self) {
        self.cut_where(Cut::Ended, |listener| listener.who.is_client());
    }

    /// Nobody hears any more.
    pub(super) fn end(&mut self) {
        self.cut_where(Cut::Ended, |_| true);
    }

    /// Sends to one, and does without it where that does not work.
    async fn send(&mut self, index: usize, event: KernelEvent) {
        let sent = timeout(PATIENCE, self.0[index].sender.send(event)).await;
        if sent == Ok(Ok(())) {
            return;
        }
        // Whoever has gone is not told.
        let _ = self.0.swap_remove(index).cut.send(Cut::Slow);
    }

    fn forget_gone(&mut self) {
        self.0.retain(|listener| !listener.sender.is_closed());
    }

    fn cut_where(&mut self, cut: Cut, which: impl Fn(&Listener) -> bool) {
        for listener in self.0.extract_if(.., |listener| which(listener)) {
            // Whoever has gone is not told.
            let _ = listener.cut.send(cut);
        }
    }
}
