//! Watching an execution: its outputs as they come, before there is a result.

use serde_json::Value;
use tokio::sync::mpsc;

use crate::jupyter::MessageView;

/// Outputs that wait for whoever watches. Beyond it the execution waits too, within its deadline.
const WAITING: usize = 64;

/// One output, as the kernel published it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputEvent {
    /// `stream`, `display_data`, `execute_result`, `error`, `update_display_data` or `clear_output`.
    pub kind: String,
    /// The message's content, as Jupyter describes it for that kind.
    pub content: Value,
}

/// The receiving end.
pub type OutputEvents = mpsc::Receiver<OutputEvent>;

/// The sending end, or nobody.
#[derive(Clone, Debug)]
pub struct Watcher(Option<mpsc::Sender<OutputEvent>>);

impl Watcher {
    /// Nobody watches.
    #[must_use]
    pub fn nobody() -> Watcher {
        Watcher(None)
    }

    /// Somebody does.
    #[must_use]
    pub fn new() -> (Watcher, OutputEvents) {
        let (sender, events) = mpsc::channel(WAITING);
        (Watcher(Some(sender)), events)
    }

    /// Tells of a message that was kept, if it is an output.
    pub(super) async fn tell(&self, message: &MessageView) {
        let Some(watcher) = &self.0 else { return };
        let kind = message.header.msg_type.as_str();
        if !is_output(kind) {
            return;
        }
        if let Some(content) = message.content() {
            let kind = kind.to_owned();
            // Whoever watched may have gone; the execution's own future ends then.
            let _ = watcher.send(OutputEvent { kind, content }).await;
        }
    }
}

fn is_output(kind: &str) -> bool {
    matches!(
        kind,
        "stream"
            | "display_data"
            | "execute_result"
            | "error"
            | "update_display_data"
            | "clear_output"
    )
}
