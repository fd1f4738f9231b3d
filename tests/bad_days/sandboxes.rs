//! Single sandboxes have bad days: somebody kills what holds one, or stops its processes.

use crate::asking::{Containers, end, get, in_session, running, sessions, state};
use crate::calm::Calm;
use crate::channels::session;
use crate::daemon;
use crate::engine::PrivateEngine;
use crate::processes;
use crate::support::eventually;

#[tokio::test]
async fn a_killed_shim_ends_what_it_held_and_nothing_else() {
    let engine = PrivateEngine::start(daemon::Containers::EndWithIt);
    let service = engine.service(&[]).await;
    let calm = Calm::of(&service).await;
    let mut containers = Containers::default();
    let of_other = containers.newest(&service).await;
    let other = session(&service, "bash").await;
    in_session(&service, &other, "kept=here").await;
    let of_held = containers.newest(&service).await;
    let held = session(&service, "bash").await;
    let of_running = containers.newest(&service).await;
    let running = running(&service, "sleep 50").await;
    let warm = containers.newest(&service).await;
    for container in [of_held, of_running, warm] {
        processes::kill(engine.shim_of(&container));
    }
    assert_eq!(running.await.unwrap()["status"], "killed");
    eventually("one is left", async || sessions(&service).await == 1).await;
    let (status, _) = get(&service, &format!("/jupyter/sessions/{held}")).await;
    assert_eq!(status, 404);
    let answer = in_session(&service, &other, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
    assert!(service.containers().contains(&of_other));
    end(&service, &other).await;
    calm.is_back(&service).await;
}

#[tokio::test]
async fn a_session_whose_sandbox_is_stopped_for_a_while_is_told_so_and_goes_on_afterwards() {
    let engine = PrivateEngine::start(daemon::Containers::EndWithIt);
    let service = engine.service(&[]).await;
    let calm = Calm::of(&service).await;
    let mut containers = Containers::default();
    let container = containers.newest(&service).await;
    let id = session(&service, "bash").await;
    in_session(&service, &id, "kept=here").await;
    engine.seen().docker(&["pause", &container]);
    eventually("it is not reached", async || {
        state(&service, &id).await == "unreachable"
    })
    .await;
    let answer = in_session(&service, &id, "true").await;
    assert_eq!(answer["status"], 503, "{answer:#}");
    let neighbour = service.execute("bash", "echo well").await;
    assert_eq!(neighbour["stdout"], "well\n", "{neighbour:#}");
    engine.seen().docker(&["unpause", &container]);
    eventually("it is reached", async || {
        state(&service, &id).await == "idle"
    })
    .await;
    let answer = in_session(&service, &id, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
    // One that is stopped is ended as any other.
    engine.seen().docker(&["pause", &container]);
    end(&service, &id).await;
    calm.is_back(&service).await;
}
