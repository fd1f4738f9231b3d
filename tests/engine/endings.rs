//! Every way in which code can end, each within its deadline, and none leaves anything behind.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Service, eventually};

/// Runs code with a short timeout, checks how it ended, that it took no longer than it may, that a neighbour was
/// served meanwhile, and that nothing is left of it.
async fn ends(environment: &str, code: &str, status: &str) -> Value {
    let service = Service::start(&["--execution-output-limit=1MiB"]).await;
    let begin = Instant::now();
    let attack = service.execute_with(environment, code, json!({"timeout": 10}));
    let (answer, neighbour) = tokio::join!(attack, service.execute("bash", "echo neighbour"));
    assert_eq!(answer["status"], status, "{answer:#}");
    assert!(
        begin.elapsed() < Duration::from_secs(40),
        "it took {:?}",
        begin.elapsed()
    );
    assert_eq!(neighbour["stdout"], "neighbour\n", "{neighbour:#}");
    service.has_containers(0).await;
    answer
}

#[tokio::test]
async fn raising_is_an_error_with_its_traceback() {
    let answer = ends("python", "print('before')\n1 / 0", "error").await;
    assert_eq!(answer["error"], true);
    let trace = answer["stacktrace"].as_str().unwrap();
    assert!(
        trace.contains("ZeroDivisionError") && !trace.contains('\u{1b}'),
        "{trace}"
    );
    assert!(
        answer["output"].as_str().unwrap().starts_with("before\n"),
        "{answer:#}"
    );
}

#[tokio::test]
async fn invalid_utf8_is_replaced() {
    let answer = ends("bash", r"printf 'a\xff\xfeb\n'", "ok").await;
    assert_eq!(answer["stdout"], "a\u{fffd}\u{fffd}b\n");
}

#[tokio::test]
async fn printing_for_ever_ends_at_the_output_limit() {
    let answer = ends("python", "while True: print('x' * 1000)", "output_limit").await;
    let kept = answer["stdout"].as_str().unwrap().len();
    assert!(
        (1 << 19..=1 << 20).contains(&kept),
        "{kept} bytes were kept"
    );
    ends("bash", "yes", "output_limit").await;
}

#[tokio::test]
async fn printing_slowly_for_ever_ends_at_the_timeout() {
    let code = "import time\nwhile True:\n    print('.', end='', flush=True)\n    time.sleep(0.05)";
    let answer = ends("python", code, "timeout").await;
    assert_eq!(answer["timedout"], true);
    assert!(answer["stdout"].as_str().unwrap().len() > 50, "{answer:#}");
}

#[tokio::test]
async fn ignoring_signals_does_not_help_against_the_timeout() {
    let code = "import signal, time\nfor number in range(1, 32):\n    try: signal.signal(number, signal.SIG_IGN)\n    \
                except OSError: pass\nwhile True: pass";
    ends("python", code, "timeout").await;
    ends(
        "bash",
        "trap '' INT TERM HUP; while :; do :; done",
        "timeout",
    )
    .await;
}

#[tokio::test]
async fn sleeping_past_the_timeout_is_interrupted() {
    ends("python", "import time\ntime.sleep(1000)", "timeout").await;
    ends("bash", "sleep 1000", "timeout").await;
}

#[tokio::test]
async fn a_kernel_that_exits_is_killed() {
    ends("python", "import os\nos._exit(3)", "killed").await;
}

#[tokio::test]
async fn a_kernel_that_kills_itself_is_killed() {
    ends("python", "import os\nos.kill(os.getpid(), 9)", "killed").await;
    ends("python", "import os\nos.system('kill -9 -1')", "killed").await;
    ends("bash", "kill -9 -1; sleep 60", "killed").await;
}

