//! What a session's task and everybody who uses the session have in common.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::cursors::Cursors;
use super::id::SessionId;
use super::link::Link;
use super::meters::Meters;
use super::processor::ProcessorTime;
use super::record::{Record, Records};
use super::routes::{Asker, Routes};
use super::state::State;
use crate::jupyter::{asks_for_restart, glance};
use crate::sandbox::{Channel, Engine, KernelMessage, Sandbox, SandboxId, SandboxSpec};
use crate::service::ServiceError;
use crate::service::egress::Route;
use crate::service::owner::Owner;

/// How long whoever needs the sandbox waits while it is being looked for.
pub(super) const FOUND_WITHIN: Duration = Duration::from_secs(5);

/// How often a session's time is looked at.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// Where to reach the kernel now.
#[derive(Clone)]
struct Reach {
    sandbox: Arc<dyn Sandbox>,
    outgoing: mpsc::Sender<KernelMessage>,
}

/// Whether there is a record of the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDisk {
    Kept,
    Removed,
}

/// The session.
pub(super) struct Shared {
    pub(super) id: SessionId,
    pub(super) owner: Owner,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) sandbox_id: SandboxId,
    pub(super) spec: SandboxSpec,
    pub(super) route: Option<Route>,
    pub(super) activity: Activity,
    pub(super) cursors: Cursors,
    pub(super) processor: ProcessorTime,
    /// Cancelled: the session is to end.
    pub(super) over: CancellationToken,
    /// Cancelled: nothing of it is left, but what is kept for the next life of the service.
    pub(super) gone: CancellationToken,
    pub(super) created: Timestamp,
    /// Whether it is its owner's home.
    pub(super) home: bool,
    pub(super) meters: Meters,
    records: Records,
    record: Mutex<Record>,
    /// One change at a time, or they would write over each other.
    on_disk: tokio::sync::Mutex<OnDisk>,
    /// When its lifetime is over, by a clock that does not jump.
    expires: Mutex<Instant>,
    reach: watch::Sender<Option<Reach>>,
    state: watch::Sender<State>,
    routes: Mutex<Routes>,
    kernel_may_end: AtomicBool,
    /// Connections of clients.
    pub(super) connections: AtomicUsize,
    /// Executions that have begun.
    pub(super) executions: AtomicU64,
}

/// What a session is made of.
pub(super) struct Parts {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) record: Record,
    pub(super) records: Records,
    pub(super) route: Option<Route>,
    pub(super) cursors: Cursors,
    pub(super) meters: Meters,
    pub(super) processor: ProcessorTime,
}

impl Shared {
    pub(super) fn new(parts: Parts) -> Shared {
        let record = parts.record;
        Shared {
            id: record.id,
            owner: record.owner.clone(),
            engine: parts.engine,
            sandbox_id: record.sandbox.clone(),
            spec: record.spec.clone(),
            route: parts.route,
            activity: Activity::new(),
            cursors: parts.cursors,
            processor: parts.processor,
            over: CancellationToken::new(),
            gone: CancellationToken::new(),
            created: record.created,
            home: record.home,
            meters: parts.meters,
            records: parts.records,
            expires: Mutex::new(at(record.expires)),
            record: Mutex::new(record),
            on_disk: tokio::sync::Mutex::new(OnDisk::Kept),
            reach: watch::Sender::new(None),
            state: watch::Sender::new(State::Unreachable),
            routes: Mutex::default(),
            kernel_may_end: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            executions: AtomicU64::new(0),
        }
    }

    /// What its kernel is doing.
    pub(super) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// From here on the lines of the request say which session it is about.
    pub(super) fn name_in_span(&self) {
        let span = tracing::Span::current();
        span.record("session", tracing::field::display(self.id));
        span.record("sandbox", tracing::field::display(&self.sandbox_id));
    }

    /// Changes of it.
    pub(super) fn states(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.send_if_modified(|current| {
            let changed = *current != state && *current != State::Ended;
            if changed {
                *current = state;
            }
            changed
        });
    }

    /// The sandbox is reached there from now on; None: it is not.
    pub(super) fn set_link(&self, link: Option<&Link>) {
        let reach = link.map(|link| Reach {
            sandbox: link.sandbox.clone(),
            outgoing: link.messages.outgoing.clone(),
        });
        self.reach.send_replace(reach);
    }

    /// Lets go of the sandbox, for the next life of the service to find.
    pub(super) fn leave(&self) {
        if let Some(reach) = self.reach.send_replace(None) {
            reach.sandbox.leave();
        }
    }

    /// Lets go of the sandbox, which is removed once nobody works with it any more. One that is not reached is removed too.
    pub(super) fn remove(&self) {
        if self.reach.send_replace(None).is_none() {
            self.engine.abandon(&self.sandbox_id);
        }
    }

