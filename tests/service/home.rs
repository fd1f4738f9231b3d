//! An owner's home: the session whose working directory is where Jupyter's paths begin.

use std::sync::Arc;

use cellblock::sandbox::fake::Starts;
use cellblock::service::ServiceError;
use cellblock::service::execution::request::SandboxRequest;
use cellblock::service::owner::Owner;
use cellblock::service::session::request::{Home, SessionRequest};
use cellblock::service::session::{Session, SessionId};

use crate::support::{World, world, world_with};

pub fn asking(home: Home) -> SessionRequest {
    SessionRequest {
        home,
        ..SessionRequest::plain(SandboxRequest::plain("python", "test"))
    }
}

async fn make(world: &World, home: Home) -> Result<Arc<Session>, ServiceError> {
    let owner = Owner::local();
    world.service.create_session(&owner, asking(home)).await
}

pub async fn made(world: &World, home: Home) -> Arc<Session> {
    make(world, home).await.unwrap()
}

pub fn home(world: &World) -> Option<SessionId> {
    world.service.home(&Owner::local()).map(|home| home.id())
}

pub async fn end(world: &World, session: &Session) {
    let owner = Owner::local();
    let ended = world.service.end_session(&owner, session.id());
    ended.await.unwrap();
}

async fn open(world: &World) -> Result<SessionId, ServiceError> {
    let owner = Owner::local();
    let opened = world.service.open_home(&owner, asking(Home::IfNone));
    Ok(opened.await?.id())
}

#[tokio::test(start_paused = true)]
async fn the_first_that_may_be_home_is_home_until_it_ends() {
    let world = world().await;
    made(&world, Home::Never).await;
    assert_eq!(home(&world), None);
    let first = made(&world, Home::IfNone).await;
    let second = made(&world, Home::IfNone).await;
    assert_eq!(home(&world), Some(first.id()));
    assert!(first.view().home);
    assert!(!second.view().home);
    end(&world, &first).await;
    assert_eq!(home(&world), None, "the second does not take its place");
    let third = made(&world, Home::IfNone).await;
    assert_eq!(home(&world), Some(third.id()));
}

#[tokio::test(start_paused = true)]
async fn a_home_outlives_the_service() {
    let world = world().await;
    let first = made(&world, Home::IfNone).await.id();
    let world = world.restarted().await;
    assert_eq!(home(&world), Some(first));
    made(&world, Home::IfNone).await;
    assert_eq!(home(&world), Some(first));
}

#[tokio::test(start_paused = true)]
async fn every_owner_has_a_home_of_its_own() {
    let world = world().await;
    let ada = Owner::named("ada");
    made(&world, Home::IfNone).await;
    assert!(world.service.home(&ada).is_none());
    assert_eq!(Some(open(&world).await.unwrap()), home(&world));
    assert!(world.service.home(&ada).is_none());
}

#[tokio::test(start_paused = true)]
async fn those_who_want_a_home_at_once_get_the_same() {
    let world = world().await;
    let before = world.service.sessions(&Owner::local()).len();
    let opened = futures::future::join_all((0..8).map(|_| open(&world))).await;
    let opened: Vec<_> = opened.into_iter().map(Result::unwrap).collect();
    assert!(opened.iter().all(|id| Some(*id) == home(&world)));
    assert_eq!(world.service.sessions(&Owner::local()).len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn kernels_that_are_started_meanwhile_leave_one_home() {
    let world = world().await;
    // Who is ready first, and whose record is on disk first, is otherwise each time.
    for _ in 0..20 {
        let started = futures::future::join_all((0..4).map(|_| made(&world, Home::IfNone)));
        let (opened, started) = tokio::join!(open(&world), started);
        assert_eq!(Some(opened.unwrap()), home(&world));
        let sessions = world.service.sessions(&Owner::local());
        let homes = sessions.iter().filter(|session| session.view().home);
        assert_eq!(homes.count(), 1);
        let asked = |session: &Session| {
            let started = started.iter().any(|other| other.id() == session.id());
            started || Some(session.id()) == home(&world)
        };
        assert!(sessions.iter().all(|session| asked(session)));
        for session in sessions {
            end(&world, &session).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_home_that_does_not_start_is_none_and_keeps_nobody_from_having_one() {
    let world = world_with(|settings, _| settings.pool.size = 0).await;
    world.engine.set_starts(Starts::Fail);
    make(&world, Home::IfNone).await.unwrap_err();
    open(&world).await.unwrap_err();
    assert_eq!(home(&world), None);
    world.engine.set_starts(Starts::Work);
    let opened = open(&world).await.unwrap();
    assert_eq!(home(&world), Some(opened));
}
