//! What is counted of the way out: connections by their end, and bytes.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

/// Counts. Its clones count together.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    connections: Family<Ended, Counter>,
    sent: Counter,
    received: Counter,
    bytes: Family<Direction, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    end: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

impl Meters {
    /// Nobody has gone out yet.
    pub(super) fn new() -> Meters {
        let bytes = Family::<Direction, Counter>::default();
        let direction = |direction| bytes.get_or_create_owned(&Direction { direction });
        Meters {
            connections: Family::default(),
            sent: direction("sent"),
            received: direction("received"),
            bytes,
        }
    }

    /// A connection has come to this end.
    pub(super) fn ended(&self, end: &'static str) {
        self.connections.get_or_create_owned(&Ended { end }).inc();
    }

    /// So many bytes went over it.
    pub(super) fn carried(&self, sent: u64, received: u64) {
        self.sent.inc_by(sent);
        self.received.inc_by(received);
    }

    /// Shows everything in the registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Connections that sandboxes asked for, by how they ended";
        registry.register("egress_connections", help, self.connections.clone());
        let help = "Bytes that went over connections of sandboxes, counted when these end";
        let (bytes, unit) = (self.bytes.clone(), Unit::Bytes);
        registry.register_with_unit("egress", help, unit, bytes);
    }
}
