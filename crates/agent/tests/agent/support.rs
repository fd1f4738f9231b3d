//! The real agent over real pipes, and kernels of a few lines: a shell script for the process, and the sockets
//! of another ZeroMQ implementation in the test itself.

use std::fs;
use std::io::{PipeReader, PipeWriter};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cellblock_link::message::{KernelMessage, MessageFrame, MessageReader, write_frame};
use cellblock_link::request::{KernelReady, Network, Reply, Request, StartKernel};
use cellblock_link::{Connection, LinkConfig, Opener, Stream};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::fake::{FakeKernel, Ports};

/// Longer than anything here takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running agent, and a home for it. Dropping it kills it and what it has started.
pub struct Agent {
    child: Child,
    stdin: PipeWriter,
    stdout: PipeReader,
    home: TempDir,
}

impl Agent {
    /// Starts the agent, as a user without rights where the tests run as root.
    pub fn start() -> Agent {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let (their_stdin, stdin) = std::io::pipe().unwrap();
        let (stdout, their_stdout) = std::io::pipe().unwrap();
        let mut command = Command::new(program(&home));
        command
            .stdin(their_stdin)
            .stdout(their_stdout)
            .stderr(Stdio::null());
        command
            .env("HOME", home.path())
            .env_remove("JUPYTER_PATH")
            .current_dir("/");
        if fs::metadata(home.path()).unwrap().uid() == 0 {
            command.uid(1000).gid(100);
        }
        let child = command.spawn().unwrap();
        Agent {
            child,
            stdin,
            stdout,
            home,
        }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// The inodes of its stdin and stdout.
    pub fn link(&self) -> [u64; 2] {
        [
            fstat(&self.stdin).unwrap().st_ino,
            fstat(&self.stdout).unwrap().st_ino,
        ]
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A new client on the agent's pipes.
    pub async fn connect(&self) -> Connection {
        let stdout = pipe::Receiver::from_owned_fd(self.stdout.try_clone().unwrap().into());
        let stdin = pipe::Sender::from_owned_fd(self.stdin.try_clone().unwrap().into());
        Connection::open(stdout.unwrap(), stdin.unwrap(), LinkConfig::default())
            .await
            .unwrap()
            .0
    }

    /// Writes the kernelspec `test`: a shell script, `$1` being the connection file.
    pub fn write_kernelspec(&self, script: &str, interrupt_mode: &str) {
        let directory = self.home().join(".local/share/jupyter/kernels/test");
        fs::create_dir_all(&directory).unwrap();
        let argv = ["/bin/sh", "-c", script, "sh", "{connection_file}"];
        let spec = serde_json::json!({ "argv": argv, "interrupt_mode": interrupt_mode });
        fs::write(directory.join("kernel.json"), spec.to_string()).unwrap();
        open_to_all(&self.home().join(".local"));
    }

    /// A pipe in the home, for scripts to talk through.
    pub fn make_pipe(&self, name: &str) -> PathBuf {
        let path = self.home().join(name);
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        path
    }

    /// Processes that the agent has started or inherited, zombies included.
    pub fn children(&self) -> Vec<Pid> {
        let pid = self.child.id();
        let children =
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children
            .split_whitespace()
            .map(|child| Pid::from_raw(child.parse().unwrap()))
            .collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        for child in self.children() {
            let _ = killpg(child, Signal::SIGKILL);
            let _ = kill(child, Signal::SIGKILL);
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The agent's program, where any user can execute it. Another process copies it: a file that is open to be
/// written cannot be executed, and whatever another test starts meanwhile would inherit it from this one.
fn program(home: &TempDir) -> PathBuf {
    let program = home.path().join("cellblock-agent");
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_cellblock-agent"))
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    program
}

fn open_to_all(directory: &Path) {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).unwrap();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            open_to_all(&entry.path());
        }
    }
}

/// What a script writes into a pipe.
pub async fn read_pipe(path: &Path) -> String {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || fs::read_to_string(path).unwrap());
    timeout(PATIENCE, reading).await.unwrap().unwrap()
}

/// What a script waits to read from a pipe.
pub async fn write_pipe(path: &Path, text: &'static str) {
    let path = path.to_owned();
    let writing = tokio::task::spawn_blocking(move || fs::write(path, text).unwrap());
    timeout(PATIENCE, writing).await.unwrap().unwrap();
}

pub async fn ask(opener: &Opener, request: &Request) -> Reply {
    timeout(PATIENCE, opener.request(request))
        .await
        .unwrap()
        .unwrap()
        .0
}

/// Starts the kernel `test` in the folder `work` of the home.
pub fn start_request() -> StartKernel {
    StartKernel {
        kernelspec: "test".to_owned(),
        environment: [("GIVEN".to_owned(), "given".to_owned())].into(),
        working_directory: "work".to_owned(),
        network: Network::None,
        deadline_ms: PATIENCE.as_millis() as u64,
    }
}

/// An agent with a fake kernel that is ready.
pub struct Running {
    pub agent: Agent,
    pub connection: Connection,
    pub kernel: FakeKernel,
    pub ready: KernelReady,
}

/// A script that hands over its connection file and then does as the rest says.
pub fn script(rest: &str) -> String {
    format!(r#"cat "$1" > "$HOME/connection"; {rest}"#)
}

/// The rest of a script that ends when it is told how.
pub const END_WHEN_TOLD: &str = r#"read code < "$HOME/end"; exit "$code""#;

impl Running {
    pub async fn start(rest: &str, interrupt_mode: &str) -> Running {
        let agent = Agent::start();
        agent.write_kernelspec(&script(rest), interrupt_mode);
        agent.make_pipe("connection");
        agent.make_pipe("end");
        let connection = agent.connect().await;
        let (kernel, ready) = start_kernel(&agent, &connection).await;
        Running {
            agent,
            connection,
            kernel,
            ready,
        }
    }

    pub fn opener(&self) -> Opener {
        self.connection.opener()
    }

    pub async fn messages(&self, after: u64) -> Messages {
        Messages::open(&self.opener(), after).await
    }

    pub async fn end_kernel(&self, code: &'static str) {
        write_pipe(&self.agent.home().join("end"), code).await;
    }
}

/// Starts a kernel of an agent whose kernelspec is written.
pub async fn start_kernel(agent: &Agent, connection: &Connection) -> (FakeKernel, KernelReady) {
    let opener = connection.opener();
    let request = Request::StartKernel(start_request());
    let starting = ask(&opener, &request);
    let serving = async {
        let file = read_pipe(&agent.home().join("connection")).await;
        FakeKernel::serve(Ports::parse(&file)).await
    };
    let (reply, kernel) = tokio::join!(starting, serving);
    match reply {
        Reply::KernelReady(ready) => (kernel, ready),
        other => panic!("{other:?}"),
    }
}

/// A messages stream.
pub struct Messages {
    pub after: u64,
    reader: MessageReader<ReadHalf<Stream>>,
    writer: WriteHalf<Stream>,
}

impl Messages {
    pub async fn open(opener: &Opener, after: u64) -> Messages {
        let request = Request::Messages { after };
        let (reply, stream) = timeout(PATIENCE, opener.request(&request))
            .await
            .unwrap()
            .unwrap();
        let Reply::Messages { after } = reply else {
            panic!("{reply:?}")
        };
        let (reader, writer) = split(stream);
        Messages {
            after,
            reader: MessageReader::new(reader, 256 << 20),
            writer,
        }
    }

    pub async fn send(&mut self, message: KernelMessage) {
        write_frame(&mut self.writer, &MessageFrame::Message(message))
            .await
            .unwrap();
    }

    /// The next frame; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<MessageFrame> {
        timeout(PATIENCE, self.reader.next())
            .await
            .unwrap()
            .unwrap()
    }

    /// The next frame, which must be a message.
    pub async fn message(&mut self) -> KernelMessage {
        match self.next().await {
            Some(MessageFrame::Message(message)) => message,
            other => panic!("{other:?}"),
        }
    }
}
