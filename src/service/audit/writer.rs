//! Writes the audit log: a thread, because a disk may block as long as it likes.

use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::file::AuditFile;
use super::meters::Meters;
use crate::service::ServiceError;

/// What the writer is asked to do, in this order.
pub(super) enum Order {
    Write(String),
    /// Go on in another file, and tell.
    Reopen(oneshot::Sender<()>),
    /// Tell that everything before this is written.
    Tell(oneshot::Sender<()>),
}

/// The thread's state.
pub(super) struct Writer {
    file: AuditFile,
    meters: Meters,
    disk: Disk,
}

/// Whether lines get through. Said in the log when it changes, or a full disk would fill the log too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Takes,
    Refuses,
}

impl Writer {
    /// Starts the thread. It ends when nobody can send to it any more, after it has written everything.
    pub(super) fn start(
        file: AuditFile,
        meters: Meters,
        waiting: usize,
    ) -> Result<mpsc::Sender<Order>, ServiceError> {
        let (orders, ordered) = mpsc::channel(waiting);
        let writer = Writer {
            file,
            meters,
            disk: Disk::Takes,
        };
        let thread = thread::Builder::new().name("audit".to_owned());
        let started = thread.spawn(move || writer.run(ordered));
        let failed = |error| ServiceError::Internal(format!("the audit log's thread: {error}"));
        started.map(|_| orders).map_err(failed)
    }

    fn run(mut self, mut ordered: mpsc::Receiver<Order>) {
        while let Some(order) = ordered.blocking_recv() {
            match order {
                Order::Write(line) => self.write(&line),
                Order::Reopen(done) => {
                    self.reopen();
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
                Order::Tell(done) => {
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
            }
        }
    }

    fn write(&mut self, line: &str) {
        let written = self.file.write(line);
        match (&written, self.disk) {
            (Err(error), Disk::Takes) => {
                tracing::error!(%error, "the audit log cannot be written; lines are lost until it can");
                self.disk = Disk::Refuses;
            }
            (Ok(()), Disk::Refuses) => {
                tracing::warn!("the audit log is written again");
                self.disk = Disk::Takes;
            }
            (Ok(()), Disk::Takes) | (Err(_), Disk::Refuses) => {}
        }
        match written {
            Ok(()) => self.meters.written(),
            Err(_) => self.meters.lost(),
        }
    }

    fn reopen(&mut self) {
        match self.file.reopen() {
            Ok(()) => tracing::info!("the audit log was opened anew"),
            Err(error) => {
                tracing::error!(%error, "the audit log was not opened anew; it goes on where it was");
            }
        }
    }
}
