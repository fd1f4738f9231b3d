//! Who asked what: the kernel's answers go to whoever asked, as ZeroMQ's identities would have it.
//!
//! A bounded memory. What was asked too long ago, or before the service was started anew, goes to everybody: clients pass over
//! answers to questions of others.

use std::collections::{HashMap, VecDeque};

/// Requests that are remembered. More than any kernel is asked before it answers.
const REMEMBERED: usize = 4096;

/// The longest id that is remembered, in bytes. Clients use UUIDs.
const LONGEST_ID: usize = 256;

/// Somebody who asks a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    /// A client that names itself, over all of its connections.
    Client(String),
    /// A connection of a client that does not.
    Connection(u64),
    /// An execution.
    Execution(u64),
}

impl Asker {
    /// Whether it is a client, on whatever connection.
    pub(super) fn is_client(&self) -> bool {
        match self {
            Asker::Client(_) | Asker::Connection(_) => true,
            Asker::Execution(_) => false,
        }
    }
}

/// Which request was whose.
#[derive(Debug, Default)]
pub(super) struct Routes {
    askers: HashMap<String, Asker>,
    order: VecDeque<String>,
}

impl Routes {
    /// The asker has sent a request with this id.
    pub(super) fn note(&mut self, msg_id: &str, asker: &Asker) {
        if msg_id.is_empty() || msg_id.len() > LONGEST_ID {
            return;
        }
        let msg_id = msg_id.to_owned();
        if self.askers.insert(msg_id.clone(), asker.clone()).is_none() {
            self.order.push_back(msg_id);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.askers.remove(&oldest);
        }
    }

    /// Whose request it was, as far as is remembered.
    pub(super) fn asker(&self, msg_id: &str) -> Option<&Asker> {
        self.askers.get(msg_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_remembered_and_bounded() {
        let mut routes = Routes::default();
        for number in 0..2 * REMEMBERED {
            routes.note(&number.to_string(), &Asker::Execution(number as u64));
        }
        assert_eq!(routes.asker("0"), None);
        let last = 2 * REMEMBERED - 1;
        let asker = Asker::Execution(last as u64);
        assert_eq!(routes.asker(&last.to_string()), Some(&asker));
        assert_eq!(routes.askers.len(), REMEMBERED);
        assert_eq!(routes.order.len(), REMEMBERED);
    }

    #[test]
    fn a_repeated_or_endless_id_takes_no_more_room() {
        let mut routes = Routes::default();
        for number in 0..10 {
            routes.note("same", &Asker::Connection(number));
        }
        routes.note(&"x".repeat(LONGEST_ID + 1), &Asker::Connection(1));
        routes.note("", &Asker::Connection(1));
        assert_eq!(routes.askers.len(), 1);
        assert_eq!(routes.order.len(), 1);
    }
}
