//! The engine goes, and comes back: stopped or killed, and its containers end with it or live on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::asking::{end, health, in_session, numbers, running, serves, sessions};
use crate::calm::Calm;
use crate::channels::{Channels, session};
use crate::daemon::Containers;
use crate::engine::PrivateEngine;
use crate::heard::Heard;
use crate::support::{Service, eventually};

/// How the engine goes.
#[derive(Clone, Copy, Debug)]
enum Going {
    Stopped,
    Killed,
}

impl Going {
    fn takes(self, engine: &mut PrivateEngine) {
        match self {
            Going::Stopped => engine.stop(),
            Going::Killed => engine.kill(),
        }
    }
}

#[tokio::test]
async fn a_stopped_engine_takes_what_runs_with_it_and_all_is_well_once_it_is_back() {
    takes_all_with_it(Going::Stopped).await;
}

#[tokio::test]
async fn a_killed_engine_takes_what_runs_with_it_and_all_is_well_once_it_is_back() {
    takes_all_with_it(Going::Killed).await;
}

async fn takes_all_with_it(going: Going) {
    let mut engine = PrivateEngine::start(Containers::EndWithIt);
    let service = engine.service(&[]).await;
    let calm = Calm::of(&service).await;
    let id = session(&service, "bash").await;
    let running = running(&service, "sleep 50").await;
    going.takes(&mut engine);
    is_away(&service).await;
    engine.start_again();
    assert_eq!(running.await.unwrap()["status"], "killed");
    serves(&service).await;
    eventually("the session is over", async || {
        sessions(&service).await == 0
    })
    .await;
    assert_eq!(in_session(&service, &id, "true").await["status"], 404);
    let gone = "sessions_ended_total{why=\"gone\"}";
    assert_eq!(numbers(&service).await.of(gone), 1.0);
    calm.is_back(&service).await;
}

#[tokio::test]
async fn a_session_outlives_a_stopped_engine_that_leaves_containers_and_no_message_is_lost() {
    lives_on(Going::Stopped).await;
}

#[tokio::test]
async fn a_session_outlives_a_killed_engine_that_leaves_containers_and_no_message_is_lost() {
    lives_on(Going::Killed).await;
}

/// Prints a line every few milliseconds, for some seconds: longer than the engine is away.
const LINES: u32 = 800;
const SLOW_LINES: &str = "for number in $(seq 0 799); do echo $number; sleep 0.01; done; kept=here";

async fn lives_on(going: Going) {
    let mut engine = PrivateEngine::start(Containers::OutliveIt);
    let service = engine.service(&[]).await;
    let calm = Calm::of(&service).await;
    let id = session(&service, "bash").await;
    let mut channels = Channels::connect(&service, &id, "reader").await;
    let request = channels.execute(SLOW_LINES).await;
    let mut heard = vec![hear(&mut channels).await];
    let running = running(&service, "sleep 50").await;
    going.takes(&mut engine);
    is_away(&service).await;
    engine.start_again();
    while !heard.last().is_some_and(|last| last.is_reply_to(&request)) {
        heard.push(hear(&mut channels).await);
    }
    is_whole(&heard);
    // What ran alone had nobody to come back to.
    assert_eq!(running.await.unwrap()["status"], "killed");
    serves(&service).await;
    let answer = in_session(&service, &id, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
    drop(channels);
    end(&service, &id).await;
    calm.is_back(&service).await;
}

async fn hear(channels: &mut Channels) -> Heard {
    let heard = Heard::next(channels).await;
    heard.expect("the client's connection holds")
}

/// All lines in order, nothing twice, no word of anything lost.
fn is_whole(heard: &[Heard]) {
    let ids: BTreeSet<&str> = heard.iter().map(|message| &*message.id).collect();
    assert_eq!(ids.len(), heard.len(), "nothing comes twice");
    let printed: String = heard.iter().map(|message| &*message.printed).collect();
    let expected: String = (0..LINES).map(|number| format!("{number}\n")).collect();
    assert_eq!(printed, expected);
}

/// It says so, and refuses what it cannot do without being asked twice.
async fn is_away(service: &Service) {
    eventually("it says that the engine is away", async || {
        let (status, said) = health(service).await;
        status == 503 && said["status"] == "unavailable" && said["engine"] == Value::Null
    })
    .await;
    let (status, answer) = service.post("bash", "true", json!({})).await;
    assert_eq!(status, 503, "{answer:#}");
}
