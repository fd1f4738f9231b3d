//! What the file store guarantees.

mod kill;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytesize::ByteSize;
use futures::future::{join_all, poll_immediate};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::clock::Clock;
use super::space::OVERHEAD;
use super::{Access, FileName, FileStore, Lifetime, StoredFile};
use crate::config;
use crate::service::ServiceError;
use crate::service::owner::Owner;

/// A store in a directory of its own, at a time that the test says.
struct Fixture {
    directory: TempDir,
    settings: config::Files,
    /// Seconds since the epoch.
    time: Arc<AtomicI64>,
    store: FileStore,
}

const START: i64 = 1_700_000_000;

impl Fixture {
    async fn new() -> Fixture {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut config::Files)) -> Fixture {
        let mut settings = config::Files {
            lifetime: Duration::from_secs(20 * 60),
            long_lifetime: Duration::from_secs(2 * 24 * 3600),
            max_size: ByteSize::mib(1),
            max_total: ByteSize::mib(100),
        };
        change(&mut settings);
        let directory = tempfile::tempdir().unwrap();
        let time = Arc::new(AtomicI64::new(START));
        let store = open(directory.path(), &settings, &time).await.unwrap();
        Fixture {
            directory,
            settings,
            time,
            store,
        }
    }

    /// The service ends, however it ends, and starts again.
    async fn restart(self) -> Fixture {
        let Fixture {
            directory,
            settings,
            time,
            store,
        } = self;
        drop(store);
        let store = open(directory.path(), &settings, &time).await.unwrap();
        Fixture {
            directory,
            settings,
            time,
            store,
        }
    }

    fn pass(&self, seconds: i64) {
        self.time.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn store(&self, filename: &str, content: &[u8]) -> Result<StoredFile, ServiceError> {
        let filename = FileName::parse(filename).unwrap();
        self.store
            .store(&alice(), filename, Lifetime::Short, content)
            .await
    }

    async fn read(&self, name: &str, access: Access<'_>) -> Result<Vec<u8>, ServiceError> {
        let (_, mut content) = self.store.read(name, access).await?;
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).await.unwrap();
        Ok(bytes)
    }

    fn files(&self) -> std::path::PathBuf {
        self.directory.path().join("files")
    }

    /// What is on disk, of whatever kind.
    fn on_disk(&self) -> usize {
        fs::read_dir(self.files()).unwrap().count()
    }
}

async fn open(
    state_dir: &Path,
    settings: &config::Files,
    time: &Arc<AtomicI64>,
) -> Result<FileStore, ServiceError> {
    let time = Arc::clone(time);
    let now = move || Timestamp::from_second(time.load(Ordering::Relaxed)).unwrap();
    FileStore::open_with_clock(state_dir, settings, Clock::from_fn(now)).await
}

fn alice() -> Owner {
    Owner::named("alice")
}

fn is_not_found<T>(result: Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::NotFound))
}

fn is_unavailable<T>(result: Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::Unavailable(_)))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_stored_is_read() {
    let fixture = Fixture::new().await;
    let content = vec![7; 300_000];
    let file = fixture.store("a b.CSV", &content).await.unwrap();
    assert_eq!(file.filename.as_str(), "a b.CSV");
    assert_eq!(file.size, 300_000);
    assert_eq!(file.content_type, "text/csv; charset=utf-8");
    assert!(file.name.ends_with(".csv"));
    assert_eq!(file.expires_at.as_second(), START + 20 * 60);
    let alice = alice();
    let (found, _) = fixture
        .store
        .read(&file.name, Access::Owner(&alice))
        .await
        .unwrap();
    assert_eq!(found, file);
    assert_eq!(
        fixture
            .read(&file.name, Access::Owner(&alice))
            .await
            .unwrap(),
        content
    );
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"").await.unwrap();
    assert_eq!(file.size, 0);
    assert_eq!(
        fixture
            .read(&file.name, Access::Owner(&alice()))
            .await
            .unwrap(),
        b""
    );
}

#[tokio::test]
async fn a_restart_keeps_files_and_signatures() {
    let fixture = Fixture::new().await;
    let first = fixture.store("first.txt", b"1").await.unwrap();
    fixture.pass(1);
    let second = fixture.store("second", b"22").await.unwrap();
    let signature = fixture.store.signature(&first);
    let fixture = fixture.restart().await;
    assert_eq!(fixture.store.list(&alice()).await, [second, first.clone()]);
    assert_eq!(
        fixture
            .read(&first.name, Access::Signature(&signature))
            .await
            .unwrap(),
        b"1"
    );
}

