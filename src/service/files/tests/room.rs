//! How much is stored, and what uploads leave that are too large, dropped or broken off.

use super::*;

#[tokio::test]
async fn a_file_past_max_size_is_refused_while_it_comes() {
    let fixture = Fixture::with(|settings| settings.max_size = ByteSize::b(100_000)).await;
    assert!(fixture.store("a", &vec![1; 100_000]).await.is_ok());
    // A source without end: only a limit while it comes can stop this.
    let name = FileName::parse("b").unwrap();
    let endless = tokio::io::repeat(1);
    match fixture
        .store
        .store(&alice(), name, Lifetime::Short, endless)
        .await
    {
        Err(ServiceError::TooLarge { field, .. }) => assert_eq!(field, "file"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.on_disk(), 1);
}

#[tokio::test]
async fn all_files_together_stay_within_max_total() {
    let one = 100_000 + OVERHEAD;
    let fixture = Fixture::with(|settings| settings.max_total = ByteSize::b(3 * one)).await;
    let content = vec![1; 100_000];
    let uploads = join_all((0..8).map(|_| fixture.store("a", &content))).await;
    let stored = uploads.into_iter().filter(Result::is_ok).count();
    assert!((1..=3).contains(&stored), "{stored}");
    assert_eq!(fixture.on_disk(), stored);
    // The failed ones gave back what they held.
    for _ in stored..3 {
        fixture.store("a", &content).await.unwrap();
    }
    assert!(has_no_room(fixture.store("a", b"").await));
    let fixture = fixture.restart().await;
    assert!(has_no_room(fixture.store("a", b"").await));
    let file = fixture.store.list(&alice()).await.remove(0);
    fixture.store.delete(&alice(), &file.name).await.unwrap();
    fixture.store("a", &content).await.unwrap();
    fixture.pass(20 * 60);
    assert_eq!(fixture.store.remove_expired().await, 3);
    fixture.store("a", &content).await.unwrap();
}

#[tokio::test]
async fn empty_files_take_room_too() {
    let fixture = Fixture::with(|settings| settings.max_total = ByteSize::kib(100)).await;
    let uploads = join_all((0..100).map(|_| fixture.store("a", b""))).await;
    assert!(uploads.into_iter().any(has_no_room));
}

#[tokio::test]
async fn uploads_at_once_do_not_mix() {
    let fixture = Fixture::new().await;
    let contents: Vec<Vec<u8>> = (0..20).map(|byte| vec![byte; 100_000]).collect();
    let stored = join_all(contents.iter().map(|content| fixture.store("a", content))).await;
    for (file, content) in stored.into_iter().zip(&contents) {
        let found = fixture
            .read(&file.unwrap().name, Access::Owner(&alice()))
            .await;
        assert_eq!(&found.unwrap(), content);
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    let one = 100_000 + OVERHEAD;
    let fixture = Fixture::with(|settings| settings.max_total = ByteSize::b(one)).await;
    let (mut client, source) = duplex(1000);
    {
        let name = FileName::parse("a").unwrap();
        let owner = alice();
        let mut upload = pin!(fixture.store.store(&owner, name, Lifetime::Short, source));
        // The pipe takes it all only if the upload reads.
        tokio::select! {
            stored = &mut upload => panic!("{stored:?}"),
            sent = client.write_all(&[1; 100_000]) => sent.unwrap(),
        }
        assert!(poll_immediate(&mut upload).await.is_none());
        assert_eq!(fixture.on_disk(), 1);
    }
    assert_eq!(fixture.on_disk(), 0);
    assert!(fixture.store("a", &vec![1; 100_000]).await.is_ok());
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_the_caller_s_failure_and_leaves_nothing() {
    let fixture = Fixture::new().await;
    let broken = breaking();
    let name = FileName::parse("a").unwrap();
    match fixture
        .store
        .store(&alice(), name, Lifetime::Short, broken)
        .await
    {
        Err(ServiceError::Invalid { field, .. }) => assert_eq!(field, "file"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.on_disk(), 0);
}

/// A few bytes, then a failure.
fn breaking() -> impl tokio::io::AsyncRead + Send + Unpin {
    let chunks = [
        Ok(bytes::Bytes::from_static(b"some")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    tokio_util::io::StreamReader::new(futures::stream::iter(chunks))
}
