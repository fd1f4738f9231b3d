//! What holds of the files of every sandbox, the fake's and the real engine's alike: `tests/engine` has this file too.

use std::io;

use cellblock::sandbox::{
    ByteRange, ByteReader, Entry, EntryKind, Sandbox, SandboxError, TarReader,
};
use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt};

type Outcome<T> = Result<T, SandboxError>;

/// Goes through all of it in a sandbox whose working directory is empty.
pub async fn hold(sandbox: &dyn Sandbox) {
    files_are_written_and_read(sandbox).await;
    directories_are_made_listed_and_deleted(sandbox).await;
    names_change_and_replace_nothing(sandbox).await;
    what_is_wrong_is_told_apart(sandbox).await;
    paths_stay_below(sandbox).await;
    content_that_breaks_off_changes_nothing(sandbox).await;
    tars_go_to_a_directory_and_come_from_it(sandbox).await;
    assert_eq!(names(sandbox, "").await, [""; 0]);
}

async fn files_are_written_and_read(sandbox: &dyn Sandbox) {
    let entry = write(sandbox, "a/b/c", b"0123456789").await.unwrap();
    assert_eq!(told(&entry), ("c", EntryKind::File, 10));
    assert!(entry.modified_ms > 0);
    assert_eq!(sandbox.file_entry("a/b/c").await.unwrap(), entry);
    let (read_entry, content) = read(sandbox, "a/b/c", None).await.unwrap();
    assert_eq!(
        (read_entry, content.as_slice()),
        (entry, &b"0123456789"[..])
    );
    for (offset, length, expected) in [(2, 3, "234"), (8, 9, "89"), (10, 1, ""), (99, 1, "")] {
        let range = Some(ByteRange { offset, length });
        let (entry, content) = read(sandbox, "a/b/c", range).await.unwrap();
        assert_eq!((entry.size, content.as_slice()), (10, expected.as_bytes()));
    }
    write(sandbox, "a/b/c", b"new").await.unwrap();
    assert_eq!(read(sandbox, "a/b/c", None).await.unwrap().1, b"new");
    let entry = append(sandbox, "a/b/c", b"er").await.unwrap();
    assert_eq!(told(&entry), ("c", EntryKind::File, 5));
    assert_eq!(read(sandbox, "a/b/c", None).await.unwrap().1, b"newer");
    sandbox.delete_file("a/b/c").await.unwrap();
    assert_eq!(names(sandbox, "a/b").await, [""; 0]);
    sandbox.delete_file("a").await.unwrap();
}

async fn directories_are_made_listed_and_deleted(sandbox: &dyn Sandbox) {
    let entry = sandbox.make_directory("d/e").await.unwrap();
    assert_eq!(told(&entry), ("e", EntryKind::Directory, 0));
    for name in ["z", "a b", "…"] {
        write(sandbox, &format!("d/{name}"), b"x").await.unwrap();
    }
    assert_eq!(names(sandbox, "d").await, ["a b", "e", "z", "…"]);
    let listing = sandbox.list_files("d", 2).await.unwrap();
    assert_eq!((listing.entries.len(), listing.left_out), (2, 2));
    assert_eq!(listing.entries[1].name, "e");
    for root in ["", "."] {
        let entry = sandbox.file_entry(root).await.unwrap();
        assert_eq!(told(&entry), ("", EntryKind::Directory, 0));
        assert_eq!(names(sandbox, root).await, ["d"]);
    }
    sandbox.delete_file("d").await.unwrap();
}

