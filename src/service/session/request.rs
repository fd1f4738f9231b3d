//! What is asked for when a session is made, already validated but where it says otherwise.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::id::SessionId;
use super::record::{Notebook, Record};
use crate::config;
use crate::service::ServiceError;
use crate::service::prepare::SandboxRequest;

/// The shortest time that makes sense.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// A session to be made.
#[derive(Clone, Debug)]
pub struct SessionRequest {
    /// Its id, if the client chooses it; None: a random one.
    pub id: Option<SessionId>,
    /// What its owner calls it.
    pub name: Option<String>,
    /// What its owner notes.
    pub metadata: Map<String, Value>,
    /// The document that it is for, where a Jupyter client asks.
    pub notebook: Option<Notebook>,
    /// Whether it may be its owner's home.
    pub home: Home,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Its sandbox.
    pub sandbox: SandboxRequest,
}

impl SessionRequest {
    /// One with the operator's times, and nothing else.
    #[must_use]
    pub fn plain(sandbox: SandboxRequest) -> SessionRequest {
        SessionRequest {
            id: None,
            name: None,
            metadata: Map::new(),
            notebook: None,
            home: Home::Never,
            lifetime: Lifetime::default(),
            sandbox,
        }
    }
}

/// Whether a session may be its owner's home: the one whose working directory is where Jupyter's paths begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// It is not.
    Never,
    /// It is, if the owner has none once it is ready.
    IfNone,
}

/// What is to be other than it was. None: as it was.
#[derive(Clone, Debug, Default)]
pub struct SessionChange {
    /// What its owner calls it.
    pub name: Option<String>,
    /// What its owner notes.
    pub metadata: Option<Map<String, Value>>,
    /// How long it lives.
    pub lifetime: Lifetime,
}

impl SessionChange {
    pub(super) fn apply(self, record: &mut Record) {
        self.lifetime.apply(record);
        if self.name.is_some() {
            record.name = self.name;
        }
        if let Some(metadata) = self.metadata {
            record.metadata = metadata;
        }
    }
}

/// How long a session lives. None: as it was, or as the operator has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// From now to its end, however it is used.
    pub total: Option<Duration>,
    /// Without use.
    pub idle: Option<Duration>,
}

impl Lifetime {
    /// Whether it is within the operator's bounds.
    pub(super) fn check(&self, limits: &config::Sessions) -> Result<(), ServiceError> {
        within("lifetime", self.total, limits.max_lifetime)?;
        within("idle_timeout", self.idle, limits.max_idle_timeout)
    }

    /// When it ends, and after how long without use, for a session that is made now.
    pub(super) fn of_new(&self, limits: &config::Sessions) -> (Timestamp, Duration) {
        let total = self.total.unwrap_or(limits.lifetime);
        let idle = self.idle.unwrap_or(limits.idle_timeout);
        (from_now(total), idle)
    }

    fn apply(&self, record: &mut Record) {
        if let Some(total) = self.total {
            record.expires = from_now(total);
        }
        if let Some(idle) = self.idle {
            record.idle_timeout = idle;
        }
    }
}

fn within(field: &str, asked: Option<Duration>, longest: Duration) -> Result<(), ServiceError> {
    if asked.is_none_or(|asked| (SHORTEST..=longest).contains(&asked)) {
        return Ok(());
    }
    let longest = humantime::format_duration(longest);
    let reason = format!("it must be from 1s to {longest}");
    Err(ServiceError::invalid(field, reason))
}

fn from_now(duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    Timestamp::now()
        .saturating_add(duration)
        .unwrap_or(Timestamp::MAX)
}