#[tokio::test]
async fn what_was_half_written_is_gone_after_a_restart() {
    let fixture = Fixture::new().await;
    let kept = fixture.store("kept", b"1").await.unwrap();
    let half = fixture.files().join(".part-half");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("content"), b"ha").unwrap();
    let going = fixture.store("going", b"1").await.unwrap();
    fs::rename(
        fixture.files().join(&going.name),
        fixture.files().join(format!(".part-{}", going.name)),
    )
    .unwrap();
    let fixture = fixture.restart().await;
    assert_eq!(fixture.store.list(&alice()).await, [kept]);
    assert_eq!(fixture.on_disk(), 1);
}

#[tokio::test]
async fn what_the_store_does_not_know_is_neither_served_nor_removed() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let strange = fixture.files().join("lost+found");
    fs::create_dir(&strange).unwrap();
    fs::write(fixture.files().join(&file.name).join("content"), b"longer").unwrap();
    let fixture = fixture.restart().await;
    assert!(fixture.store.list(&alice()).await.is_empty());
    assert!(is_not_found(
        fixture.read("lost+found", Access::Owner(&alice())).await
    ));
    assert!(strange.exists());
    assert_eq!(fixture.on_disk(), 2);
}

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

#[tokio::test]
async fn somebody_else_s_file_is_not_found() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let mallory = Owner::named("mallory");
    assert!(is_not_found(
        fixture.read(&file.name, Access::Owner(&mallory)).await
    ));
    assert!(is_not_found(
        fixture.store.delete(&mallory, &file.name).await
    ));
    assert!(fixture.store.list(&mallory).await.is_empty());
    assert_eq!(fixture.store.list(&alice()).await, [file]);
}

#[tokio::test]
async fn a_signature_opens_its_own_file_only() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let other = fixture.store("b", b"2").await.unwrap();
    let signature = fixture.store.signature(&file);
    assert_eq!(
        fixture
            .read(&file.name, Access::Signature(&signature))
            .await
            .unwrap(),
        b"1"
    );
    assert!(is_not_found(
        fixture
            .read(&other.name, Access::Signature(&signature))
            .await
    ));
    let longer = StoredFile {
        expires_at: Timestamp::MAX,
        ..file.clone()
    };
    for forged in [
        "",
        "a",
        "é",
        &signature[1..],
        &format!("{signature}="),
        &fixture.store.signature(&longer),
    ] {
        assert!(
            is_not_found(fixture.read(&file.name, Access::Signature(forged)).await),
            "{forged}"
        );
    }
}

#[tokio::test]
async fn a_signature_fits_into_a_url_and_another_service_s_is_refused() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let signature = fixture.store.signature(&file);
    assert!(
        signature
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let other = Fixture::new().await;
    assert_ne!(other.store.signature(&file), signature);
}

#[tokio::test]
async fn no_name_leads_out_of_the_store() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    let beside = format!("../files/{}", file.name);
    let inside = format!("{}/content", file.name);
    for name in [
        "",
        ".",
        "..",
        "../secret",
        "/etc/passwd",
        "a\0b",
        &beside,
        &inside,
        &format!("./{}", file.name),
    ] {
        assert!(
            is_not_found(fixture.read(name, Access::Owner(&alice())).await),
            "{name}"
        );
        assert!(
            is_not_found(fixture.store.delete(&alice(), name).await),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_deleted_file_is_gone_from_the_disk_and_for_good() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"1").await.unwrap();
    fixture.store.delete(&alice(), &file.name).await.unwrap();
    assert!(is_not_found(
        fixture.read(&file.name, Access::Owner(&alice())).await
    ));
    assert!(is_not_found(
        fixture.store.delete(&alice(), &file.name).await
    ));
    assert_eq!(fixture.on_disk(), 0);
    assert!(
        fixture
            .restart()
            .await
            .store
            .list(&alice())
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_being_read_survives_its_deletion() {
    let fixture = Fixture::new().await;
    let file = fixture.store("a", b"12").await.unwrap();
    let (_, mut content) = fixture
        .store
        .read(&file.name, Access::Owner(&alice()))
        .await
        .unwrap();
    fixture.store.delete(&alice(), &file.name).await.unwrap();
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"12");
}

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
    assert!(is_unavailable(fixture.store("a", b"").await));
    let fixture = fixture.restart().await;
    assert!(is_unavailable(fixture.store("a", b"").await));
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
    assert!(uploads.into_iter().any(is_unavailable));
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
