//! Files through the link.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::*;
use cellblock_link::request::{FailureKind, FilesReply, GetFiles, Reply, Request, Since};
use cellblock_link::{Connection, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *contents).unwrap();
    }
    builder.into_inner().unwrap()
}

async fn put(connection: &Connection, directory: &str, tar: &[u8]) -> Reply {
    let directory = directory.to_owned();
    let mut stream = connection
        .opener()
        .begin(&Request::PutFiles { directory })
        .await
        .unwrap();
    let sent = async {
        stream.write_all(tar).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_reply().await.unwrap()
    };
    timeout(PATIENCE, sent).await.unwrap()
}

async fn get(connection: &Connection, directory: &str, since: Since) -> (Reply, Stream) {
    let get = GetFiles {
        directory: directory.to_owned(),
        since,
        max_files: 100,
        max_bytes: 1 << 30,
    };
    timeout(
        PATIENCE,
        connection.opener().request(&Request::GetFiles(get)),
    )
    .await
    .unwrap()
    .unwrap()
}

#[tokio::test]
async fn files_go_in_and_only_what_came_after_the_mark_comes_out() {
    let agent = Agent::start();
    let connection = agent.connect().await;
    let work = agent.home().join("work");
    let large: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let sent = tar(&[("a", b"1"), ("folder/large", &large)]);
    assert_eq!(
        put(&connection, "work", &sent).await,
        Reply::Unpacked { files: 2 }
    );
    assert_eq!(fs::read(work.join("a")).unwrap(), b"1");
    let directory = "work".to_owned();
    assert_eq!(
        ask(&connection.opener(), &Request::MarkFiles { directory }).await,
        Reply::Done
    );
    let sent = tar(&[("folder/new", &large)]);
    assert_eq!(
        put(&connection, "work", &sent).await,
        Reply::Unpacked { files: 1 }
    );

    let (reply, mut stream) = get(&connection, "work", Since::Mark).await;
    assert_eq!(
        reply,
        Reply::Files(FilesReply {
            files: 1,
            bytes: 5_000_000,
            left_out: 0
        })
    );
    let mut got = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut got))
        .await
        .unwrap()
        .unwrap();
    let mut archive = tar::Archive::new(&got[..]);
    let mut entries = archive.entries().unwrap();
    let mut entry = entries.next().unwrap().unwrap();
    assert_eq!(entry.path().unwrap().to_str(), Some("folder/new"));
    let mut contents = Vec::new();
    entry.read_to_end(&mut contents).unwrap();
    assert!(contents == large);
    assert!(entries.next().is_none());
}

#[tokio::test]
async fn what_is_refused_is_told_after_all_of_it_was_sent() {
    let agent = Agent::start();
    let connection = agent.connect().await;
    let mut sent = tar(&[("a", &[0; 3_000_000])]);
    // The first name becomes one that leads upwards, and its checksum is mended.
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..4].copy_from_slice(b"../a");
    header.set_size(3_000_000);
    header.set_mode(0o644);
    header.set_cksum();
    sent[..512].copy_from_slice(header.as_bytes());
    let Reply::Failed(failure) = put(&connection, "work", &sent).await else {
        panic!()
    };
    assert_eq!(failure.kind, FailureKind::Files);
    assert!(
        failure.detail.contains("leads upwards"),
        "{}",
        failure.detail
    );
    assert!(!agent.home().join("a").exists());
}

#[tokio::test]
async fn a_tar_that_is_not_sent_to_its_end_is_given_up_and_holds_nothing_up() {
    let agent = Agent::start();
    let connection = agent.connect().await;
    let whole = tar(&[("a", &[0; 100_000])]);
    for _ in 0..50 {
        let directory = "work".to_owned();
        let mut stream = connection
            .opener()
            .begin(&Request::PutFiles { directory })
            .await
            .unwrap();
        stream.write_all(&whole[..50_000]).await.unwrap();
        drop(stream);
    }
    assert_eq!(
        put(&connection, "work", &whole).await,
        Reply::Unpacked { files: 1 }
    );
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let agent = Agent::start();
    let connection = agent.connect().await;
    let (Reply::Failed(failure), _) = get(&connection, "none", Since::Mark).await else {
        panic!()
    };
    assert_eq!(failure.kind, FailureKind::NoSuchFile);
    assert!(failure.detail.contains("none"), "{}", failure.detail);
}

#[tokio::test]
async fn a_directory_comes_out_whole_whatever_was_marked() {
    let agent = Agent::start();
    let connection = agent.connect().await;
    put(
        &connection,
        "work/below",
        &tar(&[("a", b"1"), ("b/c", b"2")]),
    )
    .await;
    let directory = "work/below".to_owned();
    ask(&connection.opener(), &Request::MarkFiles { directory }).await;
    let nothing = get(&connection, "work/below", Since::Mark).await.0;
    assert_eq!(nothing, Reply::Files(FilesReply::default()));
    let (reply, mut stream) = get(&connection, "work/below", Since::Everything).await;
    assert!(matches!(
        reply,
        Reply::Files(FilesReply {
            files: 2,
            bytes: 2,
            left_out: 0
        })
    ));
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.unwrap();
    let mut archive = tar::Archive::new(&got[..]);
    let paths = archive.entries().unwrap();
    let paths: Vec<_> = paths
        .map(|entry| entry.unwrap().path().unwrap().into_owned())
        .collect();
    assert_eq!(paths, [Path::new("a"), Path::new("b/c")]);
}

#[tokio::test]
async fn no_tar_goes_in_or_out_through_a_link_or_elsewhere() {
    let agent = Agent::start();
    let connection = agent.connect().await;
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o777)).unwrap();
    symlink(elsewhere.path(), agent.home().join("link")).unwrap();
    let absolute = elsewhere.path().to_str().unwrap();
    for (directory, kind) in [
        ("link", FailureKind::NotADirectory),
        ("link/below", FailureKind::NotADirectory),
        ("..", FailureKind::BadPath),
        (absolute, FailureKind::BadPath),
    ] {
        let refused = |reply: Reply| match reply {
            Reply::Failed(failure) => assert_eq!(failure.kind, kind, "{directory}"),
            reply => panic!("{directory}: {reply:?}"),
        };
        refused(put(&connection, directory, &tar(&[("a", b"1")])).await);
        refused(get(&connection, directory, Since::Everything).await.0);
        let directory = directory.to_owned();
        refused(ask(&connection.opener(), &Request::MarkFiles { directory }).await);
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
