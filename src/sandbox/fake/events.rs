//! What a fake kernel has said: for whoever opens its messages, and for whoever opens them again.
//!
//! As with the real one, a kernel that nobody listens to does not wait, what is too old is lost, and the newest listener
//! ends the one before it. Unlike the real one it waits for a listener that is behind, so that a flood stays small.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use futures::FutureExt;

use crate::sandbox::{EventReceiver, EventSender, KernelEvent, event_queue};

/// Events that are kept, and that a listener may be behind.
const KEPT: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Events(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<KernelEvent>,
    listener: Option<EventSender>,
}

impl Events {
    /// The kernel says it, and waits while the listener is too far behind.
    pub(super) async fn say(&self, event: KernelEvent) {
        let listener = self.state().keep(event.clone());
        if let Some(listener) = listener {
            // It may have gone.
            let _ = listener.send(event).await;
        }
    }

    /// What follows message `after`, until somebody else listens.
    pub(super) fn listen(&self, after: u64) -> EventReceiver {
        let (listener, events) = event_queue(2 * KEPT);
        let mut state = self.state();
        for event in state.kept.iter().filter(|event| is_behind(event, after)) {
            let sent = listener.send(event.clone()).now_or_never();
            sent.expect("there is room for all that are kept")
                .expect("the reader is here");
        }
        state.listener = Some(listener);
        events
    }

    /// Nobody hears anything any more.
    pub(super) fn close(&self) {
        self.state().listener = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .expect("nothing panics while it holds the events")
    }
}

impl State {
    fn keep(&mut self, event: KernelEvent) -> Option<EventSender> {
        self.kept.push_back(event);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        self.listener.clone()
    }
}

/// Whether who has heard message `after` has not heard this.
fn is_behind(event: &KernelEvent, after: u64) -> bool {
    match event {
        KernelEvent::Message(message) => message.sequence > after,
        KernelEvent::Gap { .. } | KernelEvent::Unreadable | KernelEvent::Exited { .. } => {
            after == 0
        }
    }
}
