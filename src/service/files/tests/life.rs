//! When files end: by their lifetime, by the sweep, by a clock that jumps.

use super::*;

#[tokio::test]
async fn an_expired_file_is_not_found() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let signature = fixture.store.signature(&file);
    fixture.pass(20 * 60 - 1);
    assert!(
        fixture
            .read(&file.name, Access::Signature(&signature))
            .await
            .is_ok()
    );
    fixture.pass(1);
    assert!(is_not_found(
        fixture
            .read(&file.name, Access::Signature(&signature))
            .await
    ));
    assert!(is_not_found(
        fixture.read(&file.name, Access::Owner(&alice())).await
    ));
    assert!(is_not_found(
        fixture.store.delete(&alice(), &file.name).await
    ));
    assert!(fixture.store.list(&alice()).await.is_empty());
}

#[tokio::test]
async fn the_sweep_removes_what_expired_and_nothing_else() {
    let fixture = Fixture::new().await;
    fixture.store("short", b"1").await.unwrap();
    let long = FileName::parse("long").unwrap();
    let long = fixture
        .store
        .store(&alice(), long, Lifetime::Long, &b"2"[..])
        .await
        .unwrap();
    assert_eq!(fixture.store.remove_expired().await, 0);
    fixture.pass(20 * 60);
    assert_eq!(fixture.store.remove_expired().await, 1);
    assert_eq!(fixture.store.remove_expired().await, 0);
    assert_eq!(fixture.store.list(&alice()).await, [long]);
    assert_eq!(fixture.on_disk(), 1);
}

#[tokio::test]
async fn what_expired_while_the_service_was_away_is_removed_at_start() {
    let fixture = Fixture::new().await;
    fixture.store("a", b"1").await.unwrap();
    fixture.pass(20 * 60);
    assert_eq!(fixture.restart().await.on_disk(), 0);
}

#[tokio::test]
async fn a_clock_that_jumps_back_costs_no_file() {
    let fixture = Fixture::new().await;
    let first = fixture.store("first", b"1").await.unwrap();
    fixture.pass(-10 * 365 * 24 * 3600);
    let second = fixture.store("second", b"2").await.unwrap();
    assert_eq!(fixture.store.remove_expired().await, 0);
    assert_eq!(fixture.store.list(&alice()).await, [second, first]);
}

#[tokio::test]
async fn a_lifetime_without_end_is_no_overflow() {
    let fixture = Fixture::with(|settings| settings.lifetime = Duration::MAX).await;
    let file = fixture.store("a", b"1").await.unwrap();
    assert_eq!(file.expires_at, Timestamp::MAX);
    assert!(
        fixture
            .read(&file.name, Access::Owner(&alice()))
            .await
            .is_ok()
    );
}
