//! The end of a kernel, and the next one.

use std::time::Duration;

use tokio::time::Instant;

use super::Hub;
use crate::jupyter::ExecutionState;
use crate::sandbox::{KernelEvent, KernelExit};
use crate::service::ServiceError;
use crate::service::session::end::End;
use crate::service::session::state::State;

/// How often in a row a kernel that ends by itself is started anew, as in Jupyter Server.
const RESTARTS: u32 = 5;

/// A kernel that lived for so long does not count as ended in a row.
const STABLE: Duration = Duration::from_secs(60);

impl Hub {
    /// A kernel that ends by itself is started anew, unless it was told to end.
    pub(super) async fn kernel_ended(&mut self, exited: KernelEvent) -> Option<End> {
        self.busy = None;
        self.listeners.tell(&exited).await;
        if self.shared.kernel_may_end() {
            return self.end_with_kernel().await;
        }
        if self.started.elapsed() > STABLE {
            self.restarts = 0;
        }
        self.restarts += 1;
        if self.restarts > RESTARTS {
            self.say(ExecutionState::Dead).await;
            self.settle(State::Dead);
            return None;
        }
        tracing::info!(session = %self.shared.id, "the kernel ended; another one is started");
        // Only of this: Jupyter's clients take it for news of a kernel that died.
        self.say(ExecutionState::Restarting).await;
        // Where that does not work, the state says so.
        let _ = self.restart().await;
        None
    }

    /// Ends the kernel, if it still runs, and starts another.
    pub(super) async fn restart(&mut self) -> Result<(), ServiceError> {
        let Some(link) = &self.link else {
            return Err(ServiceError::unreachable());
        };
        let sandbox = link.sandbox.clone();
        self.shared.set_state(State::Restarting);
        self.listeners.tell_executions(&killed(self.kernel)).await;
        let restarted = tokio::select! {
            restarted = sandbox.restart_kernel() => restarted,
            () = self.shared.over.cancelled() => return Err(ServiceError::NotFound),
        };
        self.started = Instant::now();
        match restarted {
            Ok(kernel) => {
                self.kernel = kernel;
                self.shared.kernel_started(kernel).await;
                self.settle(State::Idle);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(session = %self.shared.id, %error, "the kernel was not started anew");
                self.say(ExecutionState::Dead).await;
                self.settle(State::Dead);
                Err(error.into())
            }
        }
    }
}

/// Code that runs ends with its kernel. The exit itself may come when the next kernel's code runs already.
fn killed(kernel: u64) -> KernelEvent {
    let exit = KernelExit {
        code: None,
        signal: Some(9),
    };
    KernelEvent::Exited { kernel, exit }
}
