//! A sandbox at the other end of a link: every operation is a request to the agent.
//!
//! This is all of a running sandbox that is not the engine's business. What owns the container comes along as a value
//! that is dropped *after* the link: a container whose output nobody reads must not be killed while it is attached.

mod files;
mod outbound;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cellblock_link::message::{KernelMessage, MessageFrame, MessageReader, write_frame};
use cellblock_link::request::{
    Failure, FailureKind, GetFiles, KernelReady, MAX_OUTPUT, Reply, Request, RunProcess, Since,
    StartKernel,
};
use cellblock_link::{Connection, LinkError, Opener, Stream};
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::{
    ByteRange, ByteReader, Entry, EventSender, FilesReply, KernelEvent, KernelMessages, Listing,
    Outbound, Process, ProcessEnd, Sandbox, SandboxError, SandboxId, TarReader, Usage, event_queue,
};

/// Kernel events that wait for the service. Beyond it the agent's ring holds them, and says what it had to drop.
const WAITING_EVENTS: usize = 16;

/// Messages to the kernel that wait for the agent.
const WAITING_MESSAGES: usize = 16;

/// How long one question to the agent may take that it answers from memory or with a signal.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long after a process's deadline the agent may take to say how it ended.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Connections out of one sandbox at once, asked for or open. The next one waits in the sandbox.
const CONNECTIONS: usize = 32;

/// Streams at once: for those connections, and for everything else that is asked of the sandbox meanwhile.
pub(super) const STREAMS: usize = CONNECTIONS + 16;

/// How much of the agent's words is believed to be a reason, in characters.
const LONGEST_DETAIL: usize = 500;

/// The kernel's working directory, to the agent.
const HERE: &str = ".";

/// What is at the other end of the link, as a value: dropping it removes it.
#[async_trait]
pub(super) trait Owned: Send + Sync + 'static {
    /// From now on dropping it does not remove it.
    fn leave(&self);
    /// Whether all of it has ended, for want of memory. Asked where the agent does not answer any more.
    async fn ran_out_of_memory(&self) -> bool;
}

/// What a linked sandbox is made of.
pub(super) struct Parts<O> {
    pub(super) id: SandboxId,
    pub(super) link: Connection,
    /// The largest kernel message that is taken, in bytes. Each is held in memory whole.
    pub(super) max_message: usize,
    /// How its kernel is started, each time.
    pub(super) kernel: StartKernel,
    pub(super) owned: O,
}

/// A sandbox that is reached over a link. Dropping it ends the link, then what is owned.
pub(super) struct LinkedSandbox<O> {
    id: SandboxId,
    opener: Opener,
    max_message: usize,
    kernel: StartKernel,
    connections: Arc<Semaphore>,
    pumps: Mutex<JoinSet<()>>,
    _link: Connection,
    owned: O,
}

impl<O: Owned> LinkedSandbox<O> {
    pub(super) fn new(parts: Parts<O>) -> LinkedSandbox<O> {
        LinkedSandbox {
            id: parts.id,
            max_message: parts.max_message,
            kernel: parts.kernel,
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            opener: parts.link.opener(),
            pumps: Mutex::new(JoinSet::new()),
            _link: parts.link,
            owned: parts.owned,
        }
    }

    /// Starts the kernel, which ends the one that runs, and waits until it answers.
    pub(super) async fn start_kernel(&self) -> Result<KernelReady, SandboxError> {
        let request = Request::StartKernel(self.kernel.clone());
        let limit = Duration::from_millis(self.kernel.deadline_ms).saturating_add(END_WITHIN);
        let answer = tokio::time::timeout(limit, self.opener.request(&request));
        let late = |_| SandboxError::Start("the agent says nothing of the kernel".to_owned());
        match answer.await.map_err(late)? {
            Ok((Reply::KernelReady(ready), _)) => Ok(ready),
            Ok((reply, _)) => Err(unexpected(reply)),
            Err(error) => Err(lost(&error)),
        }
    }

