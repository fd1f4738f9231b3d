//! A fake sandbox: a kernel task, files, and what can be done to them from outside.

use std::future::pending;
use std::io::Cursor;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::events::Events;
use super::files::{Files, Which};
use super::kernel;
use super::ledger::Ledger;
use super::network::Outlet;
use super::processes::Processes;
use crate::sandbox::{
    ByteRange, ByteReader, Entry, FilesReply, KernelMessage, KernelMessages, KernelStart, Listing,
    Outbound, Process, ProcessEnd, Sandbox, SandboxError, SandboxId, SandboxSpec, TarReader, Usage,
};

/// Messages that wait for the kernel, and events for their reader.
const QUEUE: usize = 256;

/// What the sandbox, its kernel and the engine share.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) id: SandboxId,
    pub(super) spec: SandboxSpec,
    pub(super) ledger: Arc<Ledger>,
    pub(super) outlet: Outlet,
    pub(super) interrupted: Notify,
    /// What the kernels, one after the other, have said.
    pub(super) events: Events,
    messages: AtomicU64,
    kernels: AtomicU64,
    kernel: Mutex<Option<RunningKernel>>,
    pub(super) lost: CancellationToken,
    pub(super) deaf: AtomicBool,
    pub(super) stalled: AtomicBool,
    pub(super) oom_kills: AtomicU64,
    files: Mutex<Files>,
}

/// The kernel of a sandbox.
#[derive(Clone, Debug)]
struct RunningKernel {
    requests: mpsc::Sender<KernelMessage>,
    killed: CancellationToken,
}

impl Life {
    /// Starts a kernel, after killing the one that runs; tells its number.
    fn start_kernel(self: &Arc<Self>) -> u64 {
        let (requests, requested) = mpsc::channel(QUEUE);
        let killed = CancellationToken::new();
        let number = self.kernels.fetch_add(1, Ordering::Relaxed) + 1;
        let run = kernel::run(self.clone(), number, requested, killed.clone());
        tokio::spawn(run);
        let before = self.kernel().replace(RunningKernel { requests, killed });
        if let Some(before) = before {
            before.killed.cancel();
        }
        number
    }

    /// Ends the kernel's process by signal.
    pub(super) fn kill(&self) {
        if let Some(kernel) = &*self.kernel() {
            kernel.killed.cancel();
        }
    }

    /// The number of the next message of a kernel.
    pub(super) fn next_message(&self) -> u64 {
        self.messages.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Passes messages on to whichever kernel runs then.
    async fn pass_on(self: Arc<Self>, mut outgoing: mpsc::Receiver<KernelMessage>) {
        while let Some(message) = outgoing.recv().await {
            let kernel = self.kernel().clone();
            if let Some(kernel) = kernel {
                // One that has ended hears nothing.
                let _ = kernel.requests.send(message).await;
            }
        }
    }

    fn kernel(&self) -> MutexGuard<'_, Option<RunningKernel>> {
        self.kernel
            .lock()
            .expect("nothing panics while it holds the kernel")
    }

    /// Cuts the sandbox off.
    pub(super) fn lose(&self) {
        self.lost.cancel();
        self.events.close();
    }

    pub(super) fn files(&self) -> MutexGuard<'_, Files> {
        self.files
            .lock()
            .expect("nothing panics while it holds the files")
    }

    /// As an operation over the link: fails once the sandbox is lost, and does not end while it stalls.
    async fn reach(&self) -> Result<(), SandboxError> {
        if self.lost.is_cancelled() {
            return Err(SandboxError::Lost("told to be".to_owned()));
        }
        if self.stalled.load(Ordering::Relaxed) {
            pending().await
        }
        Ok(())
    }
}

pub(super) struct FakeSandbox {
    life: Arc<Life>,
    processes: Arc<Processes>,
    end: Mutex<End>,
}

/// What becomes of a sandbox that is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Removed,
    Left,
}

impl FakeSandbox {
    /// Call it within a tokio runtime.
    pub(super) fn start(
        spec: &SandboxSpec,
        ledger: &Arc<Ledger>,
        processes: &Arc<Processes>,
    ) -> FakeSandbox {
        let life = Arc::new(Life {
            id: SandboxId::random(),
            spec: spec.clone(),
            ledger: ledger.clone(),
            outlet: Outlet::default(),
            interrupted: Notify::new(),
            events: Events::default(),
            messages: AtomicU64::new(0),
            kernels: AtomicU64::new(0),
            kernel: Mutex::default(),
            lost: CancellationToken::new(),
            deaf: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            oom_kills: AtomicU64::new(0),
            files: Mutex::default(),
        });
        ledger.made(&life.id, life.clone());
        match spec.kernel {
            KernelStart::Now => drop(life.start_kernel()),
            KernelStart::Never => {}
        }
        FakeSandbox::of(life, processes)
    }

    /// One that lives already.
    pub(super) fn of(life: Arc<Life>, processes: &Arc<Processes>) -> FakeSandbox {
        FakeSandbox {
            life,
            processes: processes.clone(),
            end: Mutex::new(End::Removed),
        }
    }
}

async fn read_all(content: &mut ByteReader) -> Result<Vec<u8>, SandboxError> {
    let mut bytes = Vec::new();
    let read = content.read_to_end(&mut bytes).await;
    read.map_err(SandboxError::Content)?;
    Ok(bytes)
}

impl Drop for FakeSandbox {
    fn drop(&mut self) {
        match *self.end.get_mut().expect("nothing panics with it") {
            End::Removed => {
                self.life.lose();
                self.life.ledger.removed(&self.life.id);
            }
            End::Left => self.life.ledger.expect(&self.life.id),
        }
    }
}

