//! Processes beside a kernel, or without one.

use std::collections::BTreeMap;

use cellblock_link::request::{FailureKind, Network, ProcessEnd, Reply, Request, RunProcess};

use crate::support::{Agent, PATIENCE, ask};

/// A shell, because a test may.
pub fn shell(script: &str) -> RunProcess {
    RunProcess {
        arguments: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        environment: BTreeMap::from([("GIVEN".to_owned(), "given".to_owned())]),
        directory: "work".to_owned(),
        network: Network::None,
        deadline_ms: PATIENCE.as_millis() as u64,
        output_limit: 1000,
    }
}

async fn run(agent: &Agent, process: RunProcess) -> ProcessEnd {
    let connection = agent.connect().await;
    match ask(&connection.opener(), &Request::Run(process)).await {
        Reply::Ran(end) => end,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_process_runs_without_a_kernel_and_tells_how_it_ended() {
    let agent = Agent::start();
    let script = "echo said; pwd; echo $GIVEN; cat /proc/self/oom_score_adj; cat; env | grep -ci proxy; exit 3";
    let end = run(&agent, shell(script)).await;
    let work = agent.home().join("work");
    let output = format!("said\n{}\ngiven\n1000\n0\n", work.display());
    let expected = ProcessEnd {
        code: Some(3),
        output,
        ..ProcessEnd::default()
    };
    assert_eq!(end, expected);
}

#[tokio::test]
async fn arguments_reach_the_process_as_they_are() {
    let agent = Agent::start();
    let arguments = ["printf", "%s|", "a b", "$HOME;`id`", "*", ""];
    let process = RunProcess {
        arguments: arguments.map(str::to_owned).to_vec(),
        ..shell("")
    };
    assert_eq!(run(&agent, process).await.output, "a b|$HOME;`id`|*||");
}

#[tokio::test]
async fn of_long_output_the_end_is_kept() {
    let agent = Agent::start();
    let script = "yes x | head -c 300000; printf '\\377 last' >&2; sleep 0.1";
    let output = run(&agent, shell(script)).await.output;
    assert!(output.len() <= 1002, "{}", output.len());
    assert!(output.contains("\u{fffd} last"), "{output}");
    let greedy = RunProcess {
        output_limit: u32::MAX,
        ..shell("yes | tr '\\n' '\\001' | head -c 3000000")
    };
    assert_eq!(run(&agent, greedy).await.output.len(), 128 << 10);
}

#[tokio::test]
async fn a_process_is_killed_with_its_group_at_its_deadline() {
    let agent = Agent::start();
    let process = RunProcess {
        deadline_ms: 300,
        ..shell("echo begun; sleep 60 & sleep 60")
    };
    let expected = ProcessEnd {
        code: None,
        signal: Some(9),
        timed_out: true,
        output: "begun\n".to_owned(),
    };
    assert_eq!(run(&agent, process).await, expected);
    while !agent.children().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_process_that_is_given_up_is_killed() {
    let agent = Agent::start();
    let begun = agent.make_pipe("begun");
    let connection = agent.connect().await;
    let process = shell("echo begun > \"$HOME/begun\"; sleep 60");
    let opener = connection.opener();
    let given_up = opener.begin(&Request::Run(process)).await.unwrap();
    crate::support::read_pipe(&begun).await;
    assert_eq!(agent.children().len(), 1);
    drop(given_up);
    while !agent.children().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_says_so() {
    let agent = Agent::start();
    let process = RunProcess {
        arguments: vec!["/none".to_owned()],
        ..shell("")
    };
    let end = run(&agent, process).await;
    assert_eq!(end.code, Some(127));
    assert!(end.output.contains("cannot execute /none"), "{end:?}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_is_a_failure() {
    let agent = Agent::start();
    let connection = agent.connect().await;
    let process = RunProcess {
        directory: "/proc/none".to_owned(),
        ..shell("true")
    };
    match ask(&connection.opener(), &Request::Run(process)).await {
        Reply::Failed(failure) => assert_eq!(failure.kind, FailureKind::Process),
        other => panic!("{other:?}"),
    }
}
