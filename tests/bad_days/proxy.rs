//! A socket between a service and its engine that can hang: it accepts, and passes nothing on until it is told to. It can hang
//! by itself at a certain call, so that a service is met at just that point.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::support::SOON;

/// What is read at once. A call's head is in one piece.
const CHUNK: usize = 64 << 10;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Calls.
    ToEngine,
    /// Answers.
    ToService,
}

/// What the proxy waits for: a call whose head has all of these words.
#[derive(Clone, Debug)]
pub struct Trap {
    /// As `POST`, `/start`.
    pub words: [&'static str; 2],
    /// What hangs from then on: with `ToEngine` the engine never hears of the call, with `ToService` nobody hears what came
    /// of it.
    pub way: Way,
}

impl Trap {
    /// What has these words, and what hangs from then on.
    pub const fn at(words: [&'static str; 2], way: Way) -> Trap {
        Trap { words, way }
    }
}

/// Which ways are shut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shut {
    to_engine: bool,
    to_service: bool,
}

/// A proxy; dropping it closes all its connections.
pub struct Proxy {
    socket: PathBuf,
    valve: Arc<Valve>,
    accepting: JoinHandle<()>,
}

struct Valve {
    shut: watch::Sender<Shut>,
    trap: Mutex<Option<Trap>>,
}

impl Proxy {
    /// Listens at a socket for an engine at another one.
    pub fn start(socket: &Path, engine: &Path) -> Proxy {
        let listener = UnixListener::bind(socket).unwrap();
        let valve = Arc::new(Valve {
            shut: watch::Sender::new(Shut::default()),
            trap: Mutex::new(None),
        });
        let accepting = tokio::spawn(accept(listener, engine.to_owned(), valve.clone()));
        Proxy {
            socket: socket.to_owned(),
            valve,
            accepting,
        }
    }

    /// Its socket, as clients name it.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Passes nothing on.
    pub fn hang(&self) {
        self.valve.shut.send_replace(Shut {
            to_engine: true,
            to_service: true,
        });
    }

    /// Passes everything on, what has waited first.
    pub fn go_on(&self) {
        self.valve.shut.send_replace(Shut::default());
    }

    /// Hangs by itself at the next call of this kind.
    pub fn set_trap(&self, trap: Trap) {
        *self.valve.trap.lock().unwrap() = Some(trap);
    }

    /// Waits until it hangs.
    pub async fn hangs(&self) {
        let mut shut = self.valve.shut.subscribe();
        let hangs = shut.wait_for(|shut| *shut != Shut::default());
        timeout(SOON, hangs).await.expect("the call comes").unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: UnixListener, engine: PathBuf, valve: Arc<Valve>) {
    let mut connections = JoinSet::new();
    loop {
        let (service, _) = listener.accept().await.unwrap();
        while connections.try_join_next().is_some() {}
        // An engine that is away refuses: so do we.
        if let Ok(engine) = UnixStream::connect(&engine).await {
            connections.spawn(connection(service, engine, valve.clone()));
        }
    }
}

/// Until both ways have ended, or one has broken.
async fn connection(service: UnixStream, engine: UnixStream, valve: Arc<Valve>) {
    let (from_service, to_service) = service.into_split();
    let (from_engine, to_engine) = engine.into_split();
    // How it broke is for the two to say.
    let _ = tokio::try_join!(
        pass_on(from_service, to_engine, &valve, Way::ToEngine),
        pass_on(from_engine, to_service, &valve, Way::ToService),
    );
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    valve: &Valve,
    way: Way,
) -> std::io::Result<()> {
    let mut shut = valve.shut.subscribe();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        if way == Way::ToEngine {
            valve.spring(&chunk[..read]);
        }
        let is_open = |shut: &Shut| match way {
            Way::ToEngine => !shut.to_engine,
            Way::ToService => !shut.to_service,
        };
        // The other end lives as long as the valve.
        let _ = shut.wait_for(is_open).await;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..read]).await?;
    }
}

impl Valve {
    /// Shuts, if that is the call.
    fn spring(&self, call: &[u8]) {
        let mut trap = self.trap.lock().unwrap();
        let head = String::from_utf8_lossy(&call[..call.len().min(256)]);
        let is_it = |trap: &Trap| trap.words.iter().all(|word| head.contains(word));
        let Some(sprung) = trap.take_if(|trap| is_it(trap)) else {
            return;
        };
        self.shut.send_replace(Shut {
            to_engine: sprung.way == Way::ToEngine,
            to_service: sprung.way == Way::ToService,
        });
    }
}
