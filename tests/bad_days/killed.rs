//! The service is killed, at every stage of what it does, and started again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::asking::{delete_files, end, get, in_session, running, serves, sessions, state};
use crate::calm::Calm;
use crate::channels::{Channels, session};
use crate::daemon::Containers;
use crate::engine::PrivateEngine;
use crate::heard::Heard;
use crate::proxy::{Proxy, Trap, Way};
use crate::support::{Service, eventually};

/// The calls that make up the life of a sandbox: before the engine has heard of each, and before its answer is heard.
const STAGES: [Trap; 7] = [
    Trap::at(["POST", "/containers/create"], Way::ToEngine),
    Trap::at(["POST", "/containers/create"], Way::ToService),
    Trap::at(["POST", "/attach"], Way::ToService),
    Trap::at(["POST", "/start"], Way::ToEngine),
    Trap::at(["POST", "/start"], Way::ToService),
    Trap::at(["DELETE", "/containers/"], Way::ToEngine),
    Trap::at(["DELETE", "/containers/"], Way::ToService),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_at_any_stage_of_an_execution_leaves_nothing_that_its_successor_keeps() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let proxy = engine.proxy();
    let mut service = engine.service_behind(&proxy, &[]).await;
    let calm = Calm::of(&service).await;
    for stage in STAGES {
        proxy.set_trap(stage);
        let running = one_of_its_own(&service);
        is_killed_and_followed(&mut service, &proxy).await;
        running.await.unwrap();
    }
    let running = running(&service, "sleep 50").await;
    proxy.hang();
    is_killed_and_followed(&mut service, &proxy).await;
    running.await.unwrap();
    while_files_come_out(&mut service, &proxy).await;
    calm.is_back(&service).await;
}

/// An execution whose sandbox has no other life.
fn one_of_its_own(service: &Service) -> JoinHandle<()> {
    let body = json!({"code": "true", "execution_environment": "bash", "memory": "300MiB"});
    let request = service
        .client()
        .post(service.url("/jupyter/execute"))
        .json(&body)
        .send();
    tokio::spawn(async {
        // The service is killed meanwhile.
        let _ = request.await;
    })
}

/// Kills it once its proxy hangs. Its successor serves only when nothing is left of what there was.
async fn is_killed_and_followed(service: &mut Service, proxy: &Proxy) {
    proxy.hangs().await;
    service.kill();
    proxy.go_on();
    let strays = service.containers();
    service.restart();
    let there = service.containers();
    let left: Vec<&String> = strays
        .iter()
        .filter(|stray| there.contains(stray))
        .collect();
    assert!(
        left.is_empty(),
        "it serves, and these are still there: {left:?}"
    );
    serves(service).await;
    service.pool_is_full().await;
}

