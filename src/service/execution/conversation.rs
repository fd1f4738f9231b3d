//! The conversation with a kernel about one piece of code.
//!
//! It is over when the kernel has both replied to the request and said that it is idle, since output may come
//! after the reply and the reply after the output. Past the code's time it is cut short: interrupt, grace,
//! kill; what was printed until then is kept, the traceback of the interrupt included.
//!
//! Only messages whose parent is the request count. Code can forge such messages, and lies about its own
//! output then.

use std::time::Duration;
use std::vec;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::watch::Watcher;
use crate::jupyter::{MessageView, Output, OutputFolder, Replied, execute_request, input_reply};
use crate::sandbox::{Channel, KernelEvent, KernelMessage, KernelMessages, Sandbox};

/// How long killing may take. The sandbox is removed in any case; this is for the files that are read before.
pub(in crate::service) const KILL: Duration = Duration::from_secs(5);

/// How long to listen on when the kernel's process has ended: its last words are on their way by another
/// socket than the news of its end.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How long a kernel that has replied may be silent before it counts as idle. Iopub may lose messages by its
/// nature, the one that says `idle` too.
const SETTLED: Duration = Duration::from_secs(5);

/// The answer to a request for input once `stdin` has run out. Jupyter's protocol has no end of input;
/// ipykernel takes this one (as its frontends send it for Ctrl-D), and raises `EOFError`.
const END_OF_INPUT: &str = "\u{4}";

/// How it came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Ending {
    /// The kernel is done with the code.
    Finished,
    /// The kernel is done, and says that the code failed.
    Raised,
    /// The code ran past its time.
    Timeout,
    /// Nobody waits for it any more.
    Cancelled,
    /// More output than allowed, or than could be carried.
    OutputLimit,
    /// The kernel's process ended.
    KernelExited,
    /// The messages ended.
    Cut,
}

/// One piece of code and one kernel.
pub(in crate::service) struct Conversation<'a> {
    sandbox: &'a dyn Sandbox,
    messages: &'a mut KernelMessages,
    stdin: vec::IntoIter<String>,
    folder: OutputFolder,
    watcher: Watcher,
    cancelled: CancellationToken,
    /// The request's msg_id.
    request: String,
    reply: Option<Replied>,
    /// Whom to tell of the reply.
    on_reply: Option<oneshot::Sender<()>>,
    idle: bool,
}

/// What was heard next.
enum Heard {
    Event(KernelEvent),
    Silence,
    End,
}

