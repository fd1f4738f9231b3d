//! The kernel of a fake sandbox: a task that takes requests and tells everybody what comes of them.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::message::{content, kind, message, text};
use super::sandbox::Life;
use super::script::{self, Step};
use crate::sandbox::{Channel, KernelEvent, KernelExit, KernelMessage, Network};

/// The exit of a kernel that got SIGKILL.
const KILLED: KernelExit = KernelExit {
    code: None,
    signal: Some(9),
};

/// The end of input, as frontends say it to ipykernel.
const END_OF_INPUT: &str = "\u{4}";

/// Serves until it is killed, or the sandbox is lost.
pub(super) async fn run(
    life: Arc<Life>,
    number: u64,
    requests: mpsc::Receiver<KernelMessage>,
    killed: CancellationToken,
) {
    let lost = life.lost.clone();
    let kernel = Kernel {
        life,
        number,
        requests,
        killed,
        executions: 0,
        idles: Idles::Told,
    };
    lost.run_until_cancelled(kernel.live()).await;
}

/// Why code stops before its end.
enum Stop {
    Raised { name: String, value: String },
    Exited(KernelExit),
}

/// Whether the kernel says when it is idle.
enum Idles {
    Told,
    Untold,
}

struct Kernel {
    life: Arc<Life>,
    number: u64,
    requests: mpsc::Receiver<KernelMessage>,
    killed: CancellationToken,
    executions: u64,
    idles: Idles,
}

impl Kernel {
    async fn live(mut self) {
        let killed = self.killed.clone();
        let exit = killed.run_until_cancelled(self.serve()).await;
        let exit = exit.unwrap_or(KILLED);
        let kernel = self.number;
        self.say(KernelEvent::Exited { kernel, exit }).await;
    }

    async fn serve(&mut self) -> KernelExit {
        while let Some(request) = self.requests.recv().await {
            if kind(&request) != "execute_request" {
                continue;
            }
            if let Err(exit) = self.execute(&request).await {
                return exit;
            }
        }
        pending().await
    }

    async fn execute(&mut self, request: &KernelMessage) -> Result<(), KernelExit> {
        self.life.ledger.used(&self.life.id);
        self.executions += 1;
        let count = self.executions;
        let parent = &request.parts[0];
        let code = text(&content(request)["code"]);
        let busy = json!({"execution_state": "busy"});
        self.publish("status", parent, busy).await;
        let input = json!({"code": code, "execution_count": count});
        self.publish("execute_input", parent, input).await;
        let reply = match self.interruptible(&code, parent).await {
            Ok(()) => json!({"status": "ok", "execution_count": count, "payload": []}),
            Err(Stop::Raised { name, value }) => self.raised(&name, &value, parent).await,
            Err(Stop::Exited(exit)) => return Err(exit),
        };
        self.send(Channel::Shell, "execute_reply", parent, reply)
            .await;
        if matches!(self.idles, Idles::Told) {
            let idle = json!({"execution_state": "idle"});
            self.publish("status", parent, idle).await;
        }
        Ok(())
    }

    async fn raised(&mut self, name: &str, value: &str, parent: &Bytes) -> Value {
        let error = json!({
            "ename": name,
            "evalue": value,
            "traceback": [format!("\u{1b}[31m{name}\u{1b}[0m: {value}")],
        });
        self.publish("error", parent, error.clone()).await;
        let mut reply = error;
        reply["status"] = "error".into();
        reply["execution_count"] = self.executions.into();
        reply
    }

    async fn interruptible(&mut self, code: &str, parent: &Bytes) -> Result<(), Stop> {
        let life = self.life.clone();
        tokio::select! {
            done = self.steps(code, parent) => done,
            () = life.interrupted.notified() => Err(raise("KeyboardInterrupt", "")),
        }
    }

