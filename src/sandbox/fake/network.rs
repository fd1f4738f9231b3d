//! Connections out of a fake sandbox: asked for by its code, taken by whoever holds the sandbox.

use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;

use crate::sandbox::network::{Asking, Wire};
use crate::sandbox::{Outbound, Refusal, SandboxError};

/// How long code waits until it is answered, as the agent does.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Bytes on the way.
const ON_THE_WAY: usize = 64 << 10;

type Answer = Result<DuplexStream, Refusal>;

struct Ask {
    host: String,
    port: u16,
    answer: oneshot::Sender<Answer>,
}

/// Where code asks and its sandbox's holder takes.
#[derive(Debug)]
pub(super) struct Outlet {
    asks: mpsc::Sender<Ask>,
    taken: Mutex<mpsc::Receiver<Ask>>,
}

impl Default for Outlet {
    fn default() -> Outlet {
        let (asks, taken) = mpsc::channel(64);
        Outlet {
            asks,
            taken: Mutex::new(taken),
        }
    }
}

impl Outlet {
    /// Says `text` to that host and port, and gives back all that it heard, or the refusal with the proxy's status.
    pub(super) async fn connect(&self, host: String, port: u16, text: &str) -> String {
        let (answer, answered) = oneshot::channel();
        let ask = Ask { host, port, answer };
        if self.asks.send(ask).await.is_err() {
            return "502 the sandbox ends\n".to_owned();
        }
        match timeout(ANSWERED_WITHIN, answered).await {
            Ok(Ok(Ok(wire))) => talk(wire, text).await,
            Ok(Ok(Err(Refusal::Forbidden(reason)))) => format!("403 {reason}\n"),
            Ok(Ok(Err(Refusal::Unreachable(reason)))) => format!("502 {reason}\n"),
            Ok(Err(_)) => "502 nobody answered\n".to_owned(),
            Err(_) => "504 nobody answered in time\n".to_owned(),
        }
    }

    pub(super) async fn next(&self) -> Result<Outbound, SandboxError> {
        loop {
            let ask = self.taken.lock().await.recv().await;
            let ask = ask.ok_or_else(|| SandboxError::Lost("it ended".to_owned()))?;
            if !ask.answer.is_closed() {
                return Ok(Outbound::new(ask.host, ask.port, Box::new(ask.answer)));
            }
        }
    }
}

/// Says `text`, then listens to the end.
async fn talk(mut wire: DuplexStream, text: &str) -> String {
    let mut heard = Vec::new();
    // Whoever ends it early has said all that it says.
    let _ = wire.write_all(text.as_bytes()).await;
    let _ = wire.shutdown().await;
    let _ = wire.read_to_end(&mut heard).await;
    String::from_utf8_lossy(&heard).into_owned()
}

#[async_trait]
impl Asking for oneshot::Sender<Answer> {
    async fn accept(self: Box<Self>) -> Result<Wire, SandboxError> {
        let (ours, theirs) = duplex(ON_THE_WAY);
        tell(*self, Ok(theirs))?;
        Ok(Box::new(ours))
    }

    async fn refuse(self: Box<Self>, refusal: Refusal) -> Result<(), SandboxError> {
        tell(*self, Err(refusal))
    }
}

fn tell(asker: oneshot::Sender<Answer>, answer: Answer) -> Result<(), SandboxError> {
    let gone = |_| SandboxError::Lost("nobody waits any more".to_owned());
    asker.send(answer).map_err(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(outlet: &Outlet, text: &'static str) -> impl Future<Output = String> {
        outlet.connect("pypi.org".to_owned(), 443, text)
    }

    #[tokio::test]
    async fn code_hears_what_came_or_the_refusal() {
        let outlet = Outlet::default();
        let serve = async {
            let asked = outlet.next().await.unwrap();
            assert_eq!((asked.host.as_str(), asked.port), ("pypi.org", 443));
            let mut wire = asked.accept().await.unwrap();
            let mut said = String::new();
            wire.read_to_string(&mut said).await.unwrap();
            wire.write_all(said.to_uppercase().as_bytes())
                .await
                .unwrap();
        };
        let (heard, ()) = tokio::join!(connect(&outlet, "hello"), serve);
        assert_eq!(heard, "HELLO");
        let refuse = async {
            let asked = outlet.next().await.unwrap();
            let refusal = Refusal::Forbidden("not allowed".to_owned());
            asked.refuse(refusal).await.unwrap();
        };
        let (heard, ()) = tokio::join!(connect(&outlet, ""), refuse);
        assert_eq!(heard, "403 not allowed\n");
    }

    #[tokio::test(start_paused = true)]
    async fn code_that_nobody_answers_is_told_so() {
        let outlet = Outlet::default();
        assert_eq!(connect(&outlet, "").await, "504 nobody answered in time\n");
        let leave = async { drop(outlet.next().await.unwrap()) };
        let (heard, ()) = tokio::join!(connect(&outlet, ""), leave);
        assert_eq!(heard, "502 nobody answered\n");
    }
}
