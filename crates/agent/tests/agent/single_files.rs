//! Single files and folders through the link, among everything that user code can put in the way.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cellblock_link::request::{
    ByteRange, Entry, EntryKind, FailureKind, FileRequest, Reply, Request,
};
use cellblock_link::{Connection, Stream};
use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, mkdirat};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::support::*;

/// An agent whose working directory is `home`, and files in it.
struct Desk {
    agent: Agent,
    connection: Connection,
}

impl Desk {
    async fn new() -> Desk {
        let agent = Agent::start();
        let connection = agent.connect().await;
        Desk { agent, connection }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.agent.home().join(path)
    }

    /// A folder that the agent may change, whoever runs the tests.
    fn folder(&self, path: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        path
    }

    async fn begin(&self, request: FileRequest) -> (Reply, Stream) {
        let request = Request::File(request);
        let asking = self.connection.opener();
        timeout(PATIENCE, asking.request(&request))
            .await
            .unwrap()
            .unwrap()
    }

    async fn ask(&self, request: FileRequest) -> Reply {
        self.begin(request).await.0
    }

    async fn entry(&self, path: &str) -> Reply {
        let path = path.to_owned();
        self.ask(FileRequest::Entry { path }).await
    }

    async fn read(&self, path: &str, range: Option<ByteRange>) -> Result<Vec<u8>, Reply> {
        let path = path.to_owned();
        let (reply, mut stream) = self.begin(FileRequest::Read { path, range }).await;
        let Reply::Entry(_) = reply else {
            return Err(reply);
        };
        let mut content = Vec::new();
        let reading = stream.read_to_end(&mut content);
        timeout(PATIENCE, reading).await.unwrap().unwrap();
        Ok(content)
    }

    async fn begin_write(&self, path: &str) -> Stream {
        let path = path.to_owned();
        self.begin_upload(FileRequest::Write { path }).await
    }

    async fn begin_append(&self, path: &str) -> Stream {
        let path = path.to_owned();
        self.begin_upload(FileRequest::Append { path }).await
    }

    async fn begin_upload(&self, request: FileRequest) -> Stream {
        let request = Request::File(request);
        self.connection.opener().begin(&request).await.unwrap()
    }

    async fn write(&self, path: &str, content: &[u8]) -> Reply {
        upload(self.begin_write(path).await, content).await
    }

    async fn append(&self, path: &str, content: &[u8]) -> Reply {
        upload(self.begin_append(path).await, content).await
    }

    async fn list(&self, directory: &str, limit: u32) -> Result<(u64, Vec<Entry>), Reply> {
        let directory = directory.to_owned();
        let (reply, mut stream) = self.begin(FileRequest::List { directory, limit }).await;
        let Reply::Listing { left_out } = reply else {
            return Err(reply);
        };
        let mut lines = String::new();
        let reading = stream.read_to_string(&mut lines);
        timeout(PATIENCE, reading).await.unwrap().unwrap();
        let entries = lines.lines();
        let entries = entries.map(|line| serde_json::from_str(line).unwrap());
        Ok((left_out, entries.collect()))
    }

    async fn make_directory(&self, path: &str) -> Reply {
        let path = path.to_owned();
        self.ask(FileRequest::MakeDirectory { path }).await
    }

    async fn rename(&self, from: &str, to: &str) -> Reply {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.ask(FileRequest::Rename { from, to }).await
    }

    async fn delete(&self, path: &str) -> Reply {
        let path = path.to_owned();
        self.ask(FileRequest::Delete { path }).await
    }

    /// Everything that takes a path, with this one; how each failed.
    async fn refusals(&self, path: &str) -> Vec<FailureKind> {
        vec![
            kind(self.entry(path).await),
            kind(self.list(path, 10).await.unwrap_err()),
            kind(self.read(path, None).await.unwrap_err()),
            kind(self.write(path, b"x").await),
            kind(self.append(path, b"x").await),
            kind(self.make_directory(path).await),
            kind(self.rename(path, "new name").await),
            kind(self.rename("file", path).await),
            kind(self.delete(path).await),
        ]
    }

    /// What is in the home, but the agent itself.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.agent.home()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "cellblock-agent").collect();
        names.sort();
        names
    }

    /// The most memory that the agent has had resident, in KiB.
    fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.agent.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let words = line.unwrap().split_whitespace().nth(1);
        words.unwrap().parse().unwrap()
    }
}

async fn upload(mut stream: Stream, content: &[u8]) -> Reply {
    let written = async {
        stream.write_all(content).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_reply().await.unwrap()
    };
    timeout(PATIENCE, written).await.unwrap()
}

