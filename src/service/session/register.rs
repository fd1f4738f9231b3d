//! All sessions: made, found, ended, and taken over from an earlier life of the service.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::end::End;
use super::hub::Hub;
use super::id::SessionId;
use super::link::Link;
use super::meters::Meters;
use super::processor::ProcessorTime;
use super::record::{Record, Records};
use super::request::SessionRequest;
use super::shared::{Parts, Shared};
use super::state::State;
use super::turns::Turns;
use super::{ORDERS, Session, WAITING};
use crate::config::host_rule::HostRule;
use crate::config::{self, AtShutdown};
use crate::sandbox::{Engine, Usage};
use crate::service::ServiceError;
use crate::service::audit::Audit;
use crate::service::bound::Bound;
use crate::service::egress::{OnBehalf, Route};
use crate::service::execution::record::Recorder;
use crate::service::execution::result::Timing;
use crate::service::files::FileStore;
use crate::service::owner::Owner;
use crate::service::prepare::{Prepared, Preparer};
use crate::service::quota::{CountedSession, Quotas};

/// When it makes sense to try again, where there are too many sessions.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What sessions need.
pub(in crate::service) struct SessionsParts {
    pub(in crate::service) limits: config::Sessions,
    pub(in crate::service) bounds: config::Execution,
    pub(in crate::service) engine: Arc<dyn Engine>,
    pub(in crate::service) quotas: Quotas,
    pub(in crate::service) bound: Bound,
    pub(in crate::service) preparer: Preparer,
    pub(in crate::service) files: Arc<FileStore>,
    pub(in crate::service) recorder: Recorder,
    pub(in crate::service) audit: Audit,
    pub(in crate::service) stop: CancellationToken,
    pub(in crate::service) tasks: TaskTracker,
}

/// All sessions. Its clones are the same.
#[derive(Clone)]
pub(in crate::service) struct Sessions {
    pub(super) parts: Arc<SessionsParts>,
    records: Records,
    sessions: Arc<Mutex<HashMap<SessionId, Entry>>>,
    /// Those of owners whose requests make a session only where there is none.
    pub(super) turns: Turns,
    /// Those of owners whose session is ready and may be home.
    pub(super) claims: Turns,
    meters: Meters,
}

enum Entry {
    /// Its id is taken.
    Starting,
    Here(Arc<Session>),
}

/// An id that is taken, until it is given back or a session has it.
struct Reserved {
    sessions: Sessions,
    id: SessionId,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut sessions = self.sessions.locked();
        if let Some(Entry::Starting) = sessions.get(&self.id) {
            sessions.remove(&self.id);
        }
    }
}

impl Session {
    fn is_there_for(&self, owner: &Owner) -> bool {
        self.shared.owner == *owner && self.state() != State::Ended
    }
}

/// What an earlier life has left on disk.
pub(in crate::service) struct Remembered {
    records: Records,
    list: Vec<Record>,
}

impl Remembered {
    /// Reads it, and has the engine keep the sandboxes. It blocks, shortly.
    pub(in crate::service) fn read(
        state_dir: &Path,
        engine: &dyn Engine,
    ) -> Result<Remembered, ServiceError> {
        let records = Records::open(state_dir)?;
        let list = records.list()?;
        for record in &list {
            engine.expect(&record.sandbox);
        }
        Ok(Remembered { records, list })
    }
}

impl Sessions {
    /// Takes over what is remembered: each finds its sandbox by itself.
    pub(in crate::service) fn new(parts: SessionsParts, remembered: Remembered) -> Sessions {
        let sessions = Sessions {
            parts: Arc::new(parts),
            records: remembered.records,
            sessions: Arc::default(),
            turns: Turns::default(),
            claims: Turns::default(),
            meters: Meters::new(),
        };
        let count = remembered.list.len();
        for record in remembered.list {
            let counted = sessions.parts.quotas.resume_session(&record.owner);
            sessions.begin(record, None, counted);
        }
        if count > 0 {
            tracing::info!(
                sessions = count,
                "sessions of an earlier life are taken over"
            );
        }
        sessions
    }