async fn names_change_and_replace_nothing(sandbox: &dyn Sandbox) {
    write(sandbox, "d/a", b"a").await.unwrap();
    write(sandbox, "b", b"b").await.unwrap();
    for taken in ["b", "d", "d/a"] {
        let renamed = sandbox.rename_file("d/a", taken).await;
        assert!(
            matches!(renamed, Err(SandboxError::FileExists(_))),
            "{taken}"
        );
        let made = sandbox.make_directory(taken).await;
        assert!(matches!(made, Err(SandboxError::FileExists(_))), "{taken}");
    }
    let inside = sandbox.rename_file("d", "d/inside").await;
    assert!(
        matches!(inside, Err(SandboxError::BadPath(_))),
        "{inside:?}"
    );
    let renamed = sandbox.rename_file("d", "e").await.unwrap();
    assert_eq!(told(&renamed), ("e", EntryKind::Directory, 0));
    assert_eq!(read(sandbox, "e/a", None).await.unwrap().1, b"a");
    assert_eq!(names(sandbox, "").await, ["b", "e"]);
    sandbox.delete_file("b").await.unwrap();
    sandbox.delete_file("e").await.unwrap();
}

async fn what_is_wrong_is_told_apart(sandbox: &dyn Sandbox) {
    write(sandbox, "d/file", b"x").await.unwrap();
    for path in ["none", "d/none", "none/none"] {
        for outcome in questions(sandbox, path).await {
            assert!(
                matches!(outcome, Err(SandboxError::NoSuchFile(_))),
                "{path}: {outcome:?}"
            );
        }
    }
    for path in ["d/file/below", "d/file/below/that"] {
        let written = write(sandbox, path, b"x").await.map(drop);
        let made = sandbox.make_directory(path).await.map(drop);
        let mut outcomes = questions(sandbox, path).await;
        outcomes.extend([written, made]);
        for outcome in outcomes {
            assert!(
                matches!(outcome, Err(SandboxError::NotADirectory(_))),
                "{path}: {outcome:?}"
            );
        }
    }
    let listed = sandbox.list_files("d/file", 1).await;
    assert!(
        matches!(listed, Err(SandboxError::NotADirectory(_))),
        "{listed:?}"
    );
    for outcome in [
        write(sandbox, "d", b"x").await.map(drop),
        read(sandbox, "d", None).await.map(drop),
        read(sandbox, "", None).await.map(drop),
        append(sandbox, "d", b"x").await.map(drop),
    ] {
        assert!(
            matches!(outcome, Err(SandboxError::NotAFile(_))),
            "{outcome:?}"
        );
    }
    sandbox.delete_file("d").await.unwrap();
}

async fn paths_stay_below(sandbox: &dyn Sandbox) {
    write(sandbox, "file", b"x").await.unwrap();
    let long = "n".repeat(256);
    for path in [
        "..",
        "a/../..",
        "/etc/passwd",
        "a//b",
        "a/",
        "./a",
        "a\0b",
        &long,
    ] {
        let mut outcomes = questions(sandbox, path).await;
        outcomes.extend(changes(sandbox, path).await);
        outcomes.push(
            sandbox
                .put_files(path, Box::new(io::Cursor::new([0; 1024])))
                .await,
        );
        for outcome in outcomes {
            assert!(
                matches!(outcome, Err(SandboxError::BadPath(_))),
                "{path:?}: {outcome:?}"
            );
        }
    }
    for outcome in changes(sandbox, ".").await {
        assert!(
            matches!(outcome, Err(SandboxError::BadPath(_))),
            "{outcome:?}"
        );
    }
    sandbox.delete_file("file").await.unwrap();
}

async fn content_that_breaks_off_changes_nothing(sandbox: &dyn Sandbox) {
    write(sandbox, "a", b"old").await.unwrap();
    let broken = || reader([Ok("begun"), Err(io::ErrorKind::ConnectionReset)]);
    let written = sandbox.write_file("a", broken()).await;
    assert!(
        matches!(written, Err(SandboxError::Content(_))),
        "{written:?}"
    );
    let appended = sandbox.append_file("a", broken()).await;
    assert!(
        matches!(appended, Err(SandboxError::Content(_))),
        "{appended:?}"
    );
    let put = sandbox.put_files(".", broken()).await;
    assert!(matches!(put, Err(SandboxError::Content(_))), "{put:?}");
    assert_eq!(read(sandbox, "a", None).await.unwrap().1, b"old");
    sandbox.delete_file("a").await.unwrap();
}