    /// Asks what is answered at once.
    async fn ask(&self, request: &Request) -> Result<(Reply, Stream), SandboxError> {
        match tokio::time::timeout(ANSWER_WITHIN, self.opener.request(request)).await {
            Ok(answer) => answer.map_err(|error| lost(&error)),
            Err(_) => Err(SandboxError::Lost("the agent does not answer".to_owned())),
        }
    }

    fn run_process(&self, process: &Process) -> RunProcess {
        let output_limit = u32::try_from(process.output_limit.as_u64()).unwrap_or(MAX_OUTPUT);
        RunProcess {
            arguments: process.arguments.clone(),
            environment: process.environment_variables.clone(),
            directory: process.directory.clone(),
            network: self.kernel.network,
            deadline_ms: u64::try_from(process.deadline.as_millis()).unwrap_or(u64::MAX),
            output_limit: output_limit.min(MAX_OUTPUT),
        }
    }

    async fn tell(&self, request: &Request) -> Result<(), SandboxError> {
        match self.ask(request).await? {
            (Reply::Done, _) => Ok(()),
            (reply, _) => Err(unexpected(reply)),
        }
    }
}

#[async_trait]
impl<O: Owned> Sandbox for LinkedSandbox<O> {
    fn id(&self) -> &SandboxId {
        &self.id
    }

    async fn kernel_messages(&self, after: u64) -> Result<KernelMessages, SandboxError> {
        let (after, stream) = match self.ask(&Request::Messages { after }).await? {
            (Reply::Messages { after }, stream) => (after, stream),
            (reply, _) => return Err(unexpected(reply)),
        };
        let (reader, writer) = tokio::io::split(stream);
        let (outgoing, to_send) = mpsc::channel(WAITING_MESSAGES);
        let (events, incoming) = event_queue(WAITING_EVENTS);
        let mut pumps = self.pumps.lock().await;
        pumps.abort_all();
        pumps.spawn(send(writer, to_send));
        let reader = MessageReader::new(reader, self.max_message);
        pumps.spawn(receive(reader, events));
        Ok(KernelMessages {
            after,
            outgoing,
            incoming,
        })
    }

    async fn restart_kernel(&self) -> Result<u64, SandboxError> {
        self.start_kernel().await.map(|ready| ready.kernel)
    }

    async fn interrupt(&self) -> Result<(), SandboxError> {
        self.tell(&Request::Interrupt).await
    }

    async fn kill_all(&self) -> Result<(), SandboxError> {
        self.tell(&Request::KillAll).await
    }

    async fn put_files(&self, directory: &str, mut tar: TarReader) -> Result<(), SandboxError> {
        self.put(directory, &mut tar).await
    }

    async fn mark_files(&self) -> Result<(), SandboxError> {
        let directory = HERE.to_owned();
        self.tell(&Request::MarkFiles { directory }).await
    }

    async fn get_files(
        &self,
        max_files: u32,
        max_bytes: u64,
    ) -> Result<(FilesReply, TarReader), SandboxError> {
        self.get(GetFiles {
            directory: HERE.to_owned(),
            since: Since::Mark,
            max_files,
            max_bytes,
        })
        .await
    }

    async fn get_directory(
        &self,
        directory: &str,
        max_files: u32,
        max_bytes: u64,
    ) -> Result<(FilesReply, TarReader), SandboxError> {
        self.get(GetFiles {
            directory: directory.to_owned(),
            since: Since::Everything,
            max_files,
            max_bytes,
        })
        .await
    }

    async fn list_files(&self, directory: &str, limit: u32) -> Result<Listing, SandboxError> {
        self.list(directory, limit).await
    }

    async fn file_entry(&self, path: &str) -> Result<Entry, SandboxError> {
        self.entry(path).await
    }