    /// Makes one. Dropping the future leaves nothing behind.
    ///
    /// # Errors
    ///
    /// What is wrong with the request; [`ServiceError::Conflict`] when its id is taken; [`ServiceError::Busy`] when there are
    /// too many; what is wrong on our side.
    pub(in crate::service) async fn create(
        &self,
        owner: &Owner,
        request: SessionRequest,
    ) -> Result<Arc<Session>, ServiceError> {
        request.lifetime.check(&self.parts.limits)?;
        let reserved = self.reserve(request.id)?;
        let counted = self.parts.quotas.begin_session(owner)?;
        let mut timing = Timing::default();
        let prepare = self
            .parts
            .preparer
            .prepare(owner, &request.sandbox, &mut timing);
        let prepared = self.parts.stop.run_until_cancelled(prepare).await;
        let prepared = prepared.ok_or_else(ServiceError::shutting_down)??;
        let claim = self.claim_home(owner, request.home).await?;
        let record = Record {
            home: claim.is_some(),
            ..self.record(reserved.id, owner, request, &prepared)
        };
        self.records.write_first(record.clone()).await?;
        let session = self.begin(record, Some(prepared), counted);
        session.shared.name_in_span();
        tracing::info!(session = %session.id(), ?timing, "a session was made");
        Ok(session)
    }

    /// The owner's session with this id.
    pub(in crate::service) fn find(
        &self,
        owner: &Owner,
        id: SessionId,
    ) -> Result<Arc<Session>, ServiceError> {
        match self.locked().get(&id) {
            Some(Entry::Here(session)) if session.is_there_for(owner) => {
                session.shared.name_in_span();
                Ok(session.clone())
            }
            Some(Entry::Here(_) | Entry::Starting) | None => Err(ServiceError::NotFound),
        }
    }

    /// The owner's sessions, the oldest first.
    pub(in crate::service) fn list(&self, owner: &Owner) -> Vec<Arc<Session>> {
        let sessions = self.locked();
        let here = sessions.values().filter_map(|entry| match entry {
            Entry::Here(session) if session.is_there_for(owner) => Some(session.clone()),
            Entry::Here(_) | Entry::Starting => None,
        });
        let mut list: Vec<_> = here.collect();
        list.sort_by_key(|session| (session.shared.created, session.id()));
        list
    }

    /// How many there are.
    pub(in crate::service) fn count(&self) -> usize {
        self.locked().len()
    }

    /// Connections of clients to any of them.
    pub(in crate::service) fn connections(&self) -> usize {
        let sessions = self.locked();
        let connections = sessions.values().map(|entry| match entry {
            Entry::Here(session) => session.shared.connections.load(Ordering::Relaxed),
            Entry::Starting => 0,
        });
        connections.sum()
    }

    /// Shows in the registry what is counted.
    pub(in crate::service) fn register_metrics(&self, registry: &mut Registry) {
        self.meters.register(registry);
    }

    /// Ends the owner's session with this id: when this returns, nobody finds it any more.
    pub(in crate::service) async fn end(
        &self,
        owner: &Owner,
        id: SessionId,
    ) -> Result<(), ServiceError> {
        let session = self.find(owner, id)?;
        session.shared.over.cancel();
        session.shared.gone.cancelled().await;
        Ok(())
    }

    fn reserve(&self, id: Option<SessionId>) -> Result<Reserved, ServiceError> {
        if self.parts.stop.is_cancelled() {
            return Err(ServiceError::shutting_down());
        }
        let id = id.unwrap_or_else(SessionId::random);
        let mut sessions = self.locked();
        if sessions.contains_key(&id) {
            let reason = "A session with this id is there already.".to_owned();
            return Err(ServiceError::Conflict(reason));
        }
        if sessions.len() >= self.parts.limits.max as usize {
            return Err(ServiceError::Busy {
                retry_after: RETRY_AFTER,
            });
        }
        sessions.insert(id, Entry::Starting);
        Ok(Reserved {
            sessions: self.clone(),
            id,
        })
    }

    fn record(
        &self,
        id: SessionId,
        owner: &Owner,
        request: SessionRequest,
        prepared: &Prepared,
    ) -> Record {
        let (expires, idle_timeout) = request.lifetime.of_new(&self.parts.limits);
        let network = request.sandbox.network.iter().map(ToString::to_string);
        Record {
            id,
            owner: owner.clone(),
            sandbox: prepared.warm.sandbox.id().clone(),
            spec: prepared.spec.clone(),
            network: network.collect(),
            created: Timestamp::now(),
            expires,
            idle_timeout,
            kernel: 1,
            name: request.name,
            metadata: request.metadata,
            notebook: request.notebook,
            home: false,
            keeps_files: false,
            shut_down: false,
            packages: request.sandbox.packages,
            request_id: Some(request.sandbox.request_id),
        }
    }

