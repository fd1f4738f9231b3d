//! How a session ends: a closed list, for its task, the numbers and the audit log.

/// How a session's task comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its owner is done with it.
    Deleted,
    /// Its time is over.
    Expired,
    /// Its kernel was told to end.
    KernelEnded,
    /// Its container is gone.
    Gone,
    /// The service stops.
    Stopped,
}

impl End {
    /// The list is closed.
    pub(super) const ALL: [End; 5] = [
        End::Deleted,
        End::Expired,
        End::KernelEnded,
        End::Gone,
        End::Stopped,
    ];

    /// One word.
    pub(super) fn name(self) -> &'static str {
        match self {
            End::Deleted => "deleted",
            End::Expired => "expired",
            End::KernelEnded => "kernel_ended",
            End::Gone => "gone",
            End::Stopped => "stopped",
        }
    }
}
