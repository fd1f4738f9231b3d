//! An execution in a session: one after the other, in the order in which they were asked for.
//!
//! It runs in a task of its own, so that it comes to its end in the kernel whoever waits for it. A caller who goes away
//! has it interrupted, as if its time were over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{MutexGuard, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument, debug_span};

use super::Session;
use super::routes::Asker;
use super::state::State;
use crate::sandbox::{KernelMessage, KernelMessages, Sandbox, Usage};
use crate::service::ServiceError;
use crate::service::execution::collect::{Collected, Collection};
use crate::service::execution::conversation::{Conversation, Ending};
use crate::service::execution::outcome;
use crate::service::execution::record::About;
use crate::service::execution::request::Cell;
use crate::service::execution::result::{ExecutionResult, Timing};
use crate::service::execution::watch::Watcher;

/// Messages of an execution to the kernel that wait.
const OUTGOING: usize = 4;

/// When it makes sense to try again, where too many wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Tells executions apart.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Session {
    /// Runs code in the session's kernel, after what was asked for before; `request_id` is the
    /// request's in the log. Dropping the future has the code interrupted.
    ///
    /// # Errors
    ///
    /// What is wrong with the cell; [`ServiceError::OverQuota`]; [`ServiceError::Busy`] where too many wait, or its turn does
    /// not come in time; [`ServiceError::Conflict`] where the kernel has ended for good; as [`Session::sandbox`].
    pub async fn execute(
        self: &Arc<Self>,
        request_id: &str,
        cell: Cell,
        watcher: Watcher,
    ) -> Result<ExecutionResult, ServiceError> {
        let record = self
            .recorder
            .begin(self.about(request_id, &cell), &cell.code);
        let cancelled = CancellationToken::new();
        let _cancel_on_drop = cancelled.clone().drop_guard();
        let (done, outcome) = oneshot::channel();
        let session = self.clone();
        let execution = async move {
            let executed = session.execute_in_turn(cell, watcher, cancelled).await;
            record.end(&executed);
            // Whoever asked may have gone.
            let _ = done.send(executed);
        };
        self.tasks.spawn(execution.in_current_span());
        outcome.await.map_err(|_| ServiceError::NotFound)?
    }

    /// What a client has put into the working directory is not handed out again as made by its code. It is while code
    /// runs, whose own files cannot be told from it.
    pub async fn files_were_put(&self) {
        let Ok(_no_code_begins) = self.turn.try_lock() else {
            return;
        };
        if let Ok(sandbox) = self.sandbox().await {
            mark(&*sandbox).await;
        }
    }

    fn about(&self, request_id: &str, cell: &Cell) -> About {
        let record = self.shared.record();
        About {
            owner: record.owner,
            user: cell.user.clone(),
            request_id: request_id.to_owned(),
            environment: record.spec.environment.name,
            session: Some(self.id()),
            network: record.network,
            packages: record.packages,
        }
    }

    async fn execute_in_turn(
        &self,
        cell: Cell,
        watcher: Watcher,
        cancelled: CancellationToken,
    ) -> Result<ExecutionResult, ServiceError> {
        cell.check(&self.bounds)?;
        self.must_live().await?;
        let _counted = self.quotas.begin_execution(&self.shared.owner)?;
        let _use = self.hold();
        let asked = Instant::now();
        let turn = cancelled.run_until_cancelled(self.turn());
        let mut used = turn.await.ok_or(ServiceError::NotFound)??;
        let mut timing = Timing {
            queue: asked.elapsed(),
            ..Timing::default()
        };
        self.shared.executions.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let (on_reply, reply) = oneshot::channel();
        let run = async {
            let said = self.converse(cell, watcher, cancelled, on_reply).await;
            (said, began.elapsed())
        };
        // The code has ended when the kernel replies: its files are taken out while the last of its output comes.
        let collect = async {
            // No reply: it has ended otherwise.
            let _ = reply.await;
            self.collect().await
        };
        let ((said, run), mut collected) = tokio::join!(
            run.instrument(debug_span!("code")),
            collect.instrument(debug_span!("files_out")),
        );
        timing.run = run;
        timing.copy_out = began.elapsed().saturating_sub(run);
        let (ending, output) = said?;
        if let Some(now) = &mut collected.usage {
            self.shared.processor.count(&self.shared, now.cpu_ms);
            *now = since(*now, std::mem::replace(&mut *used, *now));
        }
        Ok(outcome(ending, output, collected, timing))
    }

    /// One's turn: nobody else's execution runs, and the kernel waits for code.
    async fn turn(&self) -> Result<MutexGuard<'_, Usage>, ServiceError> {
        let busy = || ServiceError::Busy {
            retry_after: RETRY_AFTER,
        };
        let _waiting = self.waiting.try_acquire().map_err(|_| busy())?;
        let turn = async {
            let turn = self.turn.lock().await;
            let mut states = self.shared.states();
            let settled = states.wait_for(|state| match state {
                State::Idle | State::Dead | State::Ended => true,
                State::Busy | State::Restarting | State::Unreachable => false,
            });
            // That nobody changes it any more is told below.
            let _ = settled.await;
            turn
        };
        let turn = timeout(self.bounds.queue_timeout, turn).await;
        let turn = turn.map_err(|_| busy())?;
        self.must_live().await?;
        Ok(turn)
    }

    async fn converse(
        &self,
        cell: Cell,
        watcher: Watcher,
        cancelled: CancellationToken,
        on_reply: oneshot::Sender<()>,
    ) -> Result<(Ending, crate::jupyter::Output), ServiceError> {
        let sandbox = self.sandbox().await?;
        let asker = Asker::Execution(COUNT.fetch_add(1, Ordering::Relaxed));
        let hearing = self.listen(asker.clone()).await?;
        let (outgoing, to_send) = mpsc::channel(OUTGOING);
        let mut messages = KernelMessages {
            after: 0,
            outgoing,
            incoming: hearing.events,
        };
        let _sending =
            AbortOnDropHandle::new(tokio::spawn(send(self.shared.clone(), asker, to_send)));
        let limit = self.bounds.output_limit.as_u64();
        let conversation = Conversation::new(&*sandbox, &mut messages, cell.stdin, limit)
            .watched_by(watcher)
            .telling(on_reply)
            .until(cancelled)
            .hold(&cell.code, cell.timeout, self.bounds.grace);
        Ok(conversation.await)
    }

    /// What was used since the session began, and the files that came into the working directory since the last time.
    async fn collect(&self) -> Collected {
        let Ok(sandbox) = self.sandbox().await else {
            return Collected::default();
        };
        let collection = Collection::new(&self.files, &self.shared.owner, &self.bounds);
        let collected = collection.take_out_of(&*sandbox).await;
        let created = &collected.created;
        if !created.files.is_empty() || created.left_out > 0 {
            mark(&*sandbox).await;
        }
        collected
    }
}

/// What is there now is old for the next execution.
async fn mark(sandbox: &dyn Sandbox) {
    if let Err(error) = sandbox.mark_files().await {
        tracing::debug!(%error, "files were not marked; the next execution hands them out again");
    }
}

/// Passes on what an execution has to say.
async fn send(
    shared: Arc<super::shared::Shared>,
    asker: Asker,
    mut messages: mpsc::Receiver<KernelMessage>,
) {
    while let Some(message) = messages.recv().await {
        if shared.send(&asker, message).await.is_err() {
            return;
        }
    }
}

/// What was used between the two.
fn since(now: Usage, before: Usage) -> Usage {
    Usage {
        cpu_ms: now.cpu_ms.saturating_sub(before.cpu_ms),
        oom_kills: now.oom_kills.saturating_sub(before.oom_kills),
        ..now
    }
}
