//! The way out of the sandbox, where it has one: an HTTP proxy on loopback whose connections the service makes.
//!
//! ```text
//! process ──TCP on lo──► client ──ask──► queue ──one stream──► service, which judges and dials
//!                          head            │ NextConnection
//! ```
//!
//! The proxy decides nothing: it reads where a process wants to be connected, says so, and carries bytes or the refusal.
//! Every process of the sandbox can use it as it likes, so a head has a length and a deadline, and clients have a number.

mod answer;
mod client;
mod head;
mod queue;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cellblock_link::Stream;
use cellblock_link::request::{Network, Reply};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use self::queue::{Ask, Queue};
use crate::launch::Environment;
use crate::ports;
use crate::reply::lost;

/// Clients at once, in any state. More wait in the listener's backlog. Installers open about fifty.
const CLIENTS: usize = 128;

/// The pause after an accept that failed: for want of file descriptors, most likely.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Names that are never asked of the proxy.
const NO_PROXY: &str = "localhost,127.0.0.1,::1";

/// The proxy, which listens once somebody has a use for it.
#[derive(Debug, Default)]
pub(crate) struct Proxy {
    queue: Arc<Queue>,
    listening: Mutex<Option<Listening>>,
}

#[derive(Debug)]
struct Listening {
    port: u16,
    _task: AbortOnDropHandle<()>,
}

impl Proxy {
    /// What tells a process of its way out; nothing where it has none. Call it within a tokio runtime.
    ///
    /// # Errors
    ///
    /// There is no port to listen on.
    pub(crate) fn variables(&self, network: Network) -> io::Result<Environment> {
        match network {
            Network::None => Ok(Environment::new()),
            Network::Proxy => self.port().map(variables),
        }
    }

    fn port(&self) -> io::Result<u16> {
        let mut listening = self
            .listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(listening) = &*listening {
            return Ok(listening.port);
        }
        let listener = ports::bind()?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = TcpListener::from_std(listener)?;
        let task = tokio::spawn(listen(listener, self.queue.clone()));
        *listening = Some(Listening {
            port,
            _task: AbortOnDropHandle::new(task),
        });
        Ok(port)
    }
}

/// Both spellings: programs know one or the other. The last is for Node.js, whose `fetch` heeds the others only then.
fn variables(port: u16) -> Environment {
    let proxy = format!("http://127.0.0.1:{port}");
    let mut variables = Environment::new();
    for (name, value) in [
        ("HTTP_PROXY", proxy.as_str()),
        ("HTTPS_PROXY", &proxy),
        ("NO_PROXY", NO_PROXY),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
        variables.insert(name.to_lowercase(), value.to_owned());
    }
    variables.insert("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned());
    variables
}

/// Serves clients for ever.
async fn listen(listener: TcpListener, queue: Arc<Queue>) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    let mut clients = JoinSet::new();
    loop {
        let place = places.clone().acquire_owned().await;
        let place = place.expect("it is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let queue = queue.clone();
                clients.spawn(async move {
                    client::serve(stream, &queue).await;
                    drop(place);
                });
            }
            Err(_) => sleep(TRY_AGAIN).await,
        }
        while clients.try_join_next().is_some() {}
    }
}

/// One stream of the service: takes the next connection that is asked for, and hands the stream over to it once the
/// service has answered.
///
/// # Errors
///
/// The stream was lost. What it had taken and had no answer for is asked again.
pub(crate) async fn carry(mut stream: Stream, proxy: &Proxy) -> io::Result<()> {
    let mut ask = tokio::select! {
        ask = proxy.queue.next() => ask,
        error = lost(&mut stream) => return Err(error),
    };
    match put(&mut stream, &mut ask).await {
        Ok(Some(Reply::Done)) => ask.connected(stream),
        Ok(Some(Reply::Failed(failure))) => ask.failed(failure),
        // Nobody waits any more; dropping the stream tells the service.
        Ok(None) => {}
        Ok(Some(_)) => return Err(io::Error::from(io::ErrorKind::InvalidData)),
        Err(error) => {
            proxy.queue.ask_again(ask);
            return Err(error);
        }
    }
    Ok(())
}

/// Puts the question to the service, and gives its answer, if it comes while the client waits.
async fn put(stream: &mut Stream, ask: &mut Ask) -> io::Result<Option<Reply>> {
    let question = Reply::Connection(ask.request().clone());
    tokio::select! {
        answer = async {
            stream.write_reply(&question).await?;
            stream.read_reply().await
        } => answer.map(Some),
        () = ask.given_up() => Ok(None),
    }
}