    /// Starts its task. Without a sandbox it looks for it.
    fn begin(
        &self,
        record: Record,
        prepared: Option<Prepared>,
        counted: CountedSession,
    ) -> Arc<Session> {
        let (kernel, id) = (record.kernel, record.id);
        let quotas = self.parts.quotas.clone();
        let processor = match prepared {
            Some(_) => ProcessorTime::new(quotas),
            None => ProcessorTime::resumed(quotas),
        };
        let (link, route, lease, slot) = match prepared {
            Some(prepared) => {
                let (sandbox, messages) = (prepared.warm.sandbox, prepared.warm.messages);
                let link = Link::new(sandbox.into(), messages, prepared.route.as_ref());
                (
                    Some(link),
                    prepared.route,
                    prepared.lease,
                    prepared.warm.slot,
                )
            }
            None => {
                let slot = self.parts.bound.take_regardless();
                (None, self.route_again(&record), None, slot)
            }
        };
        let shared = Arc::new(Shared::new(Parts {
            engine: self.parts.engine.clone(),
            cursors: self.records.cursors(id),
            records: self.records.clone(),
            record,
            route,
            meters: self.meters.clone(),
            processor,
        }));
        if let Some(link) = &link {
            shared.set_link(Some(link));
            shared.set_state(State::Idle);
        }
        let (orders, ordered) = mpsc::channel(ORDERS);
        let hub = Hub::new(shared.clone(), ordered, link, kernel);
        let session = self.session(shared.clone(), orders);
        self.locked().insert(id, Entry::Here(session.clone()));
        let sessions = self.clone();
        self.parts.tasks.spawn(async move {
            let end = tokio::select! {
                end = hub.run(sessions.parts.stop.clone()) => end,
                () = shared.processor.watch(&shared) => unreachable!("watching does not end"),
            };
            sessions.ended(&shared, end, (lease, counted, slot)).await;
        });
        session
    }

    /// The way out of a session of an earlier life, as far as it is still allowed.
    fn route_again(&self, record: &Record) -> Option<Route> {
        let hosts = record.network.iter().map(|host| host.parse());
        let hosts: Vec<HostRule> = hosts.collect::<Result<_, _>>().ok()?;
        let environment = &record.spec.environment.name;
        let behalf = OnBehalf {
            request_id: record.id.to_string(),
            owner: record.owner.to_string(),
        };
        let preparer = &self.parts.preparer;
        let route = preparer.route(&record.owner, environment, &hosts, behalf);
        route.ok().flatten()
    }

    fn session(
        &self,
        shared: Arc<Shared>,
        orders: mpsc::Sender<super::hub::Order>,
    ) -> Arc<Session> {
        Arc::new(Session {
            shared,
            orders,
            bounds: self.parts.bounds.clone(),
            limits: self.parts.limits.clone(),
            files: self.parts.files.clone(),
            tasks: self.parts.tasks.clone(),
            turn: tokio::sync::Mutex::new(Usage::default()),
            waiting: Semaphore::new(WAITING),
            recorder: self.parts.recorder.clone(),
            quotas: self.parts.quotas.clone(),
        })
    }

    /// What is left to do when a session's task has come to its end. Its id is free once nothing of it is left. `held` is what
    /// is held until its sandbox is dropped: the packages that it reads, and what it counts for.
    async fn ended(&self, shared: &Shared, end: End, held: impl Send) {
        let _gone_at_last = shared.gone.clone().drop_guard();
        let keep = end == End::Stopped && self.parts.limits.at_shutdown == AtShutdown::Keep;
        if keep {
            shared.leave();
        } else {
            self.meters.ended(end);
            shared.record().audit(end, &self.parts.audit);
            shared.remove();
            drop(held);
            shared.remove_record().await;
            tracing::info!(session = %shared.id, ?end, "a session ended");
        }
        self.locked().remove(&shared.id);
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        self.sessions.lock().expect("nothing panics with them")
    }
}
