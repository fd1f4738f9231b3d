//! What code sees of the world: nothing.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::support::{Service, docker};

/// The users that `images/base` makes.
const OWN_USERS: RangeInclusive<u32> = 50000..=54095;

async fn output(code: &str) -> String {
    let service = Service::start(&[]).await;
    let answer = service.execute("bash", code).await;
    assert_eq!(answer["status"], "ok", "{answer:#}");
    answer["stdout"].as_str().unwrap().trim().to_owned()
}

#[tokio::test]
async fn there_is_no_network_but_loopback() {
    assert_eq!(output("ls /sys/class/net").await, "lo");
    let code = "import socket\nfor address in ('1.1.1.1', '169.254.169.254', '172.17.0.1', '10.0.0.1'):\n    try:\n        \
                socket.create_connection((address, 80), timeout=2)\n        print(address)\n    \
                except OSError as error: print(type(error).__name__, error.errno)\n\
                try: print(socket.getaddrinfo('example.com', 80))\nexcept socket.gaierror: print('no name')";
    let service = Service::start(&[]).await;
    let answer = service.execute("python", code).await;
    assert_eq!(
        answer["output"],
        format!("{}no name", "OSError 101\n".repeat(4)),
        "{answer:#}"
    );
}

#[tokio::test]
async fn the_user_is_nobody_of_importance() {
    let lines = output("id -u; id -g; id -un; getent passwd $(id -u) | cut -d: -f6").await;
    let (number, rest) = lines.split_once('\n').unwrap();
    assert!(OWN_USERS.contains(&number.parse().unwrap()), "{number}");
    assert_eq!(rest, "100\njovyan\n/home/jovyan");
    let status = output("cat /proc/self/status").await;
    let field = |name: &str| {
        let line = status
            .lines()
            .find(|line| line.starts_with(&format!("{name}:")))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!(field("NoNewPrivs"), "1");
    assert_eq!(field("Seccomp"), "2");
}

#[tokio::test]
async fn the_root_is_read_only_and_setuid_does_nothing() {
    let options = output("grep ' / ' /proc/self/mounts | cut -d' ' -f4 | cut -d, -f1").await;
    assert_eq!(options, "ro");
    let suid = output(
        "grep -E ' (/tmp|/home/[a-z]+|/dev/shm) ' /proc/self/mounts | grep -v nosuid | wc -l",
    )
    .await;
    assert_eq!(suid, "0");
}

#[tokio::test]
async fn limits_are_set_and_cannot_be_raised() {
    let limits =
        output("ulimit -Hn; ulimit -Hc; ulimit -Hf; ulimit -n 999999 2>/dev/null || echo refused")
            .await;
    // -f counts blocks of 1 KiB.
    assert_eq!(limits, format!("1024\n0\n{}\nrefused", 256 << 10));
}

#[tokio::test]
async fn the_agent_can_neither_be_read_nor_written_to() {
    let code = "ls /proc/1/fd 2>&1 | grep -c denied; \
                (echo forged > /proc/1/fd/1) 2>&1 | grep -c denied; \
                (cat /proc/1/mem) 2>&1 | grep -c denied; cat /proc/1/oom_score_adj; cat /proc/self/oom_score_adj";
    let lines = output(code).await;
    let lines: Vec<&str> = lines.lines().collect();
    let denied = lines.iter().filter(|line| **line == "1").count();
    assert!(denied == 3, "{lines:?}");
    let scores: Vec<i64> = lines
        .iter()
        .rev()
        .take(2)
        .map(|line| line.parse().unwrap())
        .collect();
    assert!(
        scores[0] > scores[1],
        "children are to be killed before the agent: {lines:?}"
    );
}

#[tokio::test]
async fn other_sandboxes_and_the_host_are_not_there() {
    let processes = output("cat /proc/[0-9]*/comm | sort -u").await;
    for process in processes.lines() {
        assert!(
            !["dockerd", "containerd", "cellblock", "systemd", "cargo"].contains(&process),
            "{processes}"
        );
    }
    assert_eq!(
        output("ls /var/run/docker.sock /run/docker.sock 2>/dev/null | wc -l").await,
        "0"
    );
    assert_eq!(output("hostname").await, "sandbox");
    assert_eq!(output("env | grep -ci cellblock || true").await, "0");
}

#[tokio::test]
async fn the_engine_shows_every_flag_as_it_was_asked_for() {
    let service = Service::start_with_pool(&["python", "bash"], &[]).await;
    service.pool_is_full().await;
    let mut users = BTreeSet::new();
    for container in service.containers() {
        let shown: Value = serde_json::from_str(&docker(&["inspect", &container])).unwrap();
        let host = &shown[0]["HostConfig"];
        assert_eq!(host["NetworkMode"], "none");
        assert_eq!(host["ReadonlyRootfs"], true);
        assert_eq!(host["Privileged"], false);
        assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]));
        assert_eq!(host["Memory"], host["MemorySwap"]);
        assert_eq!(host["LogConfig"]["Type"], "none");
        let user = shown[0]["Config"]["User"].as_str().unwrap();
        assert!(users.insert(user.to_owned()), "two are {user}");
        let writable: Vec<&Value> = shown[0]["Mounts"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|m| m["RW"] == true)
            .collect();
        assert!(writable.is_empty(), "{writable:?}");
    }
}

#[tokio::test]
async fn system_calls_are_filtered_by_the_profile_that_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.json");
    let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ERRNO",
        "errnoRet": 77, "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_EQ"}]}]}"#;
    std::fs::write(&path, profile).unwrap();
    // What comes of a socket of a family that no code needs, AF_ALG.
    let refusal = async |seccomp: &str| {
        let service = Service::start(&[&format!("--sandbox-seccomp={seccomp}")]).await;
        let code = "import socket\ntry: socket.socket(38, 5)\nexcept OSError as e: print(e.errno)\nelse: print(0)";
        let answer = service.execute("python", code).await;
        answer["output"].as_str().unwrap().to_owned()
    };
    assert_eq!(refusal("cellblock").await, "1");
    assert_ne!(refusal("engine").await, "1");
    assert_eq!(refusal(path.to_str().unwrap()).await, "77");
}