impl<'a> Conversation<'a> {
    pub(in crate::service) fn new(
        sandbox: &'a dyn Sandbox,
        messages: &'a mut KernelMessages,
        stdin: Vec<String>,
        output_limit: u64,
    ) -> Conversation<'a> {
        Conversation {
            sandbox,
            messages,
            stdin: stdin.into_iter(),
            folder: OutputFolder::new(output_limit),
            watcher: Watcher::nobody(),
            cancelled: CancellationToken::new(),
            request: String::new(),
            reply: None,
            on_reply: None,
            idle: false,
        }
    }

    /// Tells somebody of each output as it comes.
    pub(in crate::service) fn watched_by(mut self, watcher: Watcher) -> Conversation<'a> {
        self.watcher = watcher;
        self
    }

    /// Tells somebody of the kernel's reply: the code has ended, and its last output is on the way. Without a reply, the sender is
    /// dropped at the end.
    pub(in crate::service) fn telling(mut self, on_reply: oneshot::Sender<()>) -> Conversation<'a> {
        self.on_reply = Some(on_reply);
        self
    }

    /// Its time is over at once when this is cancelled.
    pub(in crate::service) fn until(mut self, cancelled: CancellationToken) -> Conversation<'a> {
        self.cancelled = cancelled;
        self
    }

    /// Has the code run. It gets `time`, then an interrupt, then `grace`, then it is killed.
    pub(in crate::service) async fn hold(
        mut self,
        code: &str,
        time: Duration,
        grace: Duration,
    ) -> (Ending, Output) {
        let deadline = Instant::now() + time;
        let cancelled = self.cancelled.clone();
        let asked = timeout_at(deadline, self.ask(code));
        let Some(asked) = cancelled.run_until_cancelled(asked).await else {
            self.cut_short(grace).await;
            return (Ending::Cancelled, self.output());
        };
        let ending = match asked {
            Ok(Ending::OutputLimit) => {
                self.kill().await;
                Ending::OutputLimit
            }
            Ok(Ending::KernelExited) => {
                // However that ends.
                let _ = timeout(LAST_WORDS, self.follow()).await;
                Ending::KernelExited
            }
            Ok(ending) => ending,
            Err(_) => {
                self.cut_short(grace).await;
                Ending::Timeout
            }
        };
        (ending, self.output())
    }

    async fn ask(&mut self, code: &str) -> Ending {
        let (id, parts) = execute_request(code);
        self.request = id;
        if self.say(Channel::Shell, parts).await.is_err() {
            return Ending::Cut;
        }
        self.follow().await
    }

    /// Takes what comes until there is an ending. Cancel-safe: it can be called again.
    async fn follow(&mut self) -> Ending {
        loop {
            let ending = match self.hear().await {
                Heard::Event(KernelEvent::Message(message)) => self.take(&message).await,
                Heard::Event(KernelEvent::Gap { .. } | KernelEvent::Unreadable) => {
                    Some(Ending::OutputLimit)
                }
                Heard::Event(KernelEvent::Exited { .. }) => Some(Ending::KernelExited),
                Heard::Silence => Some(self.replied()),
                Heard::End => Some(Ending::Cut),
            };
            if let Some(ending) = ending {
                return ending;
            }
        }
    }

    async fn hear(&mut self) -> Heard {
        let next = self.messages.incoming.recv();
        let next = match self.reply {
            None => next.await,
            Some(_) => match timeout(SETTLED, next).await {
                Ok(next) => next,
                Err(_) => return Heard::Silence,
            },
        };
        next.map_or(Heard::End, Heard::Event)
    }

    async fn take(&mut self, message: &KernelMessage) -> Option<Ending> {
        let view = MessageView::parse(&message.parts)?;
        if view.parent_id != self.request {
            return None;
        }
        match (message.channel, view.header.msg_type.as_str()) {
            (Channel::Iopub, "status") => {
                self.idle |= view.execution_state().as_deref() == Some("idle");
            }
            (Channel::Iopub, _) => {
                if self.folder.take(&view).is_err() {
                    return Some(Ending::OutputLimit);
                }
                self.watcher.tell(&view).await;
            }
            (Channel::Shell, "execute_reply") => {
                let Ok(reply) = self.folder.take_reply(&view) else {
                    return Some(Ending::OutputLimit);
                };
                self.reply = Some(reply);
                // Whoever is told may have gone.
                let _ = self.on_reply.take().map(|told| told.send(()));
            }
            (Channel::Stdin, "input_request") => return self.answer(message.parts.first()?).await,
            (Channel::Shell | Channel::Stdin | Channel::Control, _) => {}
        }
        (self.idle && self.reply.is_some()).then(|| self.replied())
    }

    /// Gives the code its next line.
    async fn answer(&mut self, header: &Bytes) -> Option<Ending> {
        let line = self.stdin.next();
        let line = line.as_deref().unwrap_or(END_OF_INPUT);
        let said = self.say(Channel::Stdin, input_reply(header, line)).await;
        said.err().map(|_| Ending::Cut)
    }

    fn replied(&self) -> Ending {
        match self.reply {
            Some(Replied::Ok) => Ending::Finished,
            Some(Replied::Failed) | None => Ending::Raised,
        }
    }

    /// Interrupts, listening on; kills what that does not end.
    async fn cut_short(&mut self, grace: Duration) {
        let sandbox = self.sandbox;
        let stop = async { tokio::join!(sandbox.interrupt(), self.follow()).1 };
        match timeout(grace, stop).await {
            Ok(Ending::Finished | Ending::Raised | Ending::KernelExited) => {}
            Ok(Ending::OutputLimit | Ending::Cut | Ending::Timeout | Ending::Cancelled)
            | Err(_) => {
                self.kill().await;
            }
        }
    }

    /// Where that does not work, the removal of the sandbox will.
    async fn kill(&self) {
        let killed = timeout(KILL, self.sandbox.kill_all()).await;
        if !matches!(killed, Ok(Ok(()))) {
            tracing::debug!(sandbox = %self.sandbox.id(), ?killed, "the code could not be killed");
        }
    }

    async fn say(&self, channel: Channel, parts: Vec<Bytes>) -> Result<(), Gone> {
        let message = KernelMessage {
            sequence: 0,
            channel,
            parts,
        };
        self.messages.outgoing.send(message).await.map_err(|_| Gone)
    }

    fn output(self) -> Output {
        self.folder.finish()
    }
}

/// Nobody takes messages to the kernel any more.
struct Gone;
