//! What is counted of sessions: how they end, and how often their sandboxes are lost from sight.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::end::End;

/// Counts. Its clones count together.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    ended: Family<Ended, Counter>,
    links_lost: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    why: &'static str,
}

impl Meters {
    /// Nothing has happened yet.
    pub(super) fn new() -> Meters {
        let meters = Meters {
            ended: Family::default(),
            links_lost: Counter::default(),
        };
        for end in End::ALL {
            meters.of(end);
        }
        meters
    }

    /// A session is over.
    pub(super) fn ended(&self, end: End) {
        self.of(end).inc();
    }

    /// The link to a session's sandbox was lost; the sandbox is looked for.
    pub(super) fn link_lost(&self) {
        self.links_lost.inc();
    }

    /// Shows everything in the registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Sessions that are over";
        registry.register("sessions_ended", help, self.ended.clone());
        let help = "Times that a session's sandbox had to be found again";
        registry.register("session_links_lost", help, self.links_lost.clone());
    }

    fn of(&self, end: End) -> Counter {
        let why = end.name();
        self.ended.get_or_create_owned(&Ended { why })
    }
}
