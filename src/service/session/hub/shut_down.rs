//! A kernel that is shut down, where the files beside it stay.

use super::{End, Hub, ServiceError};
use crate::service::session::record::Record;

impl Hub {
    /// The kernel was told to end, and has.
    pub(super) async fn end_with_kernel(&mut self) -> Option<End> {
        if self.shared.ends_with_kernel().await {
            return Some(End::KernelEnded);
        }
        if let Err(error) = self.shut_down().await {
            tracing::warn!(session = %self.shared.id, %error, "a kernel that was shut down is still shown");
        }
        None
    }

    /// For its clients the kernel has ended. Another one waits beside the files until a document is given it.
    pub(super) async fn shut_down(&mut self) -> Result<(), ServiceError> {
        self.listeners.end_clients();
        self.restarts = 0;
        match self.restart().await {
            // One that does not start is as gone as it was meant to be.
            Ok(()) | Err(ServiceError::StartTimeout(_)) => {}
            Err(error) => return Err(error),
        }
        let change = |record: &mut Record| {
            record.shut_down = true;
            record.notebook = None;
        };
        self.shared.change(change).await?;
        tracing::info!(session = %self.shared.id, "its kernel was shut down; its files stay");
        Ok(())
    }
}