#[tokio::test]
async fn the_agent_cannot_be_killed_or_stopped() {
    let code = "import os, signal\nfor number in (9, 15, 19, 2, 1, 6, 11):\n    try: os.kill(1, number)\n    \
                except PermissionError: pass\nprint('alive')";
    let answer = ends("python", code, "ok").await;
    assert_eq!(answer["output"], "alive");
}

#[tokio::test]
async fn a_full_disk_is_the_codes_own_error() {
    for place in [".", "/tmp", "/dev/shm"] {
        let code = format!(
            "with open('{place}/fill', 'wb') as file:\n    while True: file.write(bytes(1 << 20)); file.flush()"
        );
        let answer = ends("python", &code, "error").await;
        let trace = answer["stacktrace"].as_str().unwrap();
        assert!(
            trace.contains("No space left") || trace.contains("File too large"),
            "{place}: {trace}"
        );
    }
}

#[tokio::test]
async fn nothing_but_home_tmp_and_shm_can_be_written() {
    let code = "for d in / /etc /usr /opt /var /var/tmp /run /cellblock /proc /sys /dev /home /srv /mnt; do \
                touch $d/x 2>/dev/null && echo $d; done; true";
    let answer = ends("bash", code, "ok").await;
    assert_eq!(answer["stdout"], "", "{answer:#}");
}

#[tokio::test]
async fn a_fork_bomb_is_contained() {
    let code = "import os, time\ndef bomb():\n    while True:\n        try: os.fork()\n        except OSError: \
                time.sleep(0.01)\nbomb()";
    let answer = ends("python", code, "timeout").await;
    assert_eq!(answer["timedout"], true);
    let service = Service::start(&[]).await;
    let answer = service
        .execute_with("bash", ":(){ :|:& };: ; wait", json!({"timeout": 5}))
        .await;
    assert!(
        ["timeout", "error", "ok", "killed"].contains(&answer["status"].as_str().unwrap()),
        "{answer:#}"
    );
    service.has_containers(0).await;
}

#[tokio::test]
async fn eating_all_memory_is_out_of_memory() {
    ends(
        "python",
        "data = []\nwhile True: data.append(bytearray(1 << 24))",
        "out_of_memory",
    )
    .await;
}

#[tokio::test]
async fn a_child_that_eats_all_memory_dies_before_the_agent() {
    let code = "import subprocess, sys\ncode = 'x = []\\nwhile True: x.append(bytearray(1 << 24))'\n\
                print(subprocess.run([sys.executable, '-c', code]).returncode)";
    let service = Service::start(&[]).await;
    let answer = service
        .execute_with("python", code, json!({"timeout": 30}))
        .await;
    // Which of the two processes the system kills is its choice; both endings are told.
    match answer["status"].as_str().unwrap() {
        "ok" => assert_eq!(answer["output"], "-9"),
        other => assert_eq!(other, "out_of_memory", "{answer:#}"),
    }
}

#[tokio::test]
async fn processes_left_behind_end_with_the_sandbox() {
    let service = Service::start(&[]).await;
    let answer = service
        .execute(
            "bash",
            "setsid nohup sleep 123454321 >/dev/null 2>&1 & echo started",
        )
        .await;
    assert_eq!(answer["stdout"], "started\n", "{answer:#}");
    service.has_containers(0).await;
    eventually("its process is gone", async || !host_runs("123454321")).await;
}

/// Whether any process of this machine has this argument.
fn host_runs(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|line| {
            line.split(|byte| *byte == 0)
                .any(|part| part == argument.as_bytes())
        })
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_execution() {
    let service = Service::start(&[]).await;
    let request = service
        .client()
        .post(service.url("/jupyter/execute"))
        .timeout(Duration::from_secs(3))
        .json(&json!({"code": "import time; time.sleep(100)", "timeout": 100}));
    assert!(request.send().await.unwrap_err().is_timeout());
    service.has_containers(0).await;
    eventually("no execution runs", async || {
        service.get("/jupyter/health").await["executions"] == 0
    })
    .await;
}
