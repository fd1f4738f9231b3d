//! Disks are full: the one that has the state, the one that has the engine's containers.

use std::fs;

use serde_json::{Value, json};

use crate::asking::{
    delete_files, end, file_path, get, health, in_session, serves, sessions, upload,
};
use crate::calm::Calm;
use crate::channels::session;
use crate::daemon::Containers;
use crate::disk::Disk;
use crate::engine::PrivateEngine;
use crate::support::{Service, Setup, eventually};

/// Kept small: it is filled.
const STATE: &str = "16m";

#[tokio::test]
async fn a_full_state_disk_is_told_to_whoever_stores_and_is_nobody_else_s_concern() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let disk = Disk::mount(&engine.directory().join("state"), STATE);
    let mut service = Service::start_as(Setup {
        state: tempfile::tempdir_in(disk.path()).unwrap(),
        ..engine.setup(&engine.seen().host.unwrap(), &[])
    })
    .await;
    let calm = Calm::of(&service).await;
    let id = session(&service, "bash").await;
    in_session(&service, &id, "kept=here").await;
    let (_, kept) = upload(&service, "kept.txt", b"kept".to_vec()).await;

    let filled = disk.fill();
    is_told(&service).await;
    what_needs_no_room_works(&service, &id, &kept).await;
    service.kill();
    service.restart();
    is_told(&service).await;
    what_needs_no_room_works(&service, &id, &kept).await;
    drop(filled);

    let (status, stored) = upload(&service, "new.txt", b"new".to_vec()).await;
    assert_eq!(status, 200, "{stored:#}");
    assert_eq!(delete_files(&service).await, 2);
    end(&service, &id).await;
    calm.is_back(&service).await;
}

/// Uploads and new sessions are refused for what it is, and leave no part of themselves.
async fn is_told(service: &Service) {
    service.pool_is_full().await;
    let containers = service.containers().len();
    let (status, answer) = upload(service, "large.bin", vec![7; 1 << 20]).await;
    says_full(status, &answer);
    let body = json!({"execution_environment": "bash"});
    let made = service.client().post(service.url("/jupyter/sessions"));
    let made = made.json(&body).send().await.unwrap();
    let status = made.status().as_u16();
    says_full(status, &made.json().await.unwrap());
    assert_eq!(count(service, "files"), 1, "the one that was stored before");
    assert_eq!(
        count(service, "sessions"),
        1,
        "the one that was made before"
    );
    assert_eq!(sessions(service).await, 1);
    service.pool_is_full().await;
    service.has_containers(containers).await;
}

fn says_full(status: u16, answer: &Value) {
    assert_eq!(status, 507, "{answer:#}");
    assert_eq!(
        answer["type"], "urn:cellblock:problem:no-room",
        "{answer:#}"
    );
}

async fn what_needs_no_room_works(service: &Service, id: &str, kept: &Value) {
    assert_eq!(health(service).await.0, 200);
    let answer = service
        .execute("bash", "echo made > made.txt; cat made.txt")
        .await;
    assert_eq!(answer["stdout"], "made\n", "{answer:#}");
    assert_eq!(answer["files"], Value::Null, "{answer:#}");
    assert_eq!(answer["files_left_out"], 1, "{answer:#}");
    let answer = in_session(service, id, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
    let content = service
        .client()
        .get(service.url(&file_path(kept)))
        .send()
        .await
        .unwrap();
    assert_eq!(content.text().await.unwrap(), "kept");
}

fn count(service: &Service, directory: &str) -> usize {
    fs::read_dir(service.state().join(directory))
        .unwrap()
        .count()
}

#[tokio::test]
async fn a_full_engine_disk_is_said_and_costs_nothing_that_runs() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let service = engine.service(&[]).await;
    let calm = Calm::of(&service).await;
    let id = session(&service, "bash").await;
    in_session(&service, &id, "kept=here").await;
    service.pool_is_full().await;

    let filled = engine.disk().fill();
    // The last that was there.
    let answer = service.execute("bash", "echo last").await;
    assert_eq!(answer["stdout"], "last\n", "{answer:#}");
    eventually("it says that nothing can be run", async || {
        let (status, said) = health(&service).await;
        status == 503 && said["engine"] != Value::Null
    })
    .await;
    let (status, answer) = service.post("bash", "true", json!({})).await;
    says_full(status, &answer);
    let answer = in_session(&service, &id, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
    assert_eq!(get(&service, "/jupyter/sessions").await.0, 200);
    drop(filled);

    serves(&service).await;
    end(&service, &id).await;
    calm.is_back(&service).await;
}