async fn while_files_come_out(service: &mut Service, proxy: &Proxy) {
    let files = "for n in 1 2 3 4 5 6; do head -c 15000000 /dev/zero > $n; done";
    let running = running(service, files).await;
    let stored = service.state().join("files");
    eventually("files come out", async || {
        std::fs::read_dir(&stored).unwrap().count() > 0
    })
    .await;
    proxy.hang();
    is_killed_and_followed(service, proxy).await;
    running.await.unwrap();
    let there = std::fs::read_dir(&stored).unwrap().count();
    assert_eq!(delete_files(service).await, there, "what is there is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_at_any_stage_of_a_session_loses_none_that_it_promised() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let proxy = engine.proxy();
    let mut service = engine.service_behind(&proxy, &[]).await;
    let calm = Calm::of(&service).await;
    let promised = session(&service, "bash").await;
    in_session(&service, &promised, "kept=here").await;
    for stage in STAGES {
        proxy.set_trap(stage);
        let life = a_whole_life(&service);
        proxy.hangs().await;
        succeeds(&mut service, &proxy).await;
        life.await.unwrap();
        all_that_is_listed_works(&service).await;
        is_kept(&service, &promised).await;
    }
    while_its_kernel_starts_anew(&mut service, &proxy).await;
    while_its_code_runs(&mut service, &proxy, &promised).await;
    while_a_file_comes(&mut service, &proxy, &promised).await;
    is_kept(&service, &promised).await;
    end(&service, &promised).await;
    assert_eq!(sessions(&service).await, 0);
    calm.is_back(&service).await;
}

/// Makes a session and ends it, as far as that goes.
fn a_whole_life(service: &Service) -> JoinHandle<()> {
    let (client, sessions) = (service.client().clone(), service.url("/jupyter/sessions"));
    let body = json!({"execution_environment": "bash", "memory": "300MiB"});
    tokio::spawn(async move {
        let made = client.post(&sessions).json(&body).send().await;
        let Ok(made) = made else { return };
        let Ok(made) = made.json::<Value>().await else {
            return;
        };
        let id = made["id"].as_str().unwrap();
        // The service may be killed while it does that.
        let _ = client.delete(format!("{sessions}/{id}")).send().await;
    })
}

async fn succeeds(service: &mut Service, proxy: &Proxy) {
    service.kill();
    proxy.go_on();
    service.restart();
    serves(service).await;
}

/// Ends each, too, but the oldest.
async fn all_that_is_listed_works(service: &Service) {
    let (_, list) = get(service, "/jupyter/sessions").await;
    for session in &list["sessions"].as_array().unwrap()[1..] {
        let id = session["id"].as_str().unwrap();
        let answer = in_session(service, id, "echo works").await;
        assert_eq!(answer["stdout"], "works\n", "{answer:#}");
        end(service, id).await;
    }
}

async fn is_kept(service: &Service, id: &str) {
    let answer = in_session(service, id, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
}

/// Whatever came of the new kernel: there is one that works.
async fn while_its_kernel_starts_anew(service: &mut Service, proxy: &Proxy) {
    for pause in [0, 30, 100, 300].map(Duration::from_millis) {
        let id = session(service, "bash").await;
        let url = service.url(&format!("/jupyter/sessions/{id}/restart"));
        let restart = tokio::spawn(service.client().post(url).send());
        sleep(pause).await;
        succeeds(service, proxy).await;
        // It was cut off, or was not.
        let _ = restart.await.unwrap();
        let answer = in_session(service, &id, "echo works").await;
        assert_eq!(answer["stdout"], "works\n", "{answer:#}");
        end(service, &id).await;
    }
}

/// The code comes to its end, is waited for, and what it did is there: also where its client had heard already that it runs.
async fn while_its_code_runs(service: &mut Service, proxy: &Proxy, id: &str) {
    let mut client = Channels::connect(service, id, "client").await;
    client.execute("echo begun; sleep 3; ended=yes").await;
    while Heard::next(&mut client).await.unwrap().printed != "begun\n" {}
    succeeds(service, proxy).await;
    eventually("it runs", async || state(service, id).await == "busy").await;
    let answer = in_session(service, id, "echo $ended").await;
    assert_eq!(answer["stdout"], "yes\n", "{answer:#}");
}

/// It is there entirely or not at all.
async fn while_a_file_comes(service: &mut Service, proxy: &Proxy, id: &str) {
    let url = format!("/jupyter/sessions/{id}/files/half.bin");
    let (chunks, body) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = futures::stream::unfold(body, |mut body| async {
        body.recv().await.map(|chunk| (chunk, body))
    });
    let put = service.client().put(service.url(&url));
    let put = tokio::spawn(put.body(reqwest::Body::wrap_stream(body)).send());
    for _ in 0..20 {
        chunks.send(Ok(vec![7; 64 << 10])).await.unwrap();
    }
    succeeds(service, proxy).await;
    drop(chunks);
    assert!(put.await.unwrap().is_err());
    let answer = service
        .client()
        .get(service.url(&url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
    let answer = in_session(service, id, "ls -A").await;
    assert_eq!(answer["stdout"], "", "{answer:#}");
}