    async fn steps(&mut self, code: &str, parent: &Bytes) -> Result<(), Stop> {
        for line in code.lines().filter(|line| !line.trim().is_empty()) {
            let step = script::parse(line).map_err(|error| raise("SyntaxError", &error))?;
            self.step(step, parent).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Step, parent: &Bytes) -> Result<(), Stop> {
        match step {
            Step::Stream { name, text } => self.print(name, &text, parent).await,
            Step::Result(text) => {
                self.show("execute_result", "text/plain", &text, parent)
                    .await
            }
            Step::Display { kind, content } => {
                self.show("display_data", &kind, &content, parent).await;
            }
            Step::Sleep(duration) => sleep(duration).await,
            Step::Loop => loop {
                self.print("stdout", "x\n", parent).await;
                sleep(Duration::from_millis(1)).await;
            },
            Step::Flood => loop {
                self.print("stdout", &"x".repeat(1000), parent).await;
            },
            Step::Hang => {
                self.life.deaf.store(true, Ordering::Relaxed);
                pending().await
            }
            Step::Raise { name, text } => return Err(raise(&name, &text)),
            Step::Input(prompt) => self.input(&prompt, parent).await?,
            Step::Write { path, text } => self.life.files().write(&path, text.into()),
            Step::Read(path) => self.read(&path, parent).await?,
            Step::Forge(tar) => self.life.files().forge(tar),
            Step::Variable(name) => self.variable(&name, parent).await?,
            Step::Connect { to, text } => self.connect(&to, &text, parent).await?,
            Step::Where => self.tell_where(parent).await,
            Step::Silent => self.idles = Idles::Untold,
            Step::Gap => {
                let after = self.life.next_message();
                self.say(KernelEvent::Gap { after }).await;
            }
            Step::Exit => return Err(Stop::Exited(exit(0))),
            Step::Oom => {
                self.life.oom_kills.fetch_add(1, Ordering::Relaxed);
                return Err(Stop::Exited(KILLED));
            }
            Step::Stall => self.life.stalled.store(true, Ordering::Relaxed),
            Step::Die => {
                self.life.lose();
                pending().await
            }
        }
        Ok(())
    }

    async fn input(&mut self, prompt: &str, parent: &Bytes) -> Result<(), Stop> {
        let ask = json!({"prompt": prompt, "password": false});
        self.send(Channel::Stdin, "input_request", parent, ask)
            .await;
        let line = loop {
            match self.requests.recv().await {
                Some(reply) if kind(&reply) == "input_reply" => {
                    break text(&content(&reply)["value"]);
                }
                Some(_) => {}
                None => pending().await,
            }
        };
        if line == END_OF_INPUT {
            return Err(raise("EOFError", ""));
        }
        self.print("stdout", &format!("{line}\n"), parent).await;
        Ok(())
    }

    async fn read(&mut self, path: &str, parent: &Bytes) -> Result<(), Stop> {
        let content = self.life.files().read(path).map(<[u8]>::to_vec);
        let content = content.ok_or_else(|| raise("FileNotFoundError", path))?;
        let text = String::from_utf8_lossy(&content).into_owned();
        self.print("stdout", &text, parent).await;
        Ok(())
    }

    async fn variable(&mut self, name: &str, parent: &Bytes) -> Result<(), Stop> {
        let value = self.life.spec.environment_variables.get(name).cloned();
        let value = value.ok_or_else(|| raise("KeyError", name))?;
        self.print("stdout", &format!("{value}\n"), parent).await;
        Ok(())
    }

    async fn connect(&mut self, to: &str, text: &str, parent: &Bytes) -> Result<(), Stop> {
        if self.life.spec.network == Network::None {
            return Err(raise("ConnectionError", "there is no network"));
        }
        let to = to.rsplit_once(':').and_then(|(host, port)| {
            let port = port.parse().ok()?;
            Some((host.to_owned(), port))
        });
        let (host, port) = to.ok_or_else(|| raise("SyntaxError", "connect HOST:PORT"))?;
        let heard = self.life.outlet.connect(host, port, text).await;
        self.print("stdout", &heard, parent).await;
        Ok(())
    }

    async fn tell_where(&mut self, parent: &Bytes) {
        let spec = &self.life.spec;
        let line = format!(
            "{} {} {} {}\n",
            spec.environment.name,
            spec.limits.memory.as_u64(),
            spec.limits.cpus,
            spec.working_directory,
        );
        self.print("stdout", &line, parent).await;
    }

    async fn print(&mut self, name: &str, text: &str, parent: &Bytes) {
        let content = json!({"name": name, "text": text});
        self.publish("stream", parent, content).await;
    }

    async fn show(&mut self, kind: &str, mime: &str, content: &str, parent: &Bytes) {
        let content = json!({
            "data": {mime: content},
            "metadata": {},
            "execution_count": self.executions,
        });
        self.publish(kind, parent, content).await;
    }

    async fn publish(&mut self, kind: &str, parent: &Bytes, content: Value) {
        self.send(Channel::Iopub, kind, parent, content).await;
    }

    async fn send(&mut self, channel: Channel, kind: &str, parent: &Bytes, content: Value) {
        let message = message(self.life.next_message(), channel, kind, parent, &content);
        self.say(KernelEvent::Message(message)).await;
    }

    async fn say(&self, event: KernelEvent) {
        self.life.events.say(event).await;
    }
}

fn raise(name: &str, value: &str) -> Stop {
    Stop::Raised {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn exit(code: i32) -> KernelExit {
    KernelExit {
        code: Some(code),
        signal: None,
    }
}