    async fn read_file(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<(Entry, ByteReader), SandboxError> {
        self.read(path, range).await
    }

    async fn write_file(&self, path: &str, mut content: ByteReader) -> Result<Entry, SandboxError> {
        self.write(path, &mut content).await
    }

    async fn append_file(
        &self,
        path: &str,
        mut content: ByteReader,
    ) -> Result<Entry, SandboxError> {
        self.append(path, &mut content).await
    }

    async fn make_directory(&self, path: &str) -> Result<Entry, SandboxError> {
        self.new_directory(path).await
    }

    async fn rename_file(&self, from: &str, to: &str) -> Result<Entry, SandboxError> {
        self.rename(from, to).await
    }

    async fn delete_file(&self, path: &str) -> Result<(), SandboxError> {
        self.delete(path).await
    }

    async fn usage(&self) -> Result<Usage, SandboxError> {
        match self.ask(&Request::Usage).await {
            Ok((Reply::Usage(usage), _)) => Ok(usage),
            Ok((reply, _)) => Err(unexpected(reply)),
            Err(_) if self.owned.ran_out_of_memory().await => Ok(Usage {
                oom_kills: 1,
                ..Usage::default()
            }),
            Err(error) => Err(error),
        }
    }

    async fn run(&self, process: &Process) -> Result<ProcessEnd, SandboxError> {
        let request = Request::Run(self.run_process(process));
        let answer = self.opener.request(&request);
        match tokio::time::timeout(process.deadline.saturating_add(END_WITHIN), answer).await {
            Ok(Ok((Reply::Ran(end), _))) => Ok(end),
            Ok(Ok((reply, _))) => Err(unexpected(reply)),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => Err(SandboxError::Lost(
                "the agent does not say how the process ended".to_owned(),
            )),
        }
    }

    async fn next_connection(&self) -> Result<Outbound, SandboxError> {
        outbound::next(&self.opener, &self.connections).await
    }

    fn leave(&self) {
        self.owned.leave();
    }
}

/// Carries messages to the kernel until either side has gone.
async fn send(mut writer: WriteHalf<Stream>, mut messages: mpsc::Receiver<KernelMessage>) {
    while let Some(message) = messages.recv().await {
        let frame = MessageFrame::Message(message);
        if let Err(error) = write_frame(&mut writer, &frame).await {
            if error.kind() == io::ErrorKind::InvalidInput {
                tracing::warn!(%error, "a message to the kernel was malformed");
                continue;
            }
            return;
        }
        if writer.flush().await.is_err() {
            return;
        }
    }
}

/// Carries events from the kernel until either side has gone.
async fn receive(mut reader: MessageReader<ReadHalf<Stream>>, events: EventSender) {
    loop {
        let frame = tokio::select! {
            frame = reader.next() => frame,
            () = events.closed() => return,
        };
        let event = match frame {
            Ok(Some(MessageFrame::Message(message))) => KernelEvent::Message(message),
            Ok(Some(MessageFrame::Gap { after })) => KernelEvent::Gap { after },
            Ok(Some(MessageFrame::KernelExit { kernel, exit })) => {
                KernelEvent::Exited { kernel, exit }
            }
            Ok(None) => return,
            // Too long, or nonsense: there is no way to go on.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let _ = events.send(KernelEvent::Unreadable).await;
                return;
            }
            Err(error) => {
                tracing::debug!(%error, "the kernel's messages ended");
                return;
            }
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

/// What a link's failure means to whoever asked for something.
pub(super) fn lost(error: &LinkError) -> SandboxError {
    SandboxError::Lost(error.to_string())
}

/// What it means that a reply is not the one that was asked for.
fn unexpected(reply: Reply) -> SandboxError {
    let Reply::Failed(Failure { kind, detail }) = reply else {
        return SandboxError::Lost("the agent answered something else".to_owned());
    };
    let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
    match kind {
        FailureKind::Kernelspec | FailureKind::KernelStart | FailureKind::Process => {
            SandboxError::Start(detail)
        }
        FailureKind::NoKernel
        | FailureKind::Request
        | FailureKind::Refused
        | FailureKind::Unreachable => SandboxError::Lost(detail),
        FailureKind::Files => SandboxError::Files(detail),
        FailureKind::NoSuchFile => SandboxError::NoSuchFile(detail),
        FailureKind::FileExists => SandboxError::FileExists(detail),
        FailureKind::NotAFile => SandboxError::NotAFile(detail),
        FailureKind::NotADirectory => SandboxError::NotADirectory(detail),
        FailureKind::NoSpace => SandboxError::NoSpace(detail),
        FailureKind::NoPermission => SandboxError::NoPermission(detail),
        FailureKind::BadPath => SandboxError::BadPath(detail),
    }
}
