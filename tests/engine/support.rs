//! A service under test, and the engine seen from outside.

use std::io::{BufRead, BufReader};
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
    state: tempfile::TempDir,
    settings: Vec<String>,
    log: Log,
    client: reqwest::Client,
}

impl Service {
    /// Starts one with no pool, so that nothing runs but what the test asks for.
    pub async fn start(settings: &[&str]) -> Service {
        Service::start_with_pool(&[], settings).await
    }

    /// Starts one with a warm sandbox of each of these environments, and of no other that this machine may have.
    pub async fn start_with_pool(environments: &[&str], settings: &[&str]) -> Service {
        let sizes: Vec<String> = environments
            .iter()
            .map(|name| format!("{name}=1"))
            .collect();
        let mut all = vec![
            "--pool-size=0".to_owned(),
            format!("--pool-sizes={}", sizes.join(",")),
        ];
        let at_shutdown = "--sessions-at-shutdown";
        if !settings
            .iter()
            .any(|setting| setting.starts_with(at_shutdown))
        {
            all.push(format!("{at_shutdown}=end"));
        }
        all.extend(settings.iter().map(|setting| (*setting).to_owned()));
        let instance = format!("test-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let state = tempfile::tempdir().unwrap();
        let log = Log::default();
        let (process, url) = spawn(&instance, state.path(), &all, &log);
        Service {
            process,
            url,
            instance,
            state,
            settings: all,
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
        containers_of(&self.instance)
    }

    /// Its volumes of packages.
    pub fn volumes(&self) -> Vec<String> {
        volumes_of(&self.instance)
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
        let (process, url) = spawn(&self.instance, self.state.path(), &self.settings, &self.log);
        (self.process, self.url) = (process, url);
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
        if self.process.try_wait().unwrap().is_none() {
            self.terminate();
        }
        let left = containers_of(&self.instance);
        for container in &left {
            docker(&["rm", "-f", "-v", container]);
        }
        // Packages are kept for the next life of an instance. This one has none.
        for volume in self.volumes() {
            docker(&["volume", "rm", &volume]);
        }
        if !std::thread::panicking() {
            assert!(left.is_empty(), "left behind: {left:?}");
            let panics = |line: &String| line.contains("panicked at");
            assert!(
                !self.log().iter().any(panics),
                "a panic is in the log above"
            );
        }
    }
}

fn client() -> reqwest::Client {
    // The service's shell has reqwest built to ask for it, for plain HTTP too. That another test was faster is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn spawn(
    instance: &str,
    state: &std::path::Path,
    settings: &[String],
    log: &Log,
) -> (Child, String) {
    let mut process = Command::new(CELLBLOCK)
        .arg("serve")
        .arg("--listen=127.0.0.1:0")
        .arg(format!("--engine-instance={instance}"))
        .arg(format!("--state-dir={}", state.display()))
        .args(settings)
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
    let url = url.recv_timeout(LISTENS_WITHIN);
    (process, url.expect("it did not listen; its log is above"))
}

/// The url in a log line that has it.
fn listening(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("listening on ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// The ids of an instance's containers, running or not.
pub fn containers_of(instance: &str) -> Vec<String> {
    let filter = format!("label=cellblock.instance={instance}");
    let ids = docker(&["ps", "-aq", "--no-trunc", "--filter", &filter]);
    ids.lines().map(str::to_owned).collect()
}

/// An instance's volumes of packages.
pub fn volumes_of(instance: &str) -> Vec<String> {
    let filter = format!("label=cellblock.instance={instance}");
    let names = docker(&[
        "volume",
        "ls",
        "-q",
        "--filter",
        &filter,
        "--filter",
        "label=cellblock.packages",
    ]);
    names.lines().map(str::to_owned).collect()
}

/// What the docker client prints.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Waits for what happens in the background.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
