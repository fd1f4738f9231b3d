//! The state directory: of one service, closed to everybody else, with a secret that is kept.

use super::*;

#[tokio::test]
async fn a_state_directory_has_one_user() {
    let fixture = Fixture::new().await;
    match open(fixture.directory.path(), &fixture.settings, &fixture.time).await {
        Err(ServiceError::Unavailable(words)) => {
            assert!(words.contains("another Cellblock"), "{words}")
        }
        other => panic!("{other:?}"),
    }
    fixture.restart().await;
}

#[tokio::test]
async fn nobody_else_on_the_machine_can_look_in() {
    let directory = tempfile::tempdir().unwrap();
    let state_dir = directory.path().join("new").join("state");
    let time = Arc::new(AtomicI64::new(START));
    let settings = Fixture::new().await.settings;
    let _store = open(&state_dir, &settings, &time).await.unwrap();
    assert_eq!(mode(&state_dir), 0o700);
    assert_eq!(mode(&state_dir.join("files")), 0o700);
    assert_eq!(mode(&state_dir.join("secret")), 0o600);
    assert_eq!(fs::read(state_dir.join("secret")).unwrap().len(), 32);
}

#[tokio::test]
async fn a_secret_that_is_none_is_said_and_not_replaced() {
    let fixture = Fixture::new().await;
    let Fixture {
        directory,
        settings,
        time,
        store,
    } = fixture;
    drop(store);
    fs::write(directory.path().join("secret"), b"short").unwrap();
    match open(directory.path(), &settings, &time).await {
        Err(ServiceError::Internal(words)) => assert!(words.contains("32 bytes"), "{words}"),
        other => panic!("{other:?}"),
    }
}
