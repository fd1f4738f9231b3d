//! A service under test, and the engine seen from outside.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

/// The built program.
pub const CELLBLOCK: &str = env!("CARGO_BIN_EXE_cellblock");

/// How long a service may take until it listens: sweep, file store.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);

/// How long a thing that happens in the background may take.
pub const SOON: Duration = Duration::from_secs(60);

/// The lines that a service has logged, in all its lives.
type Log = Arc<Mutex<Vec<String>>>;

/// A `cellblock serve` of its own. Dropping it ends it and fails the test if anything of it is left.
pub struct Service {
    process: Child,
    url: String,
    instance: String,
    setup: Setup,
    log: Log,
    client: reqwest::Client,
}

/// What a service is started with.
pub struct Setup {
    /// Besides those that keep it apart from others.
    pub settings: Vec<String>,
    /// Environment variables of its process.
    pub variables: Vec<(&'static str, String)>,
    /// Its state directory.
    pub state: tempfile::TempDir,
    /// Where its containers are looked for from outside.
    pub engine: Engine,
}

impl Service {
    /// Starts one with no pool, so that nothing runs but what the test asks for.
    pub async fn start(settings: &[&str]) -> Service {
        Service::start_with_pool(&[], settings).await
    }

    /// Starts one with a warm sandbox of each of these environments, and of no other that this machine may have.
    pub async fn start_with_pool(environments: &[&str], settings: &[&str]) -> Service {
        Service::start_as(Setup::with_pool(environments, settings)).await
    }

