//! Processes of fake sandboxes: what they are to end like, and which were run.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::sleep;

use crate::sandbox::{Process, ProcessEnd};

type Script = Arc<dyn Fn(&Process) -> ProcessEnd + Send + Sync>;

/// How every process ends, and those that were run.
#[derive(Debug)]
pub(super) struct Processes(Mutex<State>);

struct State {
    script: Script,
    takes: Duration,
    run: Vec<Process>,
}

impl Default for Processes {
    fn default() -> Processes {
        Processes(Mutex::new(State {
            script: Arc::new(|_| exit(0)),
            takes: Duration::ZERO,
            run: Vec::new(),
        }))
    }
}

impl Processes {
    pub(super) fn set_script(&self, script: Script) {
        self.state().script = script;
    }

    pub(super) fn set_duration(&self, takes: Duration) {
        self.state().takes = takes;
    }

    pub(super) fn all(&self) -> Vec<Process> {
        self.state().run.clone()
    }

    pub(super) async fn run(&self, process: &Process) -> ProcessEnd {
        let (script, takes) = {
            let mut state = self.state();
            state.run.push(process.clone());
            (state.script.clone(), state.takes)
        };
        if takes >= process.deadline {
            sleep(process.deadline).await;
            return killed();
        }
        sleep(takes).await;
        script(process)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics with the processes")
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("State")
            .field("takes", &self.takes)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

fn exit(code: i32) -> ProcessEnd {
    ProcessEnd {
        code: Some(code),
        ..ProcessEnd::default()
    }
}

fn killed() -> ProcessEnd {
    ProcessEnd {
        signal: Some(9),
        timed_out: true,
        ..ProcessEnd::default()
    }
}
