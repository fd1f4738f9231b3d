//! The task of a session: reads what its kernel says, keeps its state, passes messages on, and looks after the kernel, the link
//! and the session's time.
//!
//! ```text
//!                 orders: listen, restart, shut down
//!                     │
//!  kernel ──events──► hub ──► listeners
//!                     │
//!                     └──► state, activity
//! ```
//!
//! It is the only one that reads the kernel's messages, which are kept by the agent and not here: a client that comes back
//! is sent what it missed by reading them again from there.

mod restart;
mod shut_down;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::activity::Use;
use super::end::End;
use super::link::Link;
use super::listeners::{Hearing, Listeners};
use super::routes::Asker;
use super::shared::{Shared, TICK};
use super::state::State;
use crate::jupyter::{ExecutionState, MessageView, glance, status_message};
use crate::sandbox::{Channel, KernelEvent, KernelMessage, SandboxError};
use crate::service::ServiceError;

/// How long to wait before a sandbox that was not reached is tried again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the hub is asked to do.
pub(super) enum Order {
    /// Somebody wants to hear the kernel.
    Listen {
        who: Asker,
        answer: oneshot::Sender<Hearing>,
    },
    /// Somebody wants another kernel.
    Restart {
        answer: oneshot::Sender<Result<(), ServiceError>>,
    },
    /// Its clients want no kernel any more; its files stay.
    ShutDown {
        answer: oneshot::Sender<Result<(), ServiceError>>,
    },
}

/// The task.
pub(super) struct Hub {
    shared: Arc<Shared>,
    orders: mpsc::Receiver<Order>,
    /// None: to be found again.
    link: Option<Link>,
    listeners: Listeners,
    /// The number of the last message that was heard, in this life or by a client in an earlier one.
    position: u64,
    /// The number of the last message whose news of the kernel's state were noted. An earlier life took its own with it.
    noted: u64,
    /// The number of the kernel that runs.
    kernel: u64,
    /// The number of the last one before it whose exit was noted.
    exited: u64,
    started: Instant,
    restarts: u32,
    busy: Option<Use>,
}

enum Step {
    Event(KernelEvent),
    Lost,
    Order(Order),
    Tick,
    End(End),
}

impl Hub {
    pub(super) fn new(
        shared: Arc<Shared>,
        orders: mpsc::Receiver<Order>,
        link: Option<Link>,
        kernel: u64,
    ) -> Hub {
        let position = shared.cursors.furthest().unwrap_or(0);
        Hub {
            shared,
            orders,
            link,
            listeners: Listeners::default(),
            position,
            noted: 0,
            kernel,
            exited: 0,
            started: Instant::now(),
            restarts: 0,
            busy: None,
        }
    }