    /// Starts one as it is said.
    pub async fn start_as(setup: Setup) -> Service {
        let instance = format!("test-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let log = Log::default();
        let (process, url) = spawn(&instance, &setup, &log);
        Service {
            process,
            url,
            instance,
            setup,
            log,
            client: client(),
        }
    }

    /// Where it is.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Whoever speaks to it.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// What it has logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Runs code in an environment; the whole answer.
    pub async fn execute(&self, environment: &str, code: &str) -> Value {
        self.execute_with(environment, code, json!({})).await
    }

    /// Runs code with more fields.
    pub async fn execute_with(&self, environment: &str, code: &str, fields: Value) -> Value {
        let (status, answer) = self.post(environment, code, fields).await;
        assert_eq!(status, 200, "{answer:#}");
        answer
    }

    /// Posts an execution; whatever comes back.
    pub async fn post(&self, environment: &str, code: &str, fields: Value) -> (u16, Value) {
        let mut body = json!({"code": code, "execution_environment": environment});
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let answer = self
            .client
            .post(self.url("/jupyter/execute"))
            .json(&body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// `GET`s JSON.
    pub async fn get(&self, path: &str) -> Value {
        self.client
            .get(self.url(path))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Waits until every environment's pool is as full as it should be.
    pub async fn pool_is_full(&self) {
        let full = async || {
            let health = self.get("/jupyter/health").await;
            let environments = health["environments"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            !environments.is_empty()
                && environments
                    .values()
                    .all(|pool| pool["warm"] == pool["size"] && pool["starting"] == 0)
        };
        eventually("the pool is full", full).await;
    }

    /// The ids of its containers, running or not.
    pub fn containers(&self) -> Vec<String> {
        self.setup.engine.containers_of(&self.instance)
    }

    /// Its volumes of packages.
    pub fn volumes(&self) -> Vec<String> {
        self.setup.engine.volumes_of(&self.instance)
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        &self.setup.engine
    }

    /// Its state directory.
    pub fn state(&self) -> &Path {
        self.setup.state.path()
    }

    /// Waits until it has exactly so many containers.
    pub async fn has_containers(&self, count: usize) {
        let reached = async || self.containers().len() == count;
        eventually(&format!("{count} containers"), reached).await;
    }

    /// Kills it without a word.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again as it was.
    pub fn restart(&mut self) {
        (self.process, self.url) = spawn(&self.instance, &self.setup, &self.log);
    }

    /// Asks it to stop; how it ended.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.process.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return self.clear_away();
        }
        if self.process.try_wait().unwrap().is_none() {
            self.terminate();
        }
        let left = self.containers();
        self.clear_away();
        assert!(left.is_empty(), "left behind: {left:?}");
        let panics = |line: &String| line.contains("panicked at");
        assert!(
            !self.log().iter().any(panics),
            "a panic is in the log above"
        );
    }
}

impl Service {
    /// Ends it and removes what there is of it, as far as that can be done: its engine may be away. Packages are kept for the
    /// next life of an instance, and this one has none.
    fn clear_away(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let engine = &self.setup.engine;
        let containers = engine.try_ids(&containers_query(&self.instance));
        let volumes = engine.try_ids(&volumes_query(&self.instance));
        for container in containers.unwrap_or_default() {
            let _ = engine.try_docker(&["rm", "-f", "-v", &container]);
        }
        for volume in volumes.unwrap_or_default() {
            let _ = engine.try_docker(&["volume", "rm", &volume]);
        }
    }
}

impl Setup {
    /// With a warm sandbox of each of these environments. Sessions end with the service, unless the settings say otherwise.
    pub fn with_pool(environments: &[&str], settings: &[&str]) -> Setup {
        let sizes = environments.iter().map(|name| format!("{name}=1"));
        let sizes: Vec<String> = sizes.collect();
        let mut all = vec![
            "--pool-size=0".to_owned(),
            format!("--pool-sizes={}", sizes.join(",")),
        ];
        let at_shutdown = "--sessions-at-shutdown";
        if !settings.iter().any(|it| it.starts_with(at_shutdown)) {
            all.push(format!("{at_shutdown}=end"));
        }
        all.extend(settings.iter().map(|setting| (*setting).to_owned()));
        Setup {
            settings: all,
            variables: Vec::new(),
            state: tempfile::tempdir().unwrap(),
            engine: Engine::default(),
        }
    }
}

fn client() -> reqwest::Client {
    // The service's shell has reqwest built to ask for it, for plain HTTP too. That another test was faster is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn spawn(instance: &str, setup: &Setup, log: &Log) -> (Child, String) {
    let mut process = Command::new(CELLBLOCK)
        .arg("serve")
        .arg("--listen=127.0.0.1:0")
        .arg(format!("--engine-instance={instance}"))
        .arg(format!("--state-dir={}", setup.state.path().display()))
        .args(&setup.settings)
        .envs(setup.variables.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (lines, kept) = (BufReader::new(process.stderr.take().unwrap()), log.clone());
    let (found, url) = mpsc::channel();
    // Ends with the service: it reads its log.
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if let Some(url) = listening(&line) {
                let _ = found.send(url);
            }
            eprintln!("{line}");
            kept.lock().unwrap().push(line);
        }
    });
    let Ok(url) = url.recv_timeout(LISTENS_WITHIN) else {
        // It may have ended already.
        let _ = process.kill();
        panic!("it did not listen; its log is above");
    };
    (process, url)
}

/// The url in a log line that has it.
fn listening(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("listening on ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// An engine, as the docker client sees it. The default is the client's own.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    /// `unix://…`
    pub host: Option<String>,
}

impl Engine {
    /// What the docker client prints.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let printed = self.try_docker(arguments);
        printed.unwrap_or_else(|error| panic!("docker {arguments:?}: {error}"))
    }

    /// What the docker client prints, or what it complains of.
    pub fn try_docker(&self, arguments: &[&str]) -> Result<String, String> {
        let mut client = Command::new("docker");
        if let Some(host) = &self.host {
            client.args(["--host", host]);
        }
        let output = client.args(arguments).output().unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// The ids of an instance's containers, running or not.
    pub fn containers_of(&self, instance: &str) -> Vec<String> {
        self.try_ids(&containers_query(instance)).unwrap()
    }

    /// An instance's volumes of packages.
    pub fn volumes_of(&self, instance: &str) -> Vec<String> {
        self.try_ids(&volumes_query(instance)).unwrap()
    }

    fn try_ids(&self, query: &[String]) -> Result<Vec<String>, String> {
        let query: Vec<&str> = query.iter().map(String::as_str).collect();
        let ids = self.try_docker(&query)?;
        Ok(ids.lines().map(str::to_owned).collect())
    }
}

fn containers_query(instance: &str) -> Vec<String> {
    let filter = format!("label=cellblock.instance={instance}");
    words(&["ps", "-aq", "--no-trunc", "--filter", &filter])
}

fn volumes_query(instance: &str) -> Vec<String> {
    let filter = format!("label=cellblock.instance={instance}");
    let packages = "label=cellblock.packages";
    words(&[
        "volume", "ls", "-q", "--filter", &filter, "--filter", packages,
    ])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What the docker client prints of its own engine.
pub fn docker(arguments: &[&str]) -> String {
    Engine::default().docker(arguments)
}

/// Waits for what happens in the background.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
