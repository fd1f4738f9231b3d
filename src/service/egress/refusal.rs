//! Why a connection is not made, in the words that the code in the sandbox is told. None of them holds an address: what a
//! name stands for in this network is not the code's business.

use crate::sandbox;

/// Why a connection is not made. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What is asked for is no host.
    Malformed,
    /// Not among the hosts that this sandbox may reach.
    NotAllowed,
    /// The name stands for a private address.
    Private,
    /// The name stands for nothing.
    Unknown,
    /// Nobody answers.
    Unreachable,
    /// The connections of this execution are used up.
    TooMany,
    /// The bytes of this execution, or those of its owner's day, are used up.
    UsedUp,
}

impl Refusal {
    /// For the log and for the code.
    pub(super) fn words(self) -> &'static str {
        match self {
            Refusal::Malformed => "this is no host",
            Refusal::NotAllowed => "this host is not among those that may be reached",
            Refusal::Private => "this host is in a private network",
            Refusal::Unknown => "there is no host of this name",
            Refusal::Unreachable => "the host does not answer",
            Refusal::TooMany => "too many connections",
            Refusal::UsedUp => "no more bytes may be sent or received",
        }
    }

    /// One word, for numbers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Refusal::Malformed => "malformed",
            Refusal::NotAllowed => "not_allowed",
            Refusal::Private => "private",
            Refusal::Unknown => "unknown_host",
            Refusal::Unreachable => "unreachable",
            Refusal::TooMany => "too_many",
            Refusal::UsedUp => "used_up",
        }
    }
}

impl From<Refusal> for sandbox::Refusal {
    fn from(refusal: Refusal) -> sandbox::Refusal {
        let words = refusal.words().to_owned();
        match refusal {
            Refusal::Unknown | Refusal::Unreachable => sandbox::Refusal::Unreachable(words),
            Refusal::Malformed
            | Refusal::NotAllowed
            | Refusal::Private
            | Refusal::TooMany
            | Refusal::UsedUp => sandbox::Refusal::Forbidden(words),
        }
    }
}
