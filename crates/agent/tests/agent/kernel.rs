//! Kernels: started, spoken with, interrupted, ended.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::fake::{FakeKernel, Ports, request};
use crate::support::*;
use cellblock_link::message::{Channel, KernelMessage, MessageFrame};
use cellblock_link::request::{Failure, FailureKind, KernelExit, Reply, Request, StartKernel};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

fn msg_type(message: &KernelMessage) -> String {
    let header: Value = serde_json::from_slice(&message.parts[0]).unwrap();
    header["msg_type"].as_str().unwrap().to_owned()
}

async fn failure(agent: &Agent, request: StartKernel) -> Failure {
    let connection = agent.connect().await;
    match ask(&connection.opener(), &Request::StartKernel(request)).await {
        Reply::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// The frame that says it of a kernel.
fn ended(kernel: u64, exit: KernelExit) -> MessageFrame {
    MessageFrame::KernelExit { kernel, exit }
}

#[tokio::test]
async fn a_kernel_is_ready_once_shell_and_iopub_both_answer() {
    let mut running = Running::start(END_WHEN_TOLD, "signal").await;
    assert_eq!(running.ready.kernel_info["banner"], "fake");
    assert!(running.ready.boot_ms < PATIENCE.as_millis() as u64);
    let mut probes = 0;
    while let Ok((channel, header)) = running.kernel.requests.try_recv() {
        assert_eq!(
            (channel, header["msg_type"].as_str()),
            (Channel::Shell, Some("kernel_info_request"))
        );
        probes += 1;
    }
    assert_eq!(probes, 3, "the fake publishes nothing for the first two");
}

#[tokio::test]
async fn messages_go_both_ways_untouched_and_the_agent_s_own_are_not_seen() {
    let running = Running::start(END_WHEN_TOLD, "signal").await;
    let mut messages = running.messages(0).await;
    let sent = request(Channel::Shell, "execute_request", "print 3 2");
    messages.send(sent.clone()).await;
    let mut received = Vec::new();
    for sequence in 1..=5 {
        let message = messages.message().await;
        assert_eq!(message.sequence, sequence);
        assert_eq!(
            message.parts[1], sent.parts[0],
            "the parent, with fields nobody knows"
        );
        if message.channel == Channel::Iopub {
            assert_eq!(message.parts[4], &b"\0a buffer"[..]);
        }
        received.push((message.channel, msg_type(&message)));
    }
    received.sort_by_key(|(channel, _)| *channel == Channel::Shell);
    let types: Vec<_> = received
        .iter()
        .map(|(_, msg_type)| msg_type.as_str())
        .collect();
    assert_eq!(
        types,
        ["status", "stream", "stream", "status", "execute_reply"]
    );
}

#[tokio::test]
async fn every_channel_reaches_its_socket() {
    let mut running = Running::start(END_WHEN_TOLD, "signal").await;
    while running.kernel.requests.try_recv().is_ok() {}
    let mut messages = running.messages(0).await;
    for channel in [
        Channel::Iopub,
        Channel::Control,
        Channel::Stdin,
        Channel::Shell,
    ] {
        messages.send(request(channel, "a_request", "")).await;
    }
    let mut reached = Vec::new();
    for _ in 0..3 {
        let (channel, header) = timeout(PATIENCE, running.kernel.requests.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(header["unknown"][0], 1);
        reached.push(channel);
    }
    reached.sort_by_key(|channel| format!("{channel:?}"));
    assert_eq!(reached, [Channel::Control, Channel::Shell, Channel::Stdin]);
}

#[tokio::test]
async fn a_client_that_comes_back_loses_nothing_and_a_newer_one_ends_the_older() {
    let mut running = Running::start(END_WHEN_TOLD, "signal").await;
    let mut first = running.messages(0).await;
    first
        .send(request(Channel::Shell, "execute_request", "print 10 100"))
        .await;
    for sequence in 1..=50 {
        assert_eq!(first.message().await.sequence, sequence);
    }
    drop(first);
    running.connection = running.agent.connect().await;
    let mut older = running.messages(50).await;
    let mut newer = running.messages(50).await;
    assert_eq!((older.after, newer.after), (50, 50));
    for sequence in 51..=103 {
        assert_eq!(newer.message().await.sequence, sequence);
    }
    while older.next().await.is_some() {}
}

#[tokio::test]
async fn what_no_longer_fits_the_ring_is_said_to_be_lost() {
    let running = Running::start(END_WHEN_TOLD, "signal").await;
    let mut messages = running.messages(0).await;
    messages
        .send(request(
            Channel::Shell,
            "execute_request",
            "print 1000000 20",
        ))
        .await;
    let last = 23;
    for sequence in 1..=last {
        assert_eq!(messages.message().await.sequence, sequence);
    }
    let mut again = running.messages(0).await;
    assert!(
        (10..=16).contains(&again.after),
        "{} of 8 MiB",
        last - again.after
    );
    for sequence in again.after + 1..=last {
        assert_eq!(again.message().await.sequence, sequence);
    }
}

#[tokio::test]
async fn the_exit_is_told_to_who_listens_and_to_who_comes_later() {
    let running = Running::start(END_WHEN_TOLD, "signal").await;
    let mut messages = running.messages(0).await;
    running.end_kernel("5\n").await;
    let exit = ended(
        1,
        KernelExit {
            code: Some(5),
            signal: None,
        },
    );
    assert_eq!(messages.next().await, Some(exit.clone()));
    assert_eq!(running.messages(0).await.next().await, Some(exit));
    let Reply::Failed(failure) = ask(&running.opener(), &Request::Interrupt).await else {
        panic!()
    };
    assert_eq!(failure.kind, FailureKind::NoKernel);
}

#[tokio::test]
async fn a_signal_without_a_name_ends_a_kernel_too() {
    let running = Running::start(r#"read never < "$HOME/end"; kill -40 $$"#, "signal").await;
    running.end_kernel("now\n").await;
    let exit = KernelExit {
        code: None,
        signal: None,
    };
    assert_eq!(running.messages(0).await.next().await, Some(ended(1, exit)));
}

#[tokio::test]
async fn an_interrupt_is_a_signal_to_the_process_group() {
    let running = Running::start(r#"trap "exit 7" INT; read never < "$HOME/end""#, "signal").await;
    let mut messages = running.messages(0).await;
    assert_eq!(
        ask(&running.opener(), &Request::Interrupt).await,
        Reply::Done
    );
    let exit = KernelExit {
        code: Some(7),
        signal: None,
    };
    assert_eq!(messages.next().await, Some(ended(1, exit)));
}

#[tokio::test]
async fn an_interrupt_is_a_message_where_the_kernelspec_says_so() {
    let mut running = Running::start(END_WHEN_TOLD, "message").await;
    assert_eq!(
        ask(&running.opener(), &Request::Interrupt).await,
        Reply::Done
    );
    loop {
        let (channel, header) = timeout(PATIENCE, running.kernel.requests.recv())
            .await
            .unwrap()
            .unwrap();
        if channel == Channel::Control {
            assert_eq!(header["msg_type"], "interrupt_request");
            break;
        }
    }
}

#[tokio::test]
async fn a_restart_ends_the_old_kernel_and_numbers_go_on() {
    let mut running = Running::start(END_WHEN_TOLD, "signal").await;
    let mut messages = running.messages(0).await;
    messages
        .send(request(Channel::Shell, "execute_request", "echo"))
        .await;
    for sequence in 1..=3 {
        assert_eq!(messages.message().await.sequence, sequence);
    }
    let old_ports = running.kernel.ports.clone();
    (running.kernel, _) = start_kernel(&running.agent, &running.connection).await;
    assert_ne!(running.kernel.ports.key, old_ports.key);
    let killed = KernelExit {
        code: None,
        signal: Some(9),
    };
    assert_eq!(messages.next().await, Some(ended(1, killed)));
    messages
        .send(request(Channel::Shell, "execute_request", "echo"))
        .await;
    assert_eq!(messages.message().await.sequence, 4);
    assert_eq!(running.agent.children().len(), 1);
}

#[tokio::test]
async fn a_start_that_is_given_up_is_ended_by_the_next() {
    let agent = Agent::start();
    agent.write_kernelspec(&script(END_WHEN_TOLD), "signal");
    let pipe = agent.make_pipe("connection");
    agent.make_pipe("end");
    let connection = agent.connect().await;
    let given_up = connection
        .opener()
        .begin(&Request::StartKernel(start_request()))
        .await
        .unwrap();
    read_pipe(&pipe).await;
    let first = agent.children();
    drop(given_up);
    let _running = start_kernel(&agent, &connection).await;
    assert_eq!((first.len(), agent.children().len()), (1, 1));
    assert_ne!(first, agent.children());
}

#[tokio::test]
async fn a_kernel_that_ends_at_once_fails_at_once_with_its_last_words() {
    let agent = Agent::start();
    agent.write_kernelspec("echo it went wrong >&2; exit 3", "signal");
    let failure = failure(&agent, start_request()).await;
    assert_eq!(failure.kind, FailureKind::KernelStart);
    assert!(failure.detail.contains("exit code 3"), "{}", failure.detail);
    assert!(
        failure.detail.contains("it went wrong"),
        "{}",
        failure.detail
    );
}

#[tokio::test]
async fn a_kernel_that_never_answers_is_ended_at_its_deadline() {
    let agent = Agent::start();
    agent.write_kernelspec("echo slowly; read never < /proc/self/fd/2", "signal");
    let failure = failure(
        &agent,
        StartKernel {
            deadline_ms: 300,
            ..start_request()
        },
    )
    .await;
    assert_eq!(failure.kind, FailureKind::KernelStart);
    assert!(failure.detail.contains("slowly"), "{}", failure.detail);
    while !agent.children().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_kernelspec_that_is_not_there_is_named() {
    let agent = Agent::start();
    let failure = failure(&agent, start_request()).await;
    assert_eq!(failure.kind, FailureKind::Kernelspec);
    assert!(failure.detail.contains("\"test\""), "{}", failure.detail);
}

#[tokio::test]
async fn garbage_from_a_kernel_s_socket_does_no_harm() {
    let agent = Agent::start();
    agent.write_kernelspec(&script(END_WHEN_TOLD), "signal");
    let pipe = agent.make_pipe("connection");
    agent.make_pipe("end");
    let connection = agent.connect().await;
    let opener = connection.opener();
    let request = Request::StartKernel(start_request());
    let serving = async {
        let ports = Ports::parse(&read_pipe(&pipe).await);
        let listener = TcpListener::bind(("127.0.0.1", ports.iopub_port))
            .await
            .unwrap();
        let mut greeting = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL".to_vec();
        greeting.resize(64, 0);
        let ready = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB";
        // No greeting; half of one; a frame longer than all memory; parts without end; noise.
        let endless = vec![[1, 0]; 100_000].concat();
        let long = b"\x02\x3f\xff\xff\xff\xff\xff\xff\xff";
        let tails: [&[u8]; 3] = [long, &endless, &[0xff; 5000]];
        for tail in tails {
            let (mut stream, _) = listener.accept().await.unwrap();
            let bytes = [&greeting[..], ready, tail].concat();
            stream.write_all(&bytes).await.unwrap();
            stream.shutdown().await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        for bytes in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &greeting[..20]] {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(bytes).await.unwrap();
        }
        drop(listener);
        FakeKernel::serve(ports).await
    };
    let (reply, _kernel) = tokio::join!(ask(&opener, &request), serving);
    assert!(matches!(reply, Reply::KernelReady(_)), "{reply:?}");
}

#[tokio::test]
async fn a_forged_signature_is_dropped() {
    let agent = Agent::start();
    agent.write_kernelspec(&script(END_WHEN_TOLD), "signal");
    let pipe = agent.make_pipe("connection");
    agent.make_pipe("end");
    let connection = agent.connect().await;
    let opener = connection.opener();
    let request = Request::StartKernel(StartKernel {
        deadline_ms: 500,
        ..start_request()
    });
    let serving = async {
        let ports = Ports::parse(&read_pipe(&pipe).await);
        FakeKernel::serve(Ports {
            key: "another".to_owned(),
            ..ports
        })
        .await
    };
    let (reply, mut kernel) = tokio::join!(ask(&opener, &request), serving);
    assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
    assert!(
        kernel.requests.try_recv().is_ok(),
        "it was asked, and answered"
    );
}

#[tokio::test]
async fn everything_is_killed_and_reaped() {
    let rest =
        "sleep 60 & (setsid sleep 60 &) ; (sleep 60 & sleep 60) & read never < \"$HOME/end\"";
    let running = Running::start(rest, "signal").await;
    let mut messages = running.messages(0).await;
    assert_eq!(ask(&running.opener(), &Request::KillAll).await, Reply::Done);
    assert_eq!(running.agent.children(), []);
    let killed = KernelExit {
        code: None,
        signal: Some(9),
    };
    assert_eq!(messages.next().await, Some(ended(1, killed)));
}

#[tokio::test]
async fn a_process_of_the_sandbox_is_the_first_to_be_killed_and_gets_no_descriptors() {
    let agent = Agent::start();
    let report = r#"{ cat /proc/self/oom_score_adj; readlink /proc/$$/fd/0; pwd; echo "$GIVEN"; ls -ld "$1"; cut -d" " -f5 /proc/$$/stat; echo $$; for f in /proc/$$/fd/*; do readlink $f; done; } > "$HOME/report""#;
    agent.write_kernelspec(report, "signal");
    let pipe = agent.make_pipe("report");
    let connection = agent.connect().await;
    let opener = connection.opener();
    let request = Request::StartKernel(start_request());
    let (_, report) = tokio::join!(ask(&opener, &request), read_pipe(&pipe));
    let lines: Vec<&str> = report.lines().collect();
    let work = agent.home().join("work");
    assert_eq!(lines[..2], ["1000", "/dev/null"]);
    assert_eq!(lines[2..4], [work.to_str().unwrap(), "given"]);
    assert!(lines[4].starts_with("-rw-------"), "{report}");
    assert_eq!(lines[5], lines[6], "it leads a process group");
    assert!(lines.len() > 7, "{report}");
    for inode in agent.link() {
        assert!(!report.contains(&format!("pipe:[{inode}]")), "{report}");
    }
}

#[tokio::test]
async fn the_agent_is_not_dumpable() {
    let agent = Agent::start();
    let _connection = agent.connect().await;
    // Of a process that is dumpable, these belong to its user.
    let owner = fs::metadata(format!("/proc/{}/environ", agent.pid()))
        .unwrap()
        .uid();
    assert_eq!(owner, 0);
}

#[tokio::test]
async fn the_end_of_stdin_ends_nothing() {
    let mut running = Running::start(END_WHEN_TOLD, "signal").await;
    let killed = running.connection;
    drop(killed);
    running.connection = running.agent.connect().await;
    let mut messages = running.messages(0).await;
    messages
        .send(request(Channel::Shell, "execute_request", "echo"))
        .await;
    assert_eq!(messages.message().await.sequence, 1);
}
