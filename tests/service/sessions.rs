//! Sessions: a sandbox that a client holds, on a fake engine.

use std::sync::Arc;
use std::time::Duration;

use cellblock::config::AtShutdown;
use cellblock::sandbox::{Channel, KernelEvent, KernelMessage};
use cellblock::service::ServiceError;
use cellblock::service::execution::request::{Cell, SandboxRequest};
use cellblock::service::execution::result::{ExecutionResult, Status};
use cellblock::service::execution::watch::Watcher;
use cellblock::service::owner::Owner;
use cellblock::service::session::request::{Lifetime, SessionChange, SessionRequest};
use cellblock::service::session::{Connection, Cut, KernelSender, Session, SessionId, State};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{World, cell, eventually, world, world_with};

const MINUTE: Duration = Duration::from_secs(60);

fn python() -> SessionRequest {
    SessionRequest::plain(SandboxRequest::plain("python", "test"))
}

async fn create(world: &World, request: SessionRequest) -> Result<Arc<Session>, ServiceError> {
    world.service.create_session(&Owner::local(), request).await
}

async fn session(world: &World) -> Arc<Session> {
    create(world, python()).await.unwrap()
}

async fn execute(session: &Arc<Session>, cell: Cell) -> ExecutionResult {
    session
        .execute("test", cell, Watcher::nobody())
        .await
        .unwrap()
}

pub async fn run(session: &Arc<Session>, code: &str) -> ExecutionResult {
    execute(session, cell(code)).await
}

