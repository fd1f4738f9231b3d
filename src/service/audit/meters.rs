//! What is counted of the audit log: lines that are there, and lines that are lost.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Counts. Its clones count together.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    lines: Family<Line, Counter>,
    written: Counter,
    lost: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Line {
    result: &'static str,
}

impl Meters {
    /// Nothing is written yet.
    pub(super) fn new() -> Meters {
        let lines = Family::<Line, Counter>::default();
        let result = |result| lines.get_or_create_owned(&Line { result });
        Meters {
            written: result("written"),
            lost: result("lost"),
            lines,
        }
    }

    pub(super) fn written(&self) {
        self.written.inc();
    }

    pub(super) fn lost(&self) {
        self.lost.inc();
    }

    /// Shows everything in the registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Lines of the audit log";
        registry.register("audit_lines", help, self.lines.clone());
    }
}
