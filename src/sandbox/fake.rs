//! An engine in memory, for the fast tests: its kernels speak real Jupyter messages and run a tiny language.
//!
//! Nothing here waits for anything but tokio's clock, so that under paused time every test is instant and
//! always the same. What the code of a fake kernel may say is listed at [`script`].

mod events;
mod files;
mod kernel;
mod ledger;
mod message;
mod network;
mod processes;
mod sandbox;
pub mod script;

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::registry::Registry;
use tokio::time::sleep;

use self::ledger::Ledger;
pub use self::ledger::{Counts, Happening};
use self::processes::Processes;
use self::sandbox::FakeSandbox;
use super::{
    Engine, EngineVersion, EnvironmentImage, PackageManager, PackageVolumeInfo, Process,
    ProcessEnd, Sandbox, SandboxError, SandboxId, SandboxSpec,
};

/// Whether the engine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It does.
    Here,
    /// Every call fails with [`SandboxError::EngineAway`].
    Away,
}

/// What becomes of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    /// It works, after the start delay.
    Work,
    /// It fails with [`SandboxError::Start`], after the start delay.
    Fail,
    /// It never ends.
    Hang,
}

/// An engine in memory. Its clones are the same engine.
#[derive(Clone, Debug)]
pub struct FakeEngine {
    knobs: Arc<Mutex<Knobs>>,
    ledger: Arc<Ledger>,
    processes: Arc<Processes>,
}

#[derive(Debug)]
struct Knobs {
    environments: Vec<EnvironmentImage>,
    presence: Presence,
    starts: Starts,
    failing: u32,
    delay: Duration,
    strays: usize,
    package_volumes: BTreeMap<String, jiff::Timestamp>,
    memory_used: Option<f64>,
}

impl Default for FakeEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeEngine {
    /// An engine with the environments `python` and `bash`, whose starts work and take no time.
    #[must_use]
    pub fn new() -> FakeEngine {
        FakeEngine {
            knobs: Arc::new(Mutex::new(Knobs {
                environments: vec![environment("bash"), environment("python")],
                presence: Presence::Here,
                starts: Starts::Work,
                failing: 0,
                delay: Duration::ZERO,
                strays: 0,
                package_volumes: BTreeMap::new(),
                memory_used: None,
            })),
            ledger: Arc::default(),
            processes: Arc::default(),
        }
    }

    /// The environments whose images are there from now on.
    pub fn set_environments(&self, environments: Vec<EnvironmentImage>) {
        self.knobs().environments = environments;
    }

    /// Whether it answers from now on.
    pub fn set_presence(&self, presence: Presence) {
        self.knobs().presence = presence;
    }

    /// What becomes of starts from now on.
    pub fn set_starts(&self, starts: Starts) {
        self.knobs().starts = starts;
    }

    /// The next `count` starts fail, whatever the others do.
    pub fn fail_starts(&self, count: u32) {
        self.knobs().failing = count;
    }

    /// How long starts take from now on.
    pub fn set_start_delay(&self, delay: Duration) {
        self.knobs().delay = delay;
    }

    /// The share of its host's memory that is in use from now on. Before that, nobody knows.
    pub fn set_memory_used(&self, used: f64) {
        self.knobs().memory_used = Some(used);
    }

    /// Leaves containers of an earlier life of the service behind, for the next sweep.
    pub fn leave_strays(&self, count: usize) {
        self.knobs().strays = count;
    }

    /// Ends the kernels of all sandboxes that no code was sent to; says how many.
    pub fn kill_warm(&self) -> usize {
        self.ledger.kill_warm()
    }

    /// Makes all sandboxes that no code was sent to unreachable; says how many.
    pub fn lose_warm(&self) -> usize {
        self.ledger.lose_warm()
    }

    /// How processes end from now on, each as the function says of it. Before that, with exit code 0 and silent.
    pub fn set_processes(&self, script: impl Fn(&Process) -> ProcessEnd + Send + Sync + 'static) {
        self.processes.set_script(Arc::new(script));
    }

    /// How long processes take from now on. One that reaches its deadline is killed.
    pub fn set_process_duration(&self, takes: Duration) {
        self.processes.set_duration(takes);
    }

