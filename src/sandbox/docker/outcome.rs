//! How a container ended, as the engine says: for sandboxes whose agent cannot say it any more.
//!
//! With runc the killer takes processes of the sandbox, and the agent tells. gVisor is one process to the host: where memory
//! runs out, the killer takes the whole sandbox.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{EventsOptionsBuilder, WaitContainerOptions};
use futures::StreamExt;
use tokio::time::timeout;

use super::calls::Calls;

/// How long the engine may take to notice that a container has ended whose output has.
const NOTICED_WITHIN: Duration = Duration::from_secs(3);

/// How long after that it may take to say why: the two come to it by different ways.
const SAID_WITHIN: Duration = Duration::from_secs(1);

/// The beginning of time: an engine keeps its last 256 events. Not a moment ago, since its clock may be another than ours, and
/// either may jump.
const EVER: &str = "1";

/// Whether a container has ended, and the kernel had to end processes of it because its memory was used up. What cannot be
/// found out is no. Takes a few seconds at most.
pub(super) async fn ran_out_of_memory(calls: &Calls, container: &str) -> bool {
    has_ended(calls, container).await && had_no_memory(calls, container).await
}

/// Waits for its end, for a while.
async fn has_ended(calls: &Calls, container: &str) -> bool {
    let ended = calls.call("wait", |docker| async move {
        // The answer is the exit code, or an error that stands for one.
        let codes = docker.wait_container(container, None::<WaitContainerOptions>);
        Ok(std::pin::pin!(codes).next().await.is_some())
    });
    matches!(timeout(NOTICED_WITHIN, ended).await, Ok(Ok(true)))
}

/// Not what `inspect` says: the engine forgets it there where the end was known first.
async fn had_no_memory(calls: &Calls, container: &str) -> bool {
    let filters = HashMap::from([("container", vec![container]), ("event", vec!["oom"])]);
    let options = EventsOptionsBuilder::default()
        .since(EVER)
        .filters(&filters)
        .build();
    let said = calls.call("events", |docker| async move {
        let mut events = docker.events(Some(options));
        Ok(matches!(
            timeout(SAID_WITHIN, events.next()).await,
            Ok(Some(Ok(_)))
        ))
    });
    matches!(said.await, Ok(true))
}
