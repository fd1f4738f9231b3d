//! What cannot be done faster: the same things with nothing of Cellblock in the way.

use std::sync::OnceLock;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptions, RemoveContainerOptionsBuilder,
    StartContainerOptions,
};
use futures::StreamExt;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::docker;
use crate::table::Samples;
use crate::{LARGE_CODE, LARGE_ROUNDS, ROUNDS};

const IMAGE: &str = "cellblock/python";

/// As the service starts its containers: see `src/sandbox/docker/body.rs`.
const HARDENING: [&str; 13] = [
    "--network=none",
    "--read-only",
    "--user=1000:100",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp:rw,exec,size=64m",
    "--tmpfs=/home/jovyan:rw,exec,uid=1000,gid=100,size=256m",
    "--memory=1g",
    "--memory-swap=1g",
    "--cpus=1",
    "--pids-limit=256",
    "--log-driver=none",
    "--entrypoint=python",
];

/// Cells of fresh kernels.
pub struct Executions {
    /// The first cell of each.
    pub first: Samples,
    /// A later cell of each.
    pub later: Samples,
}

/// `jupyter_client` inside an identical container.
pub fn first_executions() -> Executions {
    Executions {
        first: measured("first"),
        later: measured("later"),
    }
}

/// The cell `1`, in kernels that have run others.
pub fn ones() -> Samples {
    measured("one")
}

/// From a kernel's spawn to its answer.
pub fn kernel_boots() -> Samples {
    measured("boot")
}

/// The large output, through `jupyter_client`.
pub fn kernel_outputs() -> Samples {
    measured("output")
}

/// A cell in fresh kernels of an image, each of which has run two others.
pub fn later_cells(image: &str, rounds: usize, code: &str) -> Samples {
    samples(&run(image, rounds, rounds, code), "output")
}

fn measured(what: &str) -> Samples {
    static OUTPUT: OnceLock<Value> = OnceLock::new();
    let output = OUTPUT.get_or_init(|| run(IMAGE, ROUNDS, LARGE_ROUNDS, LARGE_CODE));
    samples(output, what)
}

/// Runs `floor.py`.
fn run(image: &str, rounds: usize, large_rounds: usize, large: &str) -> Value {
    let (rounds, large_rounds) = (rounds.to_string(), large_rounds.to_string());
    let code = include_str!("floor.py");
    let mut arguments = vec!["run", "--rm"];
    arguments.extend(HARDENING);
    arguments.extend(["--workdir=/home/jovyan", image, "-c", code]);
    arguments.extend([rounds.as_str(), &large_rounds, large]);
    serde_json::from_str(&docker(&arguments)).unwrap()
}

fn samples(output: &Value, what: &str) -> Samples {
    let seconds = output[what].as_array().unwrap().iter();
    seconds
        .map(|seconds| Duration::from_secs_f64(seconds.as_f64().unwrap()))
        .collect()
}

/// Create and start of an identical container, through the API.
pub async fn raw_starts(rounds: usize) -> Samples {
    let engine = Docker::connect_with_defaults().unwrap();
    let mut samples = Samples::default();
    for _ in 0..rounds {
        let begin = Instant::now();
        let id = start(&engine, &["sleep", "60"]).await;
        samples.push(begin.elapsed());
        remove(&engine, &id).await;
    }
    samples
}

/// So many bytes of a container's stdout, through a raw attach.
pub async fn raw_outputs(bytes: usize, rounds: usize) -> Samples {
    let engine = Docker::connect_with_defaults().unwrap();
    let mut samples = Samples::default();
    for _ in 0..rounds {
        let code = format!("read -r go; head -c {bytes} /dev/zero | tr '\\0' x");
        let id = create(&engine, &["sh", "-c", &code]).await;
        let options = AttachContainerOptionsBuilder::default()
            .stream(true)
            .stdin(true)
            .stdout(true)
            .build();
        let mut attached = engine.attach_container(&id, Some(options)).await.unwrap();
        engine
            .start_container(&id, None::<StartContainerOptions>)
            .await
            .unwrap();
        let begin = Instant::now();
        tokio::io::AsyncWriteExt::write_all(&mut attached.input, b"go\n")
            .await
            .unwrap();
        let mut came = 0;
        while came < bytes {
            match attached.output.next().await.unwrap().unwrap() {
                LogOutput::StdOut { message } => came += message.len(),
                other => panic!("{other:?}"),
            }
        }
        samples.push(begin.elapsed());
        drop(attached);
        remove(&engine, &id).await;
    }
    samples
}

async fn start(engine: &Docker, command: &[&str]) -> String {
    let id = create(engine, command).await;
    engine
        .start_container(&id, None::<StartContainerOptions>)
        .await
        .unwrap();
    id
}

async fn create(engine: &Docker, command: &[&str]) -> String {
    let body = ContainerCreateBody {
        image: Some(IMAGE.to_owned()),
        entrypoint: Some(command.iter().map(|part| (*part).to_owned()).collect()),
        user: Some("1000:100".to_owned()),
        open_stdin: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        network_disabled: Some(true),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            readonly_rootfs: Some(true),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
            tmpfs: Some(
                [
                    ("/tmp", "rw,exec,size=64m"),
                    ("/home/jovyan", "rw,exec,uid=1000,size=256m"),
                ]
                .map(|(path, options)| (path.to_owned(), options.to_owned()))
                .into(),
            ),
            memory: Some(512 << 20),
            memory_swap: Some(512 << 20),
            nano_cpus: Some(1_000_000_000),
            pids_limit: Some(256),
            log_config: Some(HostConfigLogConfig {
                typ: Some("none".to_owned()),
                config: None,
            }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    engine
        .create_container(None::<CreateContainerOptions>, body)
        .await
        .unwrap()
        .id
}

async fn remove(engine: &Docker, id: &str) {
    let options = RemoveContainerOptionsBuilder::default()
        .force(true)
        .v(true)
        .build();
    engine.remove_container(id, Some(options)).await.unwrap();
}
