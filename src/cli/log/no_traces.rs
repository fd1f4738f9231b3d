//! A build without the feature `otlp` sends no traces, and says so where some are expected.

use super::Listener;

/// None.
pub(in crate::cli) struct Traces(Option<&'static str>);

/// `collector` is the variable that names one.
pub(super) fn start(collector: Option<&'static str>) -> anyhow::Result<(Option<Listener>, Traces)> {
    Ok((None, Traces(collector)))
}

impl Traces {
    /// Into the log.
    pub(super) fn announce(&self) {
        if let Some(variable) = self.0 {
            tracing::warn!(
                "{variable} is set, and this build sends no traces: build it with --features otlp"
            );
        }
    }
}
