//! Sessions: a cell over REST and over the WebSocket, large buffers, and many sessions at once.

use std::time::Duration;

use cellblock::jupyter::MessageView;
use futures::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::channels::{Channels, session};
use crate::support::Service;
use crate::table::{Samples, Table};
use crate::{floor, memory};

/// Cells of one session a figure.
const CELLS: usize = 200;

/// Sessions at once.
const MANY: usize = 200;

/// Bytes of all buffers together.
const BUFFERS: usize = 64 * (4 << 20);

/// Rounds of the buffers.
const BUFFER_ROUNDS: usize = 3;

/// A comm message with a buffer of 4 MiB, 64 times, as widgets send images.
const BUFFERS_CODE: &str = "from ipykernel.comm import Comm
comm, buffer = Comm(target_name='bench'), bytes(4 << 20)
for _ in range(64): comm.send({}, buffers=[buffer])";

pub async fn measure(table: &mut Table) {
    let service = Service::start(&["--sandbox-memory=1GiB", "--sessions-max=300"]).await;
    let id = session(&service, "python").await;
    let floor = floor::ones();
    let mut rest = Samples::default();
    for _ in 0..CELLS {
        rest.push(execute(&service, &id, "1").await);
    }
    table.times("session, `1` over REST", &rest, &floor);
    let mut channels = Channels::connect(&service, &id, "bench").await;
    let mut websocket = Samples::default();
    for _ in 0..CELLS {
        websocket.push(cell(&mut channels, "1").await);
    }
    table.times("session, `1` over the WebSocket", &websocket, &floor);
    let raw = floor::raw_outputs(BUFFERS, BUFFER_ROUNDS).await;
    let mut buffers = Samples::default();
    for _ in 0..BUFFER_ROUNDS {
        buffers.push(cell(&mut channels, BUFFERS_CODE).await);
    }
    table.rates(
        "64 buffers of 4 MiB over the WebSocket",
        BUFFERS,
        &buffers,
        &raw,
    );
}

/// What a session that is not used costs the service, and whether all of many answer.
pub async fn many(table: &mut Table) {
    let service = Service::start(&["--sessions-max=300", "--pool-starting=2"]).await;
    let first = session(&service, "bash").await;
    execute(&service, &first, "true").await;
    let pid = service.pid().to_string();
    let before = memory::resident(&pid);
    let mut ids = Vec::new();
    for _ in 0..MANY {
        ids.push(session(&service, "bash").await);
    }
    let grown = memory::resident(&pid).saturating_sub(before);
    table.size(
        "an idle session: of the service's memory",
        grown / MANY as u64,
    );
    let begin = Instant::now();
    join_all(ids.iter().map(|id| execute(&service, id, "echo hi"))).await;
    let what = format!("{MANY} sessions asked at once, until all had answered");
    table.time(&what, begin.elapsed());
}

async fn cell(channels: &mut Channels, code: &str) -> Duration {
    let begin = Instant::now();
    let request = channels.execute(code).await;
    finish(channels, &request).await;
    begin.elapsed()
}

/// Reads until the request is answered and the kernel idle again.
async fn finish(channels: &mut Channels, request: &str) {
    let (mut replied, mut idle) = (false, false);
    while !(replied && idle) {
        let framed = channels.next().await.expect("it is open");
        let view = MessageView::parse(&framed.parts).expect("it is a message");
        if view.parent_id != request {
            continue;
        }
        match view.header.msg_type.as_str() {
            "execute_reply" => replied = true,
            "status" => idle |= view.content().unwrap_or_default()["execution_state"] == "idle",
            _ => {}
        }
    }
}

async fn execute(service: &Service, session: &str, code: &str) -> Duration {
    let url = service.url(&format!("/jupyter/sessions/{session}/execute"));
    let begin = Instant::now();
    let request = service.client().post(url).json(&json!({ "code": code }));
    let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    let took = begin.elapsed();
    assert_eq!(answer["status"], "ok", "{answer:#}");
    took
}
