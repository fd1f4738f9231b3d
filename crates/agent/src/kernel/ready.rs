//! When a kernel is ready: it has answered on the shell, and what it publishes arrives.
//!
//! A subscription takes effect some time after it was sent, and what is published before is lost without a
//! trace. So `kernel_info_request`, which is answered on both, is asked until both have answered.

use std::time::Duration;

use cellblock_link::message::Channel;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use super::requests::Requests;
use super::sockets::{Seen, Senders};

/// The pause before the second request. It doubles with each further one: a kernel that is slow to start must
/// answer all of them before it answers anybody else.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The longest pause between two requests.
const ASK_AGAIN_AT_MOST: Duration = Duration::from_secs(1);

/// What it published with an answer comes this soon, or never: the subscription does not work yet.
const PUBLISHED_WITHIN: Duration = Duration::from_millis(5);

/// Waits until the kernel is ready; gives what it says of itself. The caller sets the limit.
pub(super) async fn wait(
    senders: &Senders,
    requests: &Requests,
    seen: &mut watch::Receiver<Seen>,
) -> Value {
    until(seen, |seen| seen.shell_connected && seen.iopub_connected).await;
    let mut pause = ASK_AGAIN;
    loop {
        let before = seen.borrow().replies;
        senders
            .send(Channel::Shell, requests.make("kernel_info_request"))
            .await;
        let answered = until(seen, |seen| seen.replies > before);
        if timeout(pause, answered).await.is_ok() {
            // What it published may still be on its way.
            let _ = timeout(PUBLISHED_WITHIN, until(seen, |seen| ready(seen).is_some())).await;
        } else {
            pause = (pause * 2).min(ASK_AGAIN_AT_MOST);
        }
        if let Some(kernel_info) = ready(&seen.borrow()) {
            return kernel_info;
        }
    }
}

fn ready(seen: &Seen) -> Option<Value> {
    seen.kernel_info.clone().filter(|_| seen.published)
}

async fn until(seen: &mut watch::Receiver<Seen>, condition: impl FnMut(&Seen) -> bool) {
    if seen.wait_for(condition).await.is_err() {
        // The sockets are gone, which their owner knows better than this.
        std::future::pending().await
    }
}