fn kind(reply: Reply) -> FailureKind {
    match reply {
        Reply::Failed(failure) => failure.kind,
        reply => panic!("not refused: {reply:?}"),
    }
}

fn told(reply: Reply) -> (String, EntryKind, u64) {
    match reply {
        Reply::Entry(entry) => (entry.name, entry.kind, entry.size),
        reply => panic!("{reply:?}"),
    }
}

fn named(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

fn pattern(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn a_file_is_written_found_read_renamed_and_deleted() {
    let desk = Desk::new().await;
    let content = pattern(5_000_000);
    let entry = told(desk.write("made/if need be/a", &content).await);
    assert_eq!(entry, ("a".to_owned(), EntryKind::File, 5_000_000));
    assert!(fs::read(desk.at("made/if need be/a")).unwrap() == content);
    assert_eq!(told(desk.entry("made/if need be/a").await), entry);
    assert!(desk.read("made/if need be/a", None).await.unwrap() == content);
    let moved = told(desk.rename("made/if need be/a", "made/b").await);
    assert_eq!(moved.0, "b");
    let (left_out, entries) = desk.list("made", 10).await.unwrap();
    assert_eq!((left_out, named(&entries)), (0, vec!["b", "if need be"]));
    assert_eq!(entries[1].kind, EntryKind::Directory);
    let age = now_ms() - entries[0].modified_ms;
    assert!((-2000..120_000).contains(&age), "{age} ms");
    assert_eq!(desk.delete("made").await, Reply::Done);
    assert_eq!(desk.names(), [""; 0]);
}

fn now_ms() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[tokio::test]
async fn the_working_directory_is_listed_and_cannot_be_taken_away() {
    let desk = Desk::new().await;
    for path in ["", "."] {
        let (name, kind_of, _) = told(desk.entry(path).await);
        assert_eq!((name.as_str(), kind_of), ("", EntryKind::Directory));
        let (_, entries) = desk.list(path, 10).await.unwrap();
        assert_eq!(named(&entries), ["cellblock-agent"]);
        let refused = FailureKind::BadPath;
        assert_eq!(kind(desk.delete(path).await), refused);
        assert_eq!(kind(desk.rename(path, "other").await), refused);
        assert_eq!(kind(desk.rename("cellblock-agent", path).await), refused);
        assert_eq!(kind(desk.write(path, b"x").await), refused);
        assert_eq!(kind(desk.make_directory(path).await), refused);
        let read = desk.read(path, None).await.unwrap_err();
        assert_eq!(kind(read), FailureKind::NotAFile);
    }
}

#[tokio::test]
async fn a_part_of_a_file_is_read() {
    let desk = Desk::new().await;
    desk.write("a", b"0123456789").await;
    for (offset, length, expected) in [
        (0, 3, "012"),
        (8, 100, "89"),
        (3, 0, ""),
        (10, 1, ""),
        (u64::MAX, u64::MAX, ""),
        (0, u64::MAX, "0123456789"),
    ] {
        let range = Some(ByteRange { offset, length });
        let read = desk.read("a", range).await.unwrap();
        assert_eq!(read, expected.as_bytes(), "{offset}+{length}");
    }
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_is_refused() {
    let desk = Desk::new().await;
    desk.write("file", b"x").await;
    let long = "n".repeat(256);
    for path in [
        "..",
        "../a",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "a/",
        "./a",
        "a\0b",
        long.as_str(),
    ] {
        let refusals = desk.refusals(path).await;
        assert_eq!(refusals, [FailureKind::BadPath; 9], "{path:?}");
    }
    assert_eq!(desk.names(), ["file"]);
}

#[tokio::test]
async fn no_link_is_followed_on_the_way() {
    let desk = Desk::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(elsewhere.path().join("secret"), "kept").unwrap();
    symlink(elsewhere.path(), desk.at("link")).unwrap();
    symlink("/proc/self", desk.at("self")).unwrap();
    desk.write("file", b"x").await;
    for path in ["link/secret", "self/environ"] {
        let refusals = desk.refusals(path).await;
        assert_eq!(refusals, [FailureKind::NotADirectory; 9], "{path}");
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn no_link_is_followed_at_the_end() {
    let desk = Desk::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let secret = elsewhere.path().join("secret");
    fs::write(&secret, "kept").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o666)).unwrap();
    symlink(elsewhere.path(), desk.at("folder")).unwrap();
    symlink(&secret, desk.at("file")).unwrap();

    assert_eq!(told(desk.entry("file").await).1, EntryKind::Other);
    let read = desk.read("file", None).await.unwrap_err();
    assert_eq!(kind(read), FailureKind::NotAFile);
    let appended = desk.append("file", b"x").await;
    assert_eq!(kind(appended), FailureKind::NotAFile);
    let listed = desk.list("folder", 10).await.unwrap_err();
    assert_eq!(kind(listed), FailureKind::NotADirectory);
    let made = desk.make_directory("folder").await;
    assert_eq!(kind(made), FailureKind::FileExists);
    // The link itself is what is replaced, renamed and deleted.
    assert_eq!(told(desk.write("file", b"new").await).1, EntryKind::File);
    assert_eq!(
        told(desk.rename("folder", "other").await).1,
        EntryKind::Other
    );
    assert_eq!(desk.delete("other").await, Reply::Done);
    assert_eq!(desk.names(), ["file"]);
    assert_eq!(fs::read_to_string(&secret).unwrap(), "kept");
}

#[tokio::test]
async fn what_is_below_a_deleted_directory_is_deleted_and_what_its_links_show_is_not() {
    let desk = Desk::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(elsewhere.path().join("kept"), "").unwrap();
    for folder in ["d", "d/e", "d/e/f", "d/e/f/g", "d/h"] {
        let folder = desk.folder(folder);
        fs::write(folder.join("file"), "x").unwrap();
        symlink(elsewhere.path(), folder.join("link")).unwrap();
        desk.agent.make_pipe(&format!("{}/pipe", folder.display()));
    }
    assert_eq!(desk.delete("d").await, Reply::Done);
    assert_eq!(desk.names(), [""; 0]);
    assert!(elsewhere.path().join("kept").exists());
}

#[tokio::test]
async fn no_pipe_is_waited_for() {
    let desk = Desk::new().await;
    desk.agent.make_pipe("pipe");
    let _socket = std::os::unix::net::UnixListener::bind(desk.at("socket")).unwrap();
    for path in ["pipe", "socket"] {
        assert_eq!(told(desk.entry(path).await).1, EntryKind::Other);
        let read = desk.read(path, None).await.unwrap_err();
        assert_eq!(kind(read), FailureKind::NotAFile, "{path}");
        let listed = desk.list(path, 10).await.unwrap_err();
        assert_eq!(kind(listed), FailureKind::NotADirectory, "{path}");
        assert_eq!(told(desk.write(path, b"new").await).1, EntryKind::File);
        assert_eq!(fs::read(desk.at(path)).unwrap(), b"new");
    }
}

#[tokio::test]
async fn a_directory_is_no_file_and_a_file_no_directory() {
    let desk = Desk::new().await;
    desk.make_directory("directory").await;
    desk.write("file", b"x").await;
    let not_a_file = FailureKind::NotAFile;
    assert_eq!(
        kind(desk.read("directory", None).await.unwrap_err()),
        not_a_file
    );
    assert_eq!(kind(desk.write("directory", b"x").await), not_a_file);
    let refusals = desk.refusals("file/below").await;
    assert_eq!(refusals, [FailureKind::NotADirectory; 9]);
    let listed = desk.list("file", 10).await.unwrap_err();
    assert_eq!(kind(listed), FailureKind::NotADirectory);
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let desk = Desk::new().await;
    for path in ["none", "none/below"] {
        let missing = FailureKind::NoSuchFile;
        assert_eq!(kind(desk.entry(path).await), missing);
        assert_eq!(kind(desk.list(path, 1).await.unwrap_err()), missing);
        assert_eq!(kind(desk.read(path, None).await.unwrap_err()), missing);
        assert_eq!(kind(desk.rename(path, "new").await), missing);
        assert_eq!(kind(desk.delete(path).await), missing);
    }
    desk.write("file", b"x").await;
    let renamed = desk.rename("file", "none/below").await;
    assert_eq!(kind(renamed), FailureKind::NoSuchFile);
}

#[tokio::test]
async fn a_new_name_replaces_nothing() {
    let desk = Desk::new().await;
    desk.write("a", b"a").await;
    desk.write("d/b", b"b").await;
    symlink("nowhere", desk.at("dangling")).unwrap();
    for taken in ["a", "d", "d/b", "dangling"] {
        let renamed = desk.rename("a", taken).await;
        assert_eq!(kind(renamed), FailureKind::FileExists, "{taken}");
        let made = desk.make_directory(taken).await;
        assert_eq!(kind(made), FailureKind::FileExists, "{taken}");
    }
    let renamed = desk.rename("d", "d/inside").await;
    assert_eq!(kind(renamed), FailureKind::BadPath);
    assert_eq!(desk.read("d/b", None).await.unwrap(), b"b");
    assert_eq!(desk.names(), ["a", "d", "dangling"]);
}

#[tokio::test]
async fn a_file_is_there_as_a_whole_or_not_at_all() {
    let desk = Desk::new().await;
    desk.write("a", b"old").await;
    let content = pattern(1_000_000);
    for _ in 0..20 {
        let mut stream = desk.begin_write("a").await;
        stream.write_all(&content).await.unwrap();
        drop(stream);
    }
    assert_eq!(desk.read("a", None).await.unwrap(), b"old");
    // Each is given up when the agent hears of it.
    let gone = async {
        while desk.names() != ["a"] {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    assert_eq!(told(desk.write("a", b"new").await).2, 3);
    assert_eq!(desk.read("a", None).await.unwrap(), b"new");
}

#[tokio::test]
async fn what_is_appended_is_there_as_a_whole_or_not_at_all() {
    let desk = Desk::new().await;
    let content = pattern(1_000_000);
    desk.write("a", &content).await;
    assert_eq!(told(desk.append("a", &content).await).2, 2_000_000);
    let mut stream = desk.begin_append("a").await;
    stream.write_all(&content).await.unwrap();
    let length = || fs::metadata(desk.at("a")).unwrap().len();
    let until = async |holds: fn(u64) -> bool| {
        while !holds(length()) {
            tokio::task::yield_now().await;
        }
    };
    let grown = until(|length| length > 2_000_000);
    timeout(PATIENCE, grown).await.unwrap();
    drop(stream);
    // It is cut when the agent hears of it.
    let cut = until(|length| length == 2_000_000);
    timeout(PATIENCE, cut).await.unwrap();
    assert!(desk.read("a", None).await.unwrap() == content.repeat(2));
}

#[tokio::test]
async fn a_file_that_is_replaced_keeps_its_permissions() {
    let desk = Desk::new().await;
    desk.write("script", b"old").await;
    let mode = |path: &str| fs::metadata(desk.at(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("script"), 0o644);
    fs::set_permissions(desk.at("script"), fs::Permissions::from_mode(0o775)).unwrap();
    desk.write("script", b"new").await;
    assert_eq!(mode("script"), 0o775);
}

#[tokio::test]
async fn what_the_permissions_forbid_is_told_apart() {
    let desk = Desk::new().await;
    desk.write("closed/file", b"x").await;
    fs::set_permissions(desk.at("closed"), fs::Permissions::from_mode(0o0)).unwrap();
    let refusals = desk.refusals("closed/file").await;
    assert_eq!(refusals[..7], [FailureKind::NoPermission; 7]);
    assert_eq!(refusals[8], FailureKind::NoPermission);
    let deleted = desk.delete("closed").await;
    assert_eq!(kind(deleted), FailureKind::NoPermission);
    fs::set_permissions(desk.at("closed"), fs::Permissions::from_mode(0o777)).unwrap();
}

#[tokio::test]
async fn a_file_that_is_cut_while_it_is_read_breaks_off() {
    let desk = Desk::new().await;
    fs::write(desk.at("a"), pattern(20_000_000)).unwrap();
    let path = "a".to_owned();
    let (reply, mut stream) = desk.begin(FileRequest::Read { path, range: None }).await;
    assert_eq!(told(reply).2, 20_000_000);
    // More than this is not sent before it is read.
    let file = File::options().write(true).open(desk.at("a")).unwrap();
    file.set_len(1).unwrap();
    let mut content = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut content)).await;
    assert!(read.unwrap().is_err(), "{} bytes", content.len());
    assert!(content.len() < 20_000_000);
}

#[tokio::test]
async fn readers_and_writers_that_stall_keep_nobody_from_files() {
    let desk = Desk::new().await;
    fs::write(desk.at("a"), pattern(20_000_000)).unwrap();
    let mut stalled = Vec::new();
    for n in 0..12 {
        let path = "a".to_owned();
        let reading = desk.begin(FileRequest::Read { path, range: None }).await;
        stalled.push(reading.1);
        let mut writing = desk.begin_write(&format!("b{n}")).await;
        writing.write_all(b"x").await.unwrap();
        stalled.push(writing);
    }
    assert_eq!(told(desk.write("c", b"new").await).2, 3);
    assert_eq!(desk.read("c", None).await.unwrap(), b"new");
}

#[tokio::test]
async fn a_directory_with_too_much_in_it_is_listed_from_its_beginning() {
    let desk = Desk::new().await;
    let folder = desk.folder("many");
    for n in 0..20_000_u32 {
        // Each name once, in no order.
        File::create(folder.join(format!("{:05}", n * 7919 % 20_000))).unwrap();
    }
    let (left_out, entries) = desk.list("many", 100).await.unwrap();
    assert_eq!((left_out, entries.len()), (19_900, 100));
    assert_eq!(
        (named(&entries)[0], named(&entries)[99]),
        ("00000", "00099")
    );
    assert!(named(&entries).is_sorted());
    let (left_out, entries) = desk.list("many", u32::MAX).await.unwrap();
    assert_eq!((left_out, entries.len()), (10_000, 10_000));
    assert!(named(&entries).is_sorted());
    assert_eq!(desk.list("many", 0).await.unwrap(), (20_000, vec![]));
    assert_eq!(desk.delete("many").await, Reply::Done);
    assert!(desk.peak_memory() < 16 << 10, "{} KiB", desk.peak_memory());
}

#[tokio::test]
async fn names_of_every_kind_are_listed_and_those_that_are_no_text_are_counted() {
    let desk = Desk::new().await;
    let folder = desk.folder("strange");
    let escaped = "\u{1}".repeat(255);
    let names = [escaped.as_str(), "\"", "a b", "new\nline", "…"];
    for name in names {
        File::create(folder.join(name)).unwrap();
    }
    File::create(folder.join(OsStr::from_bytes(b"\xff\xfe"))).unwrap();
    let (left_out, entries) = desk.list("strange", 100).await.unwrap();
    assert_eq!((left_out, named(&entries)), (1, names.to_vec()));
    for entry in &entries {
        let path = format!("strange/{}", entry.name);
        assert_eq!(told(desk.entry(&path).await).0, entry.name);
    }
}

#[tokio::test]
async fn folders_deeper_than_any_path_are_deleted() {
    let desk = Desk::new().await;
    desk.folder("deep");
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    let mut folder = Dir::open(&desk.at("deep"), flags, Mode::empty()).unwrap();
    for _ in 0..1500 {
        mkdirat(
            &folder,
            c"folder",
            Mode::S_IRWXU | Mode::S_IRWXG | Mode::S_IRWXO,
        )
        .unwrap();
        folder = Dir::openat(&folder, c"folder", flags, Mode::empty()).unwrap();
        nix::sys::stat::fchmod(&folder, Mode::from_bits_truncate(0o777)).unwrap();
    }
    assert_eq!(desk.delete("deep").await, Reply::Done);
    assert_eq!(desk.names(), [""; 0]);
    assert!(desk.peak_memory() < 16 << 10, "{} KiB", desk.peak_memory());
}

#[tokio::test]
async fn a_file_larger_than_everything_is_read_where_it_is_asked_for() {
    let desk = Desk::new().await;
    let size = 1 << 42;
    let file = File::create(desk.at("sparse")).unwrap();
    file.set_len(size).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"end", size - 3).unwrap();
    assert_eq!(told(desk.entry("sparse").await).2, size);
    let range = Some(ByteRange {
        offset: size - 3,
        length: 10,
    });
    assert_eq!(desk.read("sparse", range).await.unwrap(), b"end");
    let range = Some(ByteRange {
        offset: 0,
        length: 50_000_000,
    });
    let zeros = desk.read("sparse", range).await.unwrap();
    assert!(zeros.len() == 50_000_000 && zeros.iter().all(|byte| *byte == 0));
    assert!(desk.peak_memory() < 16 << 10, "{} KiB", desk.peak_memory());
}

#[tokio::test]
async fn a_deletion_that_user_code_outruns_ends_when_it_is_given_up() {
    let desk = Desk::new().await;
    let folder = desk.folder("d");
    let running = Arc::new(AtomicBool::new(true));
    let goes_on = running.clone();
    let outrun = std::thread::spawn(move || {
        while goes_on.load(Ordering::Relaxed) {
            // Once the folder itself is gone it is made again.
            let _ = fs::create_dir_all(&folder);
            let _ = File::create(folder.join("a"));
            let _ = fs::create_dir(folder.join("b"));
        }
    });
    // More than there are threads for files.
    for _ in 0..20 {
        let path = "d".to_owned();
        let request = Request::File(FileRequest::Delete { path });
        drop(desk.connection.opener().begin(&request).await.unwrap());
    }
    assert_eq!(told(desk.write("c", b"new").await).2, 3);
    running.store(false, Ordering::Relaxed);
    outrun.join().unwrap();
}