    /// Until the session is over, or the service stops.
    pub(super) async fn run(mut self, stop: CancellationToken) -> End {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            let step = tokio::select! {
                biased;
                () = self.shared.over.cancelled() => Step::End(End::Deleted),
                () = stop.cancelled() => Step::End(End::Stopped),
                _ = ticks.tick() => Step::Tick,
                Some(order) = self.orders.recv() => Step::Order(order),
                event = hear(&mut self.link) => event.map_or(Step::Lost, Step::Event),
            };
            if let Some(end) = self.take(step, &stop).await {
                break end;
            }
        };
        self.shared.set_state(State::Ended);
        self.listeners.end();
        end
    }

    async fn take(&mut self, step: Step, stop: &CancellationToken) -> Option<End> {
        match step {
            Step::Event(event) => return self.hear(event).await,
            Step::Order(order) => self.obey(order).await,
            Step::Tick => return self.shared.is_expired().then_some(End::Expired),
            Step::End(end) => return Some(end),
            Step::Lost => {
                let shared = self.shared.clone();
                let ended = async {
                    tokio::select! {
                        () = shared.over.cancelled() => End::Deleted,
                        () = shared.expired() => End::Expired,
                        () = stop.cancelled() => End::Stopped,
                    }
                };
                tokio::select! {
                    end = ended => return Some(end),
                    found = self.find_again() => return found.err(),
                }
            }
        }
        None
    }

    async fn hear(&mut self, event: KernelEvent) -> Option<End> {
        match event {
            KernelEvent::Message(message) => self.pass_on(&message).await,
            KernelEvent::Gap { after } => {
                self.skip_to(after);
                self.listeners.tell_gap(after).await;
            }
            // Only what is behind it can be read again.
            KernelEvent::Unreadable => {
                self.skip_to(self.noted + 1);
                self.listeners.tell_gap(self.noted).await;
                self.drop_link();
            }
            KernelEvent::Exited { kernel, .. } if kernel < self.kernel => self.note_exit(kernel),
            exited @ KernelEvent::Exited { .. } => return self.kernel_ended(exited).await,
        }
        None
    }

    async fn pass_on(&mut self, message: &KernelMessage) {
        if message.sequence > self.noted {
            self.skip_to(message.sequence);
            self.note_state(message);
        }
        let asker = match message.channel {
            Channel::Iopub => None,
            Channel::Shell | Channel::Control | Channel::Stdin => {
                let parent = message.parts.get(1).and_then(|parent| glance(parent));
                parent.and_then(|parent| self.shared.asker(&parent.msg_id))
            }
        };
        self.listeners.pass_on(message, asker.as_ref()).await;
    }

    /// Nothing up to this number will be read again.
    fn skip_to(&mut self, number: u64) {
        self.noted = self.noted.max(number);
        self.position = self.position.max(number);
    }

    /// Reads of a message what it says of the kernel.
    fn note_state(&mut self, message: &KernelMessage) {
        self.shared.activity.touch();
        let header = message.parts.first().and_then(|header| glance(header));
        let is_status = header.is_some_and(|header| header.msg_type == "status");
        if message.channel != Channel::Iopub || !is_status {
            return;
        }
        let view = MessageView::parse(&message.parts);
        match view.and_then(|view| view.execution_state()).as_deref() {
            Some("busy") => {
                self.busy.get_or_insert_with(|| self.shared.activity.hold());
                self.shared.set_state(State::Busy);
            }
            Some("idle") => self.settle(State::Idle),
            _ => {}
        }
    }

    /// An older kernel has ended, and everything it said is here: whatever it was doing, it does no more. To read that again is
    /// no news.
    fn note_exit(&mut self, kernel: u64) {
        if kernel > self.exited {
            self.exited = kernel;
            if self.shared.state() == State::Busy {
                self.settle(State::Idle);
            }
        }
    }

    fn settle(&mut self, state: State) {
        self.busy = None;
        self.shared.set_state(state);
    }

    async fn obey(&mut self, order: Order) {
        match order {
            // Dropping the answer says that there is no kernel.
            Order::Listen { who, .. } if who.is_client() && self.shared.is_shut_down() => {}
            Order::Listen { who, answer } => {
                let hearing = self.listen(who).await;
                // Whoever asked may have gone.
                let _ = answer.send(hearing);
            }
            Order::Restart { answer } => {
                self.restarts = 0;
                // Whoever asked may have gone.
                let _ = answer.send(self.restart().await);
            }
            Order::ShutDown { answer } => {
                // Whoever asked may have gone.
                let _ = answer.send(self.shut_down().await);
            }
        }
    }

    /// A client hears what it has missed: since it was last here, or since anybody was where nobody is. All others hear
    /// what comes from now on.
    async fn listen(&mut self, who: Asker) -> Hearing {
        let cursors = &self.shared.cursors;
        let known = match &who {
            Asker::Client(client) => cursors.of(client),
            Asker::Connection(_) | Asker::Execution(_) => None,
        };
        let is_first = match &who {
            Asker::Client(_) | Asker::Connection(_) => !self.listeners.has_clients(),
            Asker::Execution(_) => false,
        };
        let left = is_first.then(|| cursors.furthest()).flatten();
        let after = known.or(left).unwrap_or(self.position).min(self.position);
        let hearing = self.listeners.add(who, after);
        if after < self.position {
            self.read_again(after).await;
        }
        hearing
    }

    /// Has the agent send what follows message `after` once more.
    async fn read_again(&mut self, after: u64) {
        let Some(link) = &mut self.link else { return };
        if link.read_from(after).await.is_err() {
            self.drop_link();
        } else if let Some(link) = &self.link {
            self.shared.set_link(Some(link));
            let lost_up_to = link.messages.after;
            self.listeners.tell_gap(lost_up_to.min(self.position)).await;
        }
    }

    /// Says for the kernel what it cannot say itself. It has no number: it is not said again to who comes later.
    async fn say(&mut self, state: ExecutionState) {
        let message = KernelMessage {
            sequence: 0,
            channel: Channel::Iopub,
            parts: status_message(state, &Bytes::from_static(b"{}")),
        };
        self.listeners.tell(&KernelEvent::Message(message)).await;
    }

    fn drop_link(&mut self) {
        if let Some(link) = self.link.take() {
            link.sandbox.leave();
        }
        self.shared.set_link(None);
    }

    /// Finds the sandbox again, whatever was lost of it.
    async fn find_again(&mut self) -> Result<(), End> {
        self.shared.meters.link_lost();
        self.drop_link();
        let before = self.shared.state();
        let mut pause = FIRST_PAUSE;
        loop {
            match Link::adopt(&self.shared, self.noted).await {
                Ok(link) => {
                    self.found(link, before).await;
                    return Ok(());
                }
                Err(SandboxError::Gone(words)) => {
                    tracing::info!(session = %self.shared.id, words, "a session's sandbox is gone");
                    return Err(End::Gone);
                }
                Err(error) => {
                    self.shared.set_state(State::Unreachable);
                    tracing::warn!(session = %self.shared.id, %error, "a session's sandbox is away");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn found(&mut self, link: Link, before: State) {
        let lost_up_to = link.messages.after;
        self.shared.set_link(Some(&link));
        self.link = Some(link);
        self.shared.set_state(before.or_idle());
        self.skip_to(lost_up_to);
        self.listeners.tell_gap(lost_up_to).await;
    }
}

/// The kernel's next event; None: the link is lost.
async fn hear(link: &mut Option<Link>) -> Option<KernelEvent> {
    link.as_mut()?.messages.incoming.recv().await
}