/// An `execute_request`, as a client sends it.
pub fn request(msg_id: &str, code: &str) -> KernelMessage {
    let header = format!(r#"{{"msg_id": "{msg_id}", "msg_type": "execute_request"}}"#);
    let content = serde_json::json!({ "code": code }).to_string();
    message(Channel::Shell, &header, &content)
}

/// Sends one.
pub async fn ask(sender: &KernelSender, msg_id: &str, code: &str) {
    sender.send(request(msg_id, code)).await.unwrap();
}

fn message(channel: Channel, header: &str, content: &str) -> KernelMessage {
    let part = |text: &str| bytes::Bytes::copy_from_slice(text.as_bytes());
    KernelMessage {
        sequence: 0,
        channel,
        parts: vec![part(header), part("{}"), part("{}"), part(content)],
    }
}

/// Tells the kernel to end, which it does.
pub async fn shut_down(sender: &KernelSender) {
    let header = r#"{"msg_id": "bye", "msg_type": "shutdown_request"}"#;
    let bye = message(Channel::Control, header, r#"{"restart": false}"#);
    sender.send(bye).await.unwrap();
    ask(sender, "one", "exit").await;
}

/// Reads until there is no more; why.
pub async fn cut(connection: &mut Connection) -> Cut {
    let cut = async {
        loop {
            if let Err(cut) = connection.next().await {
                return cut;
            }
        }
    };
    timeout(MINUTE, cut).await.expect("in time")
}

/// Reads until the kernel's reply to that request; gives the numbers of all messages, and what was printed.
async fn read_to_reply(connection: &mut Connection, msg_id: &str) -> (Vec<u64>, String) {
    let (mut numbers, mut printed) = (Vec::new(), String::new());
    loop {
        let event = timeout(MINUTE, connection.next()).await.expect("in time");
        let KernelEvent::Message(message) = event.expect("it is open") else {
            continue;
        };
        numbers.push(message.sequence);
        connection.delivered(message.sequence);
        let part = |index: usize| -> serde_json::Value {
            serde_json::from_slice(&message.parts[index]).unwrap()
        };
        if part(0)["msg_type"] == "stream" {
            printed.push_str(part(3)["text"].as_str().unwrap());
        }
        if message.channel == Channel::Shell && part(1)["msg_id"] == msg_id {
            return (numbers, printed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn executions_share_a_sandbox_and_its_files() {
    let world = world().await;
    let session = session(&world).await;
    assert_eq!(run(&session, "write a.txt hello").await.files.len(), 1);
    let result = run(&session, "read a.txt").await;
    assert_eq!(result.output.stdout, "hello");
    assert!(
        result.files.is_empty(),
        "an old file is not handed out again"
    );
    assert_eq!(result.output.execution_count, Some(2));
    assert_eq!(
        world
            .used()
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn executions_are_queued_in_order() {
    let world = world().await;
    let session = session(&world).await;
    let spawn = |code: &'static str| {
        let session = session.clone();
        tokio::spawn(async move { run(&session, code).await.output.execution_count })
    };
    let first = spawn("sleep 3s");
    eventually("it runs", || session.state() == State::Busy).await;
    let second = spawn("sleep 1s");
    tokio::task::yield_now().await;
    let third = spawn("print a");
    assert_eq!(third.await.unwrap(), Some(3));
    assert_eq!(second.await.unwrap(), Some(2));
    assert_eq!(first.await.unwrap(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_leaves_nothing() {
    let world = world().await;
    let session = session(&world).await;
    let owner = Owner::local();
    world
        .service
        .end_session(&owner, session.id())
        .await
        .unwrap();
    let again = world.service.end_session(&owner, session.id()).await;
    assert!(matches!(again, Err(ServiceError::NotFound)));
    let late = session
        .execute("test", cell("print a"), Watcher::nobody())
        .await;
    assert!(matches!(late, Err(ServiceError::NotFound)), "{late:?}");
    drop(session);
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_is_not_found_by_the_next_service_and_its_id_is_free() {
    let world = world().await;
    let owner = Owner::local();
    let chosen = SessionRequest {
        id: Some(SessionId::random()),
        ..python()
    };
    for _ in 0..100 {
        let session = create(&world, chosen.clone()).await.unwrap();
        let ended = world.service.end_session(&owner, session.id()).await;
        ended.unwrap();
    }
    let world = world.restarted().await;
    assert!(world.service.sessions(&owner).is_empty());
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_its_owner_s_only() {
    let world = world().await;
    let session = session(&world).await;
    let other = Owner::named("other");
    assert!(world.service.session(&other, session.id()).is_err());
    assert!(
        world
            .service
            .end_session(&other, session.id())
            .await
            .is_err()
    );
    assert!(world.service.sessions(&other).is_empty());
    assert_eq!(world.service.sessions(&Owner::local()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_chosen_id_is_given_once() {
    let world = world().await;
    let chosen = SessionRequest {
        id: Some(SessionId::random()),
        ..python()
    };
    let (one, two) = tokio::join!(
        create(&world, chosen.clone()),
        create(&world, chosen.clone())
    );
    assert_eq!(one.unwrap().id(), chosen.id.unwrap());
    assert!(matches!(two, Err(ServiceError::Conflict(_))));
}

#[tokio::test(start_paused = true)]
async fn sessions_are_bounded_and_a_refused_one_takes_no_place() {
    let world = world_with(|settings, _| settings.sessions.max = 2).await;
    let first = session(&world).await;
    let unknown = SessionRequest::plain(SandboxRequest::plain("cobol", "test"));
    assert!(create(&world, unknown).await.is_err());
    let _second = session(&world).await;
    let third = create(&world, python()).await;
    assert!(matches!(third, Err(ServiceError::Busy { .. })));
    let owner = Owner::local();
    world.service.end_session(&owner, first.id()).await.unwrap();
    session(&world).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_ends_and_a_used_one_does_not() {
    let world = world().await;
    let lifetime = Lifetime {
        idle: Some(MINUTE),
        total: None,
    };
    let request = SessionRequest {
        lifetime,
        ..python()
    };
    let idle = create(&world, request.clone()).await.unwrap();
    let connected = create(&world, request.clone()).await.unwrap();
    let connection = connected.connect(None).await.unwrap();
    sleep(2 * MINUTE).await;
    assert_eq!(idle.state(), State::Ended);
    assert_eq!(connected.state(), State::Idle);
    drop(connection);
    sleep(2 * MINUTE).await;
    assert_eq!(connected.state(), State::Ended);
    drop((idle, connected));
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_kernel_is_not_idle_and_the_lifetime_ends_it_all_the_same() {
    let world = world().await;
    let request = SessionRequest {
        lifetime: Lifetime {
            idle: Some(MINUTE),
            total: Some(10 * MINUTE),
        },
        ..python()
    };
    let session = create(&world, request).await.unwrap();
    let connection = session.connect(None).await.unwrap();
    let sender = connection.sender();
    sender.send(request_for_ever()).await.unwrap();
    eventually("it runs", || session.state() == State::Busy).await;
    drop(connection);
    sleep(5 * MINUTE).await;
    assert_eq!(session.state(), State::Busy);
    sleep(6 * MINUTE).await;
    assert_eq!(session.state(), State::Ended);
}

fn request_for_ever() -> KernelMessage {
    request("for-ever", "sleep 10h")
}

#[tokio::test(start_paused = true)]
async fn times_beyond_the_operator_s_are_refused() {
    let world = world().await;
    for (field, lifetime) in [
        (
            "lifetime",
            Lifetime {
                total: Some(10_000 * 60 * MINUTE),
                idle: None,
            },
        ),
        (
            "idle_timeout",
            Lifetime {
                idle: Some(Duration::ZERO),
                total: None,
            },
        ),
    ] {
        let refused = create(
            &world,
            SessionRequest {
                lifetime,
                ..python()
            },
        )
        .await;
        let Err(ServiceError::Invalid { field: named, .. }) = refused else {
            panic!("{field}");
        };
        assert_eq!(named, field);
    }
}

#[tokio::test(start_paused = true)]
async fn changes_at_the_same_time_are_all_kept() {
    let world = world().await;
    let session = session(&world).await;
    let name = SessionChange {
        name: Some("new".to_owned()),
        ..SessionChange::default()
    };
    let metadata = SessionChange {
        metadata: Some(serde_json::Map::from_iter([("a".to_owned(), 1.into())])),
        ..SessionChange::default()
    };
    let (one, two) = tokio::join!(session.change(name), session.change(metadata));
    assert!(one.is_ok() && two.is_ok());
    let id = session.id();
    drop(session);
    let world = world.restarted().await;
    let view = world.service.session(&Owner::local(), id).unwrap().view();
    assert_eq!(view.name.as_deref(), Some("new"));
    assert_eq!(view.metadata["a"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_comes_after_the_end_does_not_bring_a_session_back() {
    let world = world().await;
    let session = session(&world).await;
    let (owner, id) = (Owner::local(), session.id());
    world.service.end_session(&owner, id).await.unwrap();
    let changed = session.change(SessionChange::default()).await;
    assert!(
        matches!(changed, Err(ServiceError::NotFound)),
        "{changed:?}"
    );
    drop(session);
    let world = world.restarted().await;
    assert!(world.service.sessions(&owner).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_interrupted_and_the_session_goes_on() {
    let world = world().await;
    let session = session(&world).await;
    let result = run(&session, "print a\nsleep 60s").await;
    assert_eq!(result.status, Status::Timeout);
    assert_eq!(result.output.stdout, "a\n");
    assert_eq!(run(&session, "print b").await.output.stdout, "b\n");
}

#[tokio::test(start_paused = true)]
async fn code_that_hears_no_interrupt_costs_the_kernel_and_not_the_session() {
    let world = world().await;
    let session = session(&world).await;
    run(&session, "write a.txt kept").await;
    assert_eq!(run(&session, "hang").await.status, Status::Timeout);
    let result = run(&session, "read a.txt").await;
    assert_eq!(result.output.stdout, "kept");
    assert_eq!(result.output.execution_count, Some(1), "another kernel");
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_dies_is_told_and_replaced() {
    let world = world().await;
    let session = session(&world).await;
    assert_eq!(run(&session, "exit").await.status, Status::Killed);
    assert_eq!(run(&session, "oom").await.status, Status::OutOfMemory);
    assert_eq!(run(&session, "print a").await.status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_always_dies_is_given_up_until_it_is_restarted() {
    let world = world().await;
    let session = session(&world).await;
    for _ in 0..6 {
        assert_eq!(run(&session, "exit").await.status, Status::Killed);
    }
    eventually("it is given up", || session.state() == State::Dead).await;
    let refused = session
        .execute("test", cell("print a"), Watcher::nobody())
        .await;
    assert!(
        matches!(refused, Err(ServiceError::Conflict(_))),
        "{refused:?}"
    );
    session.restart().await.unwrap();
    assert_eq!(run(&session, "print a").await.status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn code_whose_kernel_is_restarted_is_killed_and_not_waited_for() {
    let world = world().await;
    let session = session(&world).await;
    let begin = Instant::now();
    let (ended, ()) = tokio::join!(run(&session, "sleep 20s"), async {
        eventually("it runs", || session.state() == State::Busy).await;
        session.restart().await.unwrap();
    });
    assert_eq!(ended.status, Status::Killed);
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "it was waited for"
    );
    assert_eq!(run(&session, "print a").await.status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn what_a_kernel_did_before_its_restart_is_over_to_the_next_service_too() {
    let world = world().await;
    let session = session(&world).await;
    let client = session.connect(None).await.unwrap();
    ask(&client.sender(), "one", "sleep 100000s").await;
    eventually("it runs", || session.state() == State::Busy).await;
    session.restart().await.unwrap();
    let id = session.id();
    drop((client, session));
    let world = world.restarted().await;
    let session = world.service.session(&Owner::local(), id).unwrap();
    eventually("it waits", || session.state() == State::Idle).await;
    sleep(MINUTE).await;
    assert_eq!(session.state(), State::Idle, "all is read by now");
    assert_eq!(run(&session, "print a").await.status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_has_the_code_interrupted() {
    let world = world().await;
    let session = session(&world).await;
    let mut long = cell("sleep 100s");
    long.timeout = Duration::from_secs(110);
    let running = {
        let session = session.clone();
        tokio::spawn(async move { execute(&session, long).await })
    };
    eventually("it runs", || session.state() == State::Busy).await;
    running.abort();
    let asked = Instant::now();
    assert_eq!(run(&session, "print a").await.status, Status::Ok);
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn every_client_hears_the_kernel_and_only_who_asked_gets_the_reply() {
    let world = world().await;
    let session = session(&world).await;
    let mut asker = session.connect(Some("a".to_owned())).await.unwrap();
    let mut other = session.connect(None).await.unwrap();
    ask(&asker.sender(), "one", "print hi").await;
    assert_eq!(read_to_reply(&mut asker, "one").await.1, "hi\n");
    ask(&other.sender(), "two", "print ho").await;
    let (_, printed) = read_to_reply(&mut other, "two").await;
    assert_eq!(printed, "hi\nho\n", "and no reply to another's request");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_gets_what_it_missed_and_nothing_twice() {
    let world = world().await;
    let session = session(&world).await;
    let mut connection = session.connect(Some("a".to_owned())).await.unwrap();
    ask(&connection.sender(), "one", "print hi").await;
    let (before, _) = read_to_reply(&mut connection, "one").await;
    let sender = connection.sender();
    ask(&sender, "two", "sleep 1s\nprint ho").await;
    drop(connection);
    sleep(Duration::from_secs(5)).await;
    let mut connection = session.connect(Some("a".to_owned())).await.unwrap();
    let (after, printed) = read_to_reply(&mut connection, "two").await;
    assert_eq!(printed, "ho\n");
    let all: Vec<u64> = before.iter().chain(&after).copied().collect();
    assert!(all.windows(2).all(|two| two[1] == two[0] + 1), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_was_there_for_is_kept_for_the_next() {
    let world = world().await;
    let session = session(&world).await;
    let connection = session.connect(Some("a".to_owned())).await.unwrap();
    let sender = connection.sender();
    connection.delivered(0);
    ask(&sender, "one", "sleep 1s\nprint hi").await;
    drop(connection);
    sleep(Duration::from_secs(5)).await;
    let mut next = session.connect(Some("b".to_owned())).await.unwrap();
    ask(&next.sender(), "two", "print ho").await;
    let (_, printed) = read_to_reply(&mut next, "two").await;
    assert_eq!(printed, "hi\nho\n");
}

#[tokio::test(start_paused = true)]
async fn the_same_client_on_a_new_connection_takes_the_old_one_s_place() {
    let world = world().await;
    let session = session(&world).await;
    let mut old = session.connect(Some("a".to_owned())).await.unwrap();
    let _new = session.connect(Some("a".to_owned())).await.unwrap();
    assert_eq!(old.next().await.unwrap_err(), Cut::Replaced);
    let mut nameless = session.connect(None).await.unwrap();
    let _another = session.connect(None).await.unwrap();
    let silent = timeout(MINUTE, nameless.next()).await;
    assert!(silent.is_err(), "those without a name are many");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off_and_others_hear_on() {
    let world = world().await;
    let session = session(&world).await;
    let mut deaf = session.connect(None).await.unwrap();
    let mut well = session.connect(None).await.unwrap();
    let print = "print x\n".repeat(1000);
    ask(&well.sender(), "one", &print).await;
    let (_, printed) = read_to_reply(&mut well, "one").await;
    assert_eq!(printed.len(), 2000);
    assert_eq!(cut(&mut deaf).await, Cut::Slow);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_shuts_its_kernel_down_ends_the_session() {
    let world = world().await;
    let session = session(&world).await;
    let mut connection = session.connect(None).await.unwrap();
    shut_down(&connection.sender()).await;
    assert_eq!(cut(&mut connection).await, Cut::Ended);
    eventually("it is over", || {
        world
            .service
            .session(&Owner::local(), session.id())
            .is_err()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_sandbox_ends_its_session() {
    let world = world().await;
    let session = session(&world).await;
    let result = run(&session, "die").await;
    assert_eq!(result.status, Status::Killed);
    timeout(MINUTE, session.ended()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn sessions_are_kept_when_the_service_stops_and_taken_over_by_the_next() {
    let world = world().await;
    let session = session(&world).await;
    let mut connection = session.connect(Some("a".to_owned())).await.unwrap();
    run(&session, "write a.txt kept").await;
    ask(&connection.sender(), "one", "print hi").await;
    let (before, _) = read_to_reply(&mut connection, "one").await;
    let sender = connection.sender();
    ask(&sender, "two", "sleep 10s\nprint ho").await;
    let id = session.id();
    drop((session, connection, sender));
    let world = world.restarted().await;
    let session = world.service.session(&Owner::local(), id).unwrap();
    let mut connection = session.connect(Some("a".to_owned())).await.unwrap();
    let (after, printed) = read_to_reply(&mut connection, "two").await;
    assert_eq!(printed, "ho\n");
    let last = before.last().unwrap();
    assert_eq!(after.first(), Some(&(last + 1)), "{before:?} {after:?}");
    let result = run(&session, "read a.txt").await;
    assert_eq!(result.output.stdout, "kept");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_nothing_new_to_say_is_of_use_to_the_next_service() {
    let world = world().await;
    let session = session(&world).await;
    let id = session.id();
    drop(session);
    let world = world.restarted().await;
    let session = world.service.session(&Owner::local(), id).unwrap();
    assert_eq!(run(&session, "print a").await.output.stdout, "a\n");
    // And where a client has heard all that there was.
    let mut connection = session.connect(Some("a".to_owned())).await.unwrap();
    ask(&connection.sender(), "one", "print hi").await;
    read_to_reply(&mut connection, "one").await;
    eventually("it is idle", || session.state() == State::Idle).await;
    drop((session, connection));
    let world = world.restarted().await;
    let session = world.service.session(&Owner::local(), id).unwrap();
    assert_eq!(run(&session, "print b").await.output.stdout, "b\n");
}

#[tokio::test(start_paused = true)]
async fn code_that_runs_is_waited_for_by_the_next_service_although_its_client_knows_of_it() {
    let world = world().await;
    let session = session(&world).await;
    let mut connection = session.connect(Some("a".to_owned())).await.unwrap();
    ask(&connection.sender(), "one", "print hi\nsleep 20s").await;
    hear_all(&mut connection).await;
    let id = session.id();
    drop((session, connection));
    let world = world.restarted().await;
    let session = world.service.session(&Owner::local(), id).unwrap();
    eventually("it runs", || session.state() == State::Busy).await;
    let result = run(&session, "print a").await;
    assert_eq!(result.output.stdout, "a\n");
    assert!(result.timing.queue > Duration::from_secs(10), "{result:?}");
}

/// As long as there is something, and for a while more.
async fn hear_all(connection: &mut Connection) {
    while let Ok(heard) = timeout(Duration::from_secs(1), connection.next()).await {
        if let Ok(KernelEvent::Message(message)) = heard {
            connection.delivered(message.sequence);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_can_have_sessions_end_with_the_service() {
    let world = world_with(|settings, _| settings.sessions.at_shutdown = AtShutdown::End).await;
    let session = session(&world).await;
    let id = session.id();
    drop(session);
    let world = world.restarted().await;
    assert!(world.service.session(&Owner::local(), id).is_err());
    world.settled().await;
}
