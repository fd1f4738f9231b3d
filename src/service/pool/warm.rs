//! A sandbox whose kernel is ready and whose messages are open.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::{Instant, timeout};

use crate::sandbox::{Engine, KernelEvent, KernelMessages, Sandbox, SandboxError, SandboxSpec};
use crate::service::bound::Slot;

/// Beyond the start itself, for which the engine has its own deadline: creating, opening the messages, and the
/// round trips between.
const BEYOND_START: Duration = Duration::from_secs(5);

/// Ready for its single use. Dropping it removes the sandbox.
pub(in crate::service) struct WarmSandbox {
    /// The sandbox.
    pub(in crate::service) sandbox: Box<dyn Sandbox>,
    /// Its kernel's messages.
    pub(in crate::service) messages: KernelMessages,
    /// When its start was begun.
    pub(in crate::service) begun: Instant,
    /// When it was ready.
    pub(super) ready: Instant,
    /// It counts among all sandboxes.
    pub(in crate::service) slot: Slot,
    /// Its image's id.
    pub(super) image: String,
    ended: bool,
}

impl WarmSandbox {
    /// Starts one. Dropping the future removes what there is of it.
    pub(super) async fn start(
        engine: &dyn Engine,
        spec: &SandboxSpec,
        start_timeout: Duration,
        slot: Slot,
    ) -> Result<WarmSandbox, SandboxError> {
        let begun = Instant::now();
        let start = async {
            let sandbox = engine.start(spec).await?;
            let messages = sandbox.kernel_messages(0).await?;
            Ok((sandbox, messages))
        };
        let started = timeout(start_timeout + BEYOND_START, start).await;
        let late = |_| SandboxError::Start("it took longer than the engine said".to_owned());
        let (sandbox, messages) = started.map_err(late)??;
        Ok(WarmSandbox {
            sandbox,
            messages,
            begun,
            ready: Instant::now(),
            slot,
            image: spec.environment.image.clone(),
            ended: false,
        })
    }

    /// Whether its kernel has not ended, as far as has been heard. What else the kernel said is dropped.
    pub(super) fn is_alive(&mut self) -> bool {
        while !self.ended {
            match self.messages.incoming.try_recv() {
                Ok(event) => self.hear(&event),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => self.ended = true,
            }
        }
        false
    }

    /// Ready once its kernel has ended.
    pub(super) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.ended {
            match self.messages.incoming.poll_recv(context) {
                Poll::Ready(Some(event)) => self.hear(&event),
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn hear(&mut self, event: &KernelEvent) {
        match event {
            KernelEvent::Message(_) | KernelEvent::Gap { .. } => {}
            KernelEvent::Exited { .. } | KernelEvent::Unreadable => self.ended = true,
        }
    }
}