    /// The processes that were run in any sandbox, in order.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        self.processes.all()
    }

    /// What there is and was.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.ledger.counts()
    }

    /// What happened, in order.
    #[must_use]
    pub fn history(&self) -> Vec<Happening> {
        self.ledger.history()
    }

    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.knobs
            .lock()
            .expect("nothing panics while it holds the knobs")
    }

    fn answer(&self) -> Result<(), SandboxError> {
        match self.knobs().presence {
            Presence::Here => Ok(()),
            Presence::Away => Err(SandboxError::EngineAway("told to be".to_owned())),
        }
    }

    /// What becomes of the start that begins now.
    fn next_start(&self) -> Starts {
        let mut knobs = self.knobs();
        if knobs.failing == 0 {
            return knobs.starts;
        }
        knobs.failing -= 1;
        Starts::Fail
    }
}

/// Those of languages that have one.
fn package_manager(environment: &str) -> PackageManager {
    match environment {
        "python" => PackageManager::Pip,
        "javascript" => PackageManager::Npm,
        _ => PackageManager::None,
    }
}

/// An environment of this name, with an image of the same name.
#[must_use]
pub fn environment(name: &str) -> EnvironmentImage {
    EnvironmentImage {
        name: name.to_owned(),
        display_name: name.to_uppercase(),
        language: name.to_owned(),
        image: format!("sha256:{name}"),
        kernelspec: name.to_owned(),
        home: "/home/jovyan".to_owned(),
        volumes: Vec::new(),
        package_manager: package_manager(name),
        users: None,
    }
}

#[async_trait]
impl Engine for FakeEngine {
    async fn version(&self) -> Result<EngineVersion, SandboxError> {
        self.answer()?;
        Ok(EngineVersion {
            version: "fake".to_owned(),
            api_version: "1".to_owned(),
        })
    }

    async fn environments(&self) -> Result<Vec<EnvironmentImage>, SandboxError> {
        self.answer()?;
        Ok(self.knobs().environments.clone())
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<Box<dyn Sandbox>, SandboxError> {
        self.answer()?;
        let _starting = self.ledger.begin(spec);
        let (becomes, delay) = (self.next_start(), self.knobs().delay);
        sleep(delay).await;
        match becomes {
            Starts::Work => {}
            Starts::Fail => return Err(SandboxError::Start("told to fail".to_owned())),
            Starts::Hang => pending().await,
        }
        self.answer()?;
        Ok(Box::new(FakeSandbox::start(
            spec,
            &self.ledger,
            &self.processes,
        )))
    }

    fn expect(&self, sandbox: &SandboxId) {
        self.ledger.expect(sandbox);
    }

    async fn adopt(
        &self,
        sandbox: &SandboxId,
        _spec: &SandboxSpec,
    ) -> Result<Box<dyn Sandbox>, SandboxError> {
        self.answer()?;
        let life = self.ledger.adopt(sandbox);
        let life = life.ok_or_else(|| SandboxError::Gone("there is none".to_owned()))?;
        Ok(Box::new(FakeSandbox::of(life, &self.processes)))
    }

    fn abandon(&self, sandbox: &SandboxId) {
        if let Some(life) = self.ledger.adopt(sandbox) {
            drop(FakeSandbox::of(life, &self.processes));
        }
    }

    async fn sweep(&self) -> Result<usize, SandboxError> {
        self.answer()?;
        self.ledger.swept();
        Ok(std::mem::take(&mut self.knobs().strays))
    }

    async fn create_package_volume(&self, name: &str) -> Result<(), SandboxError> {
        self.answer()?;
        let now = jiff::Timestamp::now();
        let mut knobs = self.knobs();
        knobs.package_volumes.entry(name.to_owned()).or_insert(now);
        Ok(())
    }

    async fn remove_package_volume(&self, name: &str) -> Result<(), SandboxError> {
        self.answer()?;
        if self.ledger.uses_packages(name) {
            return Err(SandboxError::EngineRefused("it is in use".to_owned()));
        }
        self.knobs().package_volumes.remove(name);
        Ok(())
    }

    async fn package_volumes(&self) -> Result<Vec<PackageVolumeInfo>, SandboxError> {
        self.answer()?;
        let knobs = self.knobs();
        let volumes = knobs.package_volumes.iter();
        Ok(volumes
            .map(|(name, created)| PackageVolumeInfo {
                name: name.clone(),
                created: *created,
            })
            .collect())
    }

    fn host_memory_used(&self) -> Option<f64> {
        self.knobs().memory_used
    }

    async fn drain(&self, _limit: Duration) -> usize {
        0
    }

    fn register_metrics(&self, _registry: &mut Registry) {}
}
