//! A way to the engine that changes the sandboxes which are asked for, and nothing else.
//!
//! Each connection carries one request: `Connection: close` is put into its head, and what comes after is passed on as it
//! is, both ways. So attaching works as well, and only requests for containers have to be understood.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::flags::Change;
use super::surroundings::Surroundings;

/// The longest head of a request.
const MAX_HEAD: usize = 64 << 10;

/// The longest request for a container.
const MAX_BODY: usize = 4 << 20;

/// Listens until it is dropped. Connections end with the service that made them.
pub struct Proxy {
    folder: tempfile::TempDir,
    accepting: JoinHandle<()>,
    shared: Arc<Shared>,
}

struct Shared {
    changes: &'static [Change],
    fill: Box<dyn Fn(&str) -> String + Send + Sync>,
    last_body: Mutex<Value>,
}

impl Proxy {
    /// One that makes these changes.
    pub fn start(changes: &'static [Change], surroundings: &Surroundings) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("engine")).unwrap();
        let shared = Arc::new(Shared {
            changes,
            fill: surroundings.filler(),
            last_body: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Proxy {
            folder,
            accepting,
            shared,
        }
    }

    /// What `engine.host` has to be.
    pub fn url(&self) -> String {
        format!("unix://{}", self.folder.path().join("engine").display())
    }

    /// The request for the last sandbox.
    pub fn last_body(&self) -> Value {
        self.shared.last_body.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let shared = shared.clone();
        tokio::spawn(async move {
            // Either side may be gone: then so is the other.
            let _ = carry(client, &shared).await;
        });
    }
}

async fn carry(mut client: UnixStream, shared: &Shared) -> io::Result<()> {
    let (head, mut rest) = read_head(&mut client).await?;
    let mut engine = UnixStream::connect(socket()).await?;
    if head.starts_with("POST ") && head.contains("/containers/create") {
        rest = read_body(&mut client, &head, rest).await?;
        rest = changed(&rest, shared);
    }
    engine
        .write_all(closing(&head, rest.len()).as_bytes())
        .await?;
    engine.write_all(&rest).await?;
    io::copy_bidirectional(&mut client, &mut engine).await?;
    Ok(())
}

/// Where the engine is that the tests use.
fn socket() -> PathBuf {
    let host =
        std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    Path::new(
        host.strip_prefix("unix://")
            .expect("an engine at a local socket"),
    )
    .to_owned()
}

/// The head, with the empty line at its end, and what came with it.
async fn read_head(client: &mut UnixStream) -> io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            let head = String::from_utf8(read).map_err(io::Error::other)?;
            return Ok((head, rest));
        }
        if read.len() > MAX_HEAD || client.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn read_body(client: &mut UnixStream, head: &str, mut read: Vec<u8>) -> io::Result<Vec<u8>> {
    let length: usize = field(head, "content-length").unwrap().parse().unwrap();
    assert!(length <= MAX_BODY, "{length} bytes");
    while read.len() < length {
        if client.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(read)
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value)
}

/// The body with its changes, where it is a sandbox's: a container of no environment brings the agent to where they find it.
fn changed(body: &[u8], shared: &Shared) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    let environment = body["Labels"]["cellblock.environment"].as_str();
    if environment.is_some_and(|name| !name.is_empty()) {
        (*shared.last_body.lock().unwrap()).clone_from(&body);
        for change in shared.changes {
            change.make(&mut body, &shared.fill);
        }
    }
    body.to_string().into_bytes()
}

/// The head of the only request of its connection. One that upgrades it is that anyhow.
fn closing(head: &str, body: usize) -> String {
    if field(head, "upgrade").is_some() {
        return head.to_owned();
    }
    let (create, mut lines) = (head.contains("/containers/create"), Vec::new());
    for line in head.trim_end().split("\r\n") {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if name != "connection" && !(create && name == "content-length") {
            lines.push(line.to_owned());
        }
    }
    lines.push("Connection: close".to_owned());
    if create {
        lines.push(format!("Content-Length: {body}"));
    }
    lines.join("\r\n") + "\r\n\r\n"
}
