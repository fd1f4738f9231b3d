//! A kernel that is shut down: what becomes of its session, and of the files beside it.

use std::sync::Arc;

use cellblock::sandbox::fake::Presence;
use cellblock::service::ServiceError;
use cellblock::service::owner::Owner;
use cellblock::service::session::request::Home;
use cellblock::service::session::{Cut, Notebook, Session, State};
use tokio::time::sleep;

use crate::home::{end, home, made};
use crate::sessions::{ask, cut, request, run};
use crate::support::{World, eventually, world};

async fn home_with_files(world: &World) -> Arc<Session> {
    let home = made(world, Home::IfNone).await;
    home.keep_files().await.unwrap();
    run(&home, "write a.txt kept").await;
    home
}

async fn try_to_shut_down(world: &World, session: &Session) -> Result<(), ServiceError> {
    let owner = Owner::local();
    world.service.shut_down_kernel(&owner, session.id()).await
}

async fn shut_down(world: &World, session: &Session) {
    try_to_shut_down(world, session).await.unwrap();
}

fn document() -> Notebook {
    let word = || "a.ipynb".to_owned();
    Notebook {
        id: word(),
        path: word(),
        name: word(),
        kind: "notebook".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_files_of_a_home_outlive_its_kernel_and_its_variables_do_not() {
    let world = world().await;
    let kept = home_with_files(&world).await;
    kept.set_notebook(document()).await.unwrap();
    shut_down(&world, &kept).await;
    assert_eq!(home(&world), Some(kept.id()));
    assert!(kept.is_shut_down());
    assert_eq!(kept.view().notebook, None);
    let result = run(&kept, "read a.txt").await;
    assert_eq!(result.output.stdout, "kept");
    assert_eq!(result.output.execution_count, Some(1), "another kernel");
    end(&world, &kept).await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_home_or_has_no_files_of_a_client_ends_with_its_kernel() {
    let world = world().await;
    let empty = made(&world, Home::IfNone).await;
    run(&empty, "write a.txt of-code").await;
    let other = made(&world, Home::IfNone).await;
    other.keep_files().await.unwrap();
    for session in [empty, other] {
        shut_down(&world, &session).await;
        let found = world.service.session(&Owner::local(), session.id());
        assert!(found.is_err());
    }
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn both_are_remembered_by_the_next_service() {
    let world = world().await;
    let id = home_with_files(&world).await.id();
    let found = |world: &World| world.service.session(&Owner::local(), id).unwrap();
    let world = world.restarted().await;
    assert!(!found(&world).is_shut_down());
    shut_down(&world, &found(&world)).await;
    let world = world.restarted().await;
    assert!(found(&world).is_shut_down());
    assert_eq!(home(&world), Some(id));
    found(&world).set_notebook(document()).await.unwrap();
    let world = world.restarted().await;
    assert!(!found(&world).is_shut_down());
}

#[tokio::test(start_paused = true)]
async fn clients_lose_the_kernel_until_a_document_is_given_it() {
    let world = world().await;
    let home = home_with_files(&world).await;
    let mut before = home.connect(Some("a".to_owned())).await.unwrap();
    let sender = before.sender();
    shut_down(&world, &home).await;
    let late = sender.send(request("late", "write a.txt lost")).await;
    assert!(matches!(late, Err(ServiceError::NotFound)), "{late:?}");
    assert_eq!(cut(&mut before).await, Cut::Ended);
    for client in [None, Some("a".to_owned())] {
        let refused = home.connect(client).await;
        assert!(
            matches!(refused, Err(ServiceError::NotFound)),
            "{refused:?}"
        );
    }
    assert_eq!(home.view().connections, 1, "that which was not dropped yet");
    home.set_notebook(document()).await.unwrap();
    let after = home.connect(Some("a".to_owned())).await.unwrap();
    ask(&after.sender(), "one", "write a.txt new").await;
    let late = sender.send(request("late", "write a.txt lost")).await;
    late.unwrap_err();
    assert_eq!(run(&home, "read a.txt").await.output.stdout, "new");
}

#[tokio::test(start_paused = true)]
async fn a_home_that_nobody_uses_ends_in_its_time() {
    let world = world().await;
    let kept = home_with_files(&world).await;
    let mut client = kept.connect(None).await.unwrap();
    ask(&client.sender(), "one", "sleep 100000s").await;
    let idle = kept.view().idle_timeout;
    sleep(2 * idle).await;
    assert_eq!(home(&world), Some(kept.id()), "it is used");
    shut_down(&world, &kept).await;
    assert_eq!(cut(&mut client).await, Cut::Ended);
    drop(client);
    sleep(idle / 2).await;
    assert_eq!(home(&world), Some(kept.id()));
    sleep(idle).await;
    assert_eq!(home(&world), None);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_kernel_did_when_it_was_shut_down_is_no_use_of_the_home_to_the_next_service() {
    let world = world().await;
    let kept = home_with_files(&world).await;
    let client = kept.connect(None).await.unwrap();
    ask(&client.sender(), "one", "sleep 100000s").await;
    eventually("it runs", || kept.state() == State::Busy).await;
    shut_down(&world, &kept).await;
    let idle = kept.view().idle_timeout;
    drop((client, kept));
    let world = world.restarted().await;
    sleep(idle / 2).await;
    assert!(home(&world).is_some());
    sleep(idle).await;
    assert_eq!(home(&world), None);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_first_write_that_comes_at_once_is_kept_or_refused() {
    let world = world().await;
    let first = made(&world, Home::IfNone).await;
    let (written, down) = tokio::join!(first.keep_files(), try_to_shut_down(&world, &first));
    written.unwrap();
    down.unwrap();
    assert_eq!(home(&world), Some(first.id()));
    end(&world, &first).await;
    let second = made(&world, Home::IfNone).await;
    let (down, written) = tokio::join!(try_to_shut_down(&world, &second), second.keep_files());
    down.unwrap();
    assert!(
        matches!(written, Err(ServiceError::NotFound)),
        "{written:?}"
    );
    assert_eq!(home(&world), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_tells_the_kernel_to_end_leaves_the_files() {
    let world = world().await;
    let home = home_with_files(&world).await;
    let mut connection = home.connect(None).await.unwrap();
    crate::sessions::shut_down(&connection.sender()).await;
    assert_eq!(cut(&mut connection).await, Cut::Ended);
    eventually("it is shut down", || home.is_shut_down()).await;
    assert_eq!(run(&home, "read a.txt").await.output.stdout, "kept");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_reached_is_not_shut_down() {
    let world = world().await;
    let kept = home_with_files(&world).await;
    world.engine.set_presence(Presence::Away);
    run(&kept, "die").await;
    let refused = try_to_shut_down(&world, &kept).await;
    let unavailable = matches!(refused, Err(ServiceError::Unavailable(_)));
    assert!(unavailable, "{refused:?}");
    assert_eq!(home(&world), Some(kept.id()));
    assert!(!kept.is_shut_down());
}
