//! The audit log: a JSON line about each execution and each end of a session, for those who must answer for what was run.
//!
//! ```text
//! execution, session ──line──► queue ──► writer, a thread ──► file
//! ```
//!
//! A line is handed to the operating system as soon as the writer has it, whole or not at all: it survives the end of the
//! service, not that of the machine. Executions never wait for it. Where the disk is full, or so slow that the queue
//! is, lines are lost: that is counted, and said in the log.

mod file;
mod line;
mod meters;
mod writer;

use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub(super) use line::{Code, Event, Line};

use crate::config::{self, AuditedCode};
use crate::service::ServiceError;
use file::AuditFile;
use meters::Meters;
use writer::{Order, Writer};

/// Lines that wait for the disk. Where whole code is in them, this is what bounds their memory.
const WAITING: usize = 1024;

/// Takes lines. Its clones are the same log; the writer ends with the last one.
#[derive(Clone)]
pub(super) struct Audit {
    /// None: there is no such log.
    orders: Option<mpsc::Sender<Order>>,
    code: AuditedCode,
    meters: Meters,
}

impl Audit {
    /// Opens the file, and makes it if need be. It blocks, shortly.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] when it cannot be opened: a service that should keep a log does not run without it.
    pub(super) fn open(settings: &config::Audit) -> Result<Audit, ServiceError> {
        let meters = Meters::new();
        let orders = match &settings.log {
            Some(path) => {
                let file = AuditFile::open(path);
                let file = file.map_err(|error| unopened(path, &error))?;
                Some(Writer::start(file, meters.clone(), WAITING)?)
            }
            None => None,
        };
        Ok(Audit {
            orders,
            code: settings.code,
            meters,
        })
    }

    /// What is noted of code. None: nothing is noted at all.
    pub(super) fn code(&self, code: &str) -> Option<Code> {
        self.orders.as_ref()?;
        Some(Code::of(code, self.code))
    }

    /// Writes a line, soon. Never waits.
    pub(super) fn write(&self, line: &Line<'_>) {
        let Some(orders) = &self.orders else { return };
        let text = serde_json::to_string(line).expect("it is plain text");
        if let Err(error) = orders.try_send(Order::Write(text)) {
            self.meters.lost();
            tracing::warn!(%error, "a line of the audit log was lost: it is written too slowly");
        }
    }

    /// Writes what waits, then goes on in a file that is opened anew under the same path. Ready when that is done.
    pub(super) async fn reopen(&self) {
        self.order(Order::Reopen).await;
    }

    /// Waits until everything is written, `limit` at most.
    pub(super) async fn written(&self, limit: Duration) {
        if timeout(limit, self.order(Order::Tell)).await.is_err() {
            tracing::warn!("the audit log is not written to its end");
        }
    }

    /// Shows in the registry what is counted.
    pub(super) fn register_metrics(&self, registry: &mut Registry) {
        self.meters.register(registry);
    }

    async fn order(&self, order: impl FnOnce(oneshot::Sender<()>) -> Order) {
        let Some(orders) = &self.orders else { return };
        let (done, told) = oneshot::channel();
        if orders.send(order(done)).await.is_ok() {
            // A writer that has gone has written everything.
            let _ = told.await;
        }
    }
}

fn unopened(path: &std::path::Path, error: &std::io::Error) -> ServiceError {
    ServiceError::Unavailable(format!("the audit log {}: {error}", path.display()))
}
