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
const SAID_WITHIN: i64 = 1;

/// How far back what it said is looked at, in seconds. It keeps its last 256 events.
const LOOK_BACK: i64 = 60;

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
    let now = jiff::Timestamp::now().as_second();
    let filters = HashMap::from([("container", vec![container]), ("event", vec!["oom"])]);
    let options = EventsOptionsBuilder::default()
        .since(&(now - LOOK_BACK).to_string())
        .until(&(now + SAID_WITHIN).to_string())
        .filters(&filters)
        .build();
    let said = calls.call("events", |docker| async move {
        docker.events(Some(options)).next().await.transpose()
    });
    matches!(said.await, Ok(Some(_)))
}