async fn tars_go_to_a_directory_and_come_from_it(sandbox: &dyn Sandbox) {
    let sent = tar(&[("a", b"1"), ("b/c", b"22")]);
    sandbox.put_files("d/e", sent).await.unwrap();
    sandbox.mark_files().await.unwrap();
    assert_eq!(read(sandbox, "d/e/b/c", None).await.unwrap().1, b"22");
    let (reply, got) = sandbox.get_directory("d/e", 10, 1000).await.unwrap();
    assert_eq!((reply.files, reply.bytes, reply.left_out), (2, 3, 0));
    assert_eq!(paths(got).await, ["a", "b/c"]);
    let (reply, _) = sandbox.get_directory("", 1, 1000).await.unwrap();
    assert_eq!((reply.files, reply.left_out), (1, 1));
    let (reply, _) = sandbox.get_files(10, 1000).await.unwrap();
    assert_eq!(reply.files, 0, "all of it is marked");
    let none = sandbox.get_directory("none", 1, 1).await.map(drop);
    assert!(matches!(none, Err(SandboxError::NoSuchFile(_))), "{none:?}");
    sandbox.delete_file("d").await.unwrap();
}

/// Everything that looks for something that is there.
async fn questions(sandbox: &dyn Sandbox, path: &str) -> Vec<Outcome<()>> {
    vec![
        sandbox.file_entry(path).await.map(drop),
        sandbox.list_files(path, 1).await.map(drop),
        sandbox.get_directory(path, 1, 1).await.map(drop),
        read(sandbox, path, None).await.map(drop),
        append(sandbox, path, b"x").await.map(drop),
        sandbox.rename_file(path, "new name").await.map(drop),
        sandbox.delete_file(path).await,
    ]
}

/// Everything that could change what is at the path, where there is a `file`.
async fn changes(sandbox: &dyn Sandbox, path: &str) -> Vec<Outcome<()>> {
    vec![
        write(sandbox, path, b"x").await.map(drop),
        sandbox.make_directory(path).await.map(drop),
        sandbox.rename_file("file", path).await.map(drop),
        sandbox.rename_file(path, "new name").await.map(drop),
        sandbox.delete_file(path).await,
    ]
}

async fn write(sandbox: &dyn Sandbox, path: &str, content: &'static [u8]) -> Outcome<Entry> {
    sandbox.write_file(path, Box::new(content)).await
}

async fn append(sandbox: &dyn Sandbox, path: &str, content: &'static [u8]) -> Outcome<Entry> {
    sandbox.append_file(path, Box::new(content)).await
}

async fn read(
    sandbox: &dyn Sandbox,
    path: &str,
    range: Option<ByteRange>,
) -> Outcome<(Entry, Vec<u8>)> {
    let (entry, mut reader) = sandbox.read_file(path, range).await?;
    let mut content = Vec::new();
    reader.read_to_end(&mut content).await.unwrap();
    Ok((entry, content))
}

async fn names(sandbox: &dyn Sandbox, directory: &str) -> Vec<String> {
    let listing = sandbox.list_files(directory, 100).await.unwrap();
    assert_eq!(listing.left_out, 0);
    let entries = listing.entries.into_iter();
    entries.map(|entry| entry.name).collect()
}

fn told(entry: &Entry) -> (&str, EntryKind, u64) {
    (&entry.name, entry.kind, entry.size)
}

fn reader<const CHUNKS: usize>(
    chunks: [Result<&'static str, io::ErrorKind>; CHUNKS],
) -> ByteReader {
    let chunks = chunks.map(|chunk| chunk.map(str::as_bytes).map_err(io::Error::from));
    let chunks = futures::stream::iter(chunks).boxed();
    Box::new(tokio_util::io::StreamReader::new(chunks))
}

fn tar(files: &[(&str, &[u8])]) -> TarReader {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    Box::new(io::Cursor::new(builder.into_inner().unwrap()))
}

async fn paths(mut tar: impl AsyncRead + Unpin) -> Vec<String> {
    let mut bytes = Vec::new();
    tar.read_to_end(&mut bytes).await.unwrap();
    let mut archive = tar::Archive::new(&bytes[..]);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect()
}
