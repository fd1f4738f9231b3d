//! What the file store guarantees.

mod access;
mod kill;
mod life;
mod room;
mod state;

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

fn has_no_room<T>(result: Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::NoRoom(_)))
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