#[async_trait]
impl Sandbox for FakeSandbox {
    fn id(&self) -> &SandboxId {
        &self.life.id
    }

    async fn kernel_messages(&self, after: u64) -> Result<KernelMessages, SandboxError> {
        self.life.reach().await?;
        let (outgoing, to_send) = mpsc::channel(QUEUE);
        let pass_on = self.life.clone().pass_on(to_send);
        tokio::spawn(self.life.lost.clone().run_until_cancelled_owned(pass_on));
        Ok(KernelMessages {
            after,
            outgoing,
            incoming: self.life.events.listen(after),
        })
    }

    async fn restart_kernel(&self) -> Result<u64, SandboxError> {
        self.life.reach().await?;
        self.life.deaf.store(false, Ordering::Relaxed);
        Ok(self.life.start_kernel())
    }

    async fn interrupt(&self) -> Result<(), SandboxError> {
        self.life.reach().await?;
        if !self.life.deaf.load(Ordering::Relaxed) {
            self.life.interrupted.notify_waiters();
        }
        Ok(())
    }

    async fn kill_all(&self) -> Result<(), SandboxError> {
        self.life.reach().await?;
        self.life.kill();
        Ok(())
    }

    async fn put_files(&self, directory: &str, mut tar: TarReader) -> Result<(), SandboxError> {
        self.life.reach().await?;
        let bytes = read_all(&mut tar).await?;
        let mut files = self.life.files();
        files.check_way_into(directory)?;
        let unpacked = files.unpack(directory, &bytes);
        unpacked.map_err(|error| SandboxError::Files(error.to_string()))
    }

    async fn mark_files(&self) -> Result<(), SandboxError> {
        self.life.reach().await?;
        self.life.files().mark();
        Ok(())
    }

    async fn get_files(
        &self,
        max_files: u32,
        max_bytes: u64,
    ) -> Result<(FilesReply, TarReader), SandboxError> {
        self.life.reach().await?;
        let (reply, tar) = self.life.files().pack(Which::New, max_files, max_bytes);
        Ok((reply, Box::new(Cursor::new(tar))))
    }

    async fn get_directory(
        &self,
        directory: &str,
        max_files: u32,
        max_bytes: u64,
    ) -> Result<(FilesReply, TarReader), SandboxError> {
        self.life.reach().await?;
        let files = self.life.files();
        files.check_directory(directory)?;
        let (reply, tar) = files.pack(Which::Below(directory), max_files, max_bytes);
        Ok((reply, Box::new(Cursor::new(tar))))
    }

    async fn list_files(&self, directory: &str, limit: u32) -> Result<Listing, SandboxError> {
        self.life.reach().await?;
        self.life.files().list(directory, limit)
    }

    async fn file_entry(&self, path: &str) -> Result<Entry, SandboxError> {
        self.life.reach().await?;
        self.life.files().entry(path)
    }

    async fn read_file(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<(Entry, ByteReader), SandboxError> {
        self.life.reach().await?;
        let (entry, part) = self.life.files().read_part(path, range)?;
        Ok((entry, Box::new(Cursor::new(part))))
    }

    async fn write_file(&self, path: &str, mut content: ByteReader) -> Result<Entry, SandboxError> {
        self.life.reach().await?;
        let bytes = read_all(&mut content).await?;
        let mut files = self.life.files();
        files.check_new_file(path)?;
        files.write(path, bytes);
        files.entry(path)
    }

    async fn append_file(
        &self,
        path: &str,
        mut content: ByteReader,
    ) -> Result<Entry, SandboxError> {
        self.life.reach().await?;
        let bytes = read_all(&mut content).await?;
        let mut files = self.life.files();
        let (_, mut whole) = files.read_part(path, None)?;
        whole.extend(bytes);
        files.write(path, whole);
        files.entry(path)
    }

    async fn make_directory(&self, path: &str) -> Result<Entry, SandboxError> {
        self.life.reach().await?;
        self.life.files().make_directory(path)
    }

    async fn rename_file(&self, from: &str, to: &str) -> Result<Entry, SandboxError> {
        self.life.reach().await?;
        self.life.files().rename(from, to)
    }

    async fn delete_file(&self, path: &str) -> Result<(), SandboxError> {
        self.life.reach().await?;
        self.life.files().delete(path)
    }

    async fn usage(&self) -> Result<Usage, SandboxError> {
        self.life.reach().await?;
        Ok(Usage {
            cpu_ms: 7,
            memory_bytes: 1 << 20,
            peak_memory_bytes: 2 << 20,
            oom_kills: self.life.oom_kills.load(Ordering::Relaxed),
            processes: 1,
        })
    }

    async fn run(&self, process: &Process) -> Result<ProcessEnd, SandboxError> {
        self.life.reach().await?;
        let lost = self.life.lost.clone();
        let end = lost.run_until_cancelled(self.processes.run(process)).await;
        end.ok_or_else(|| SandboxError::Lost("told to be".to_owned()))
    }

    async fn next_connection(&self) -> Result<Outbound, SandboxError> {
        self.life.reach().await?;
        let lost = self.life.lost.clone();
        let next = lost.run_until_cancelled(self.life.outlet.next()).await;
        next.unwrap_or_else(|| Err(SandboxError::Lost("told to be".to_owned())))
    }

    fn leave(&self) {
        *self.end.lock().expect("nothing panics with it") = End::Left;
    }
}
