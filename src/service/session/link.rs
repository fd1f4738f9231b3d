//! A session's sandbox as long as the link to it holds.

use std::future::pending;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use super::shared::Shared;
use crate::sandbox::{KernelMessages, Sandbox, SandboxError};
use crate::service::egress::Route;

/// A sandbox, its kernel's messages, and its way out.
pub(super) struct Link {
    pub(super) sandbox: Arc<dyn Sandbox>,
    pub(super) messages: KernelMessages,
    _egress: Option<AbortOnDropHandle<()>>,
}

impl Link {
    /// Call it within a tokio runtime.
    pub(super) fn new(
        sandbox: Arc<dyn Sandbox>,
        messages: KernelMessages,
        route: Option<&Route>,
    ) -> Link {
        let egress = route.map(|route| serve(route.clone(), sandbox.clone()));
        Link {
            sandbox,
            messages,
            _egress: egress,
        }
    }

    /// Finds the session's sandbox, and reads what its kernel has said after that number.
    pub(super) async fn adopt(shared: &Shared, after: u64) -> Result<Link, SandboxError> {
        let sandbox = shared
            .engine
            .adopt(&shared.sandbox_id, &shared.spec)
            .await?;
        let sandbox: Arc<dyn Sandbox> = sandbox.into();
        match sandbox.kernel_messages(after).await {
            Ok(messages) => Ok(Link::new(sandbox, messages, shared.route.as_ref())),
            Err(error) => {
                sandbox.leave();
                Err(error)
            }
        }
    }

    /// Reads the kernel's messages again, from the one behind that number on.
    pub(super) async fn read_from(&mut self, after: u64) -> Result<(), SandboxError> {
        self.messages = self.sandbox.kernel_messages(after).await?;
        Ok(())
    }
}

fn serve(route: Route, sandbox: Arc<dyn Sandbox>) -> AbortOnDropHandle<()> {
    let serve = async move { route.while_doing(&*sandbox, pending::<()>()).await };
    AbortOnDropHandle::new(tokio::spawn(serve))
}