    /// The sandbox. Waits for it a little while it is being looked for.
    pub(super) async fn sandbox(&self) -> Result<Arc<dyn Sandbox>, ServiceError> {
        Ok(self.reach().await?.sandbox)
    }

    async fn reach(&self) -> Result<Reach, ServiceError> {
        let mut reach = self.reach.subscribe();
        let found = async {
            let found = reach.wait_for(Option::is_some).await;
            found.ok().and_then(|reach| reach.clone())
        };
        let found = tokio::select! {
            found = timeout(FOUND_WITHIN, found) => found.ok().flatten(),
            () = self.over.cancelled() => return Err(ServiceError::NotFound),
        };
        found.ok_or_else(ServiceError::unreachable)
    }

    /// Passes a message on to the kernel. Answers to it go to the asker.
    pub(super) async fn send(
        &self,
        asker: &Asker,
        message: KernelMessage,
    ) -> Result<(), ServiceError> {
        self.activity.touch();
        if let Some(header) = message.parts.first().and_then(|header| glance(header)) {
            self.routes().note(&header.msg_id, asker);
            if header.msg_type == "shutdown_request" {
                self.note_shutdown(&message);
            }
        }
        let outgoing = self.reach().await?.outgoing;
        outgoing
            .send(message)
            .await
            .map_err(|_| ServiceError::unreachable())
    }

    /// A client that has the kernel shut down ends the session, unless it wants another kernel.
    fn note_shutdown(&self, message: &KernelMessage) {
        let asks = matches!(message.channel, Channel::Shell | Channel::Control);
        let content = message.parts.get(3);
        let again = content.is_some_and(|content| asks_for_restart(content));
        self.kernel_may_end.store(asks && !again, Ordering::Relaxed);
    }

    /// Whether it ends with its kernel.
    pub(super) fn kernel_may_end(&self) -> bool {
        self.kernel_may_end.load(Ordering::Relaxed)
    }

    /// Whose request it was.
    pub(super) fn asker(&self, msg_id: &str) -> Option<Asker> {
        self.routes().asker(msg_id).cloned()
    }

    /// Another kernel runs. It is remembered for a service that is started anew.
    pub(super) async fn kernel_started(&self, kernel: u64) {
        self.kernel_may_end.store(false, Ordering::Relaxed);
        let changed = self.change(|record| record.kernel = kernel).await;
        if let Err(error) = changed {
            tracing::warn!(session = %self.id, %error, "a restart was not recorded");
        }
    }

    /// What is on disk about it.
    pub(super) fn record(&self) -> Record {
        self.locked_record().clone()
    }

    /// Whether its kernel was shut down and no document has been given it since.
    pub(super) fn is_shut_down(&self) -> bool {
        self.locked_record().shut_down
    }

    /// Whether its files outlive its kernel.
    pub(super) fn keeps_files(&self) -> bool {
        self.locked_record().keeps_files
    }

    /// Has it end with its kernel, unless its files outlive that; whether it does. Nothing changes in one that ends: no file
    /// is saved in it that would have to outlive it.
    pub(super) async fn ends_with_kernel(&self) -> bool {
        let _nothing_changes = self.on_disk.lock().await;
        let ends = !self.keeps_files();
        if ends {
            self.over.cancel();
        }
        ends
    }

    /// Changes what is on disk about it, then what is believed.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] once it is to end; [`ServiceError::NoRoom`] or [`ServiceError::Internal`] when it cannot be written.
    pub(super) async fn change(
        &self,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), ServiceError> {
        let on_disk = self.on_disk.lock().await;
        if *on_disk == OnDisk::Removed || self.over.is_cancelled() {
            return Err(ServiceError::NotFound);
        }
        let mut record = self.record();
        change(&mut record);
        self.records.write(record.clone()).await?;
        *self.expires.lock().expect("nothing panics with it") = at(record.expires);
        *self.locked_record() = record;
        Ok(())
    }

    /// Removes what is on disk about it, once and for all: a change that comes too late does not bring it back.
    pub(super) async fn remove_record(&self) {
        let mut on_disk = self.on_disk.lock().await;
        *on_disk = OnDisk::Removed;
        self.records.remove(self.id).await;
    }

    /// Whether its time is over.
    pub(super) fn is_expired(&self) -> bool {
        let idle = self.activity.idle_for();
        idle > self.locked_record().idle_timeout || Instant::now() >= self.expires()
    }

    /// Waits until its time is over.
    pub(super) async fn expired(&self) {
        while !self.is_expired() {
            sleep(TICK).await;
        }
    }

    fn expires(&self) -> Instant {
        *self.expires.lock().expect("nothing panics with it")
    }

    fn locked_record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("nothing panics with it")
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().expect("nothing panics with them")
    }
}

/// The moment on the clock that does not jump.
fn at(time: Timestamp) -> Instant {
    let left = time.duration_since(Timestamp::now());
    let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
    Instant::now() + left
}
