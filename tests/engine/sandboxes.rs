//! What the layer below the service guarantees of its sandboxes, beyond what requests can show.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytesize::ByteSize;
use cellblock::config::Settings;
use cellblock::sandbox::docker::DockerEngine;
use cellblock::sandbox::{
    Engine, EnvironmentImage, KernelStart, Limits, Network, PackageAccess, PackageVolume, Process,
    ProcessEnd, Refusal, Sandbox, SandboxSpec,
};
use futures::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// An engine as an instance of its own, whose leftovers anybody may remove after an hour.
pub fn engine() -> DockerEngine {
    let mut settings = Settings::default();
    let random = uuid::Uuid::new_v4().simple().to_string();
    settings.engine.instance = format!("test-{}", &random[..12]);
    DockerEngine::connect(&settings, Some(Duration::from_secs(3600))).unwrap()
}

async fn python(engine: &DockerEngine) -> EnvironmentImage {
    named(engine, "python").await
}

pub async fn named(engine: &DockerEngine, name: &str) -> EnvironmentImage {
    let environments = engine.environments().await.unwrap();
    let mut named = environments.into_iter().filter(|it| it.name == name);
    named.next().unwrap()
}

/// A sandbox without a kernel.
pub fn spec(environment: EnvironmentImage, access: PackageAccess) -> SandboxSpec {
    SandboxSpec {
        environment,
        limits: Limits {
            memory: ByteSize::mib(256),
            cpus: 1.0,
            processes: 64,
            tmp_size: ByteSize::mib(32),
            home_size: ByteSize::mib(32),
            shm_size: ByteSize::mib(8),
            open_files: 1024,
            file_size: ByteSize::mib(32),
        },
        environment_variables: Default::default(),
        working_directory: "work".to_owned(),
        runtime: None,
        network: Network::Proxy,
        packages: Some(PackageVolume {
            name: "set".to_owned(),
            access,
        }),
        kernel: KernelStart::Never,
    }
}

async fn run(sandbox: &dyn Sandbox, arguments: &[&str]) -> ProcessEnd {
    run_in(sandbox, "/tmp", arguments).await
}

pub async fn run_in(sandbox: &dyn Sandbox, directory: &str, arguments: &[&str]) -> ProcessEnd {
    let process = Process {
        arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
        environment_variables: Default::default(),
        directory: directory.to_owned(),
        deadline: Duration::from_secs(30),
        output_limit: ByteSize::kib(16),
    };
    sandbox.run(&process).await.unwrap()
}

#[tokio::test]
async fn packages_are_written_by_one_sandbox_and_only_read_by_others() {
    let engine = engine();
    let environment = python(&engine).await;
    engine.create_package_volume("set").await.unwrap();
    engine.create_package_volume("set").await.unwrap();
    let writes = spec(environment.clone(), PackageAccess::Write);
    let installer = engine.start(&writes).await.unwrap();
    // Open to everybody: it is not by its owner that others are kept from writing.
    let write = "umask 0 && echo 'answer = 42' > /packages/found.py && chmod 777 /packages && \
                 test $(id -u) = $(stat --format %u /packages)";
    let end = run(installer.as_ref(), &["sh", "-c", write]).await;
    assert_eq!((end.code, end.output.as_str()), (Some(0), ""));
    let held = engine.remove_package_volume("set").await;
    assert!(held.is_err(), "it is in use");
    drop(installer);

    let reads = spec(environment, PackageAccess::Read);
    let reader = engine.start(&reads).await.unwrap();
    let import = "import sys; sys.path.insert(0, '/packages'); import found; print(found.answer)";
    let end = run(reader.as_ref(), &["python3", "-B", "-c", import]).await;
    assert_eq!(end.output, "42\n");
    let end = run(reader.as_ref(), &["touch", "/packages/found.py"]).await;
    assert!(end.output.contains("Read-only file system"), "{end:?}");
    drop(reader);

    let volumes = engine.package_volumes().await.unwrap();
    let names: Vec<&str> = volumes.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(names, ["set"]);
    assert!(volumes[0].created > jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(engine.drain(Duration::from_secs(60)).await, 0);
    engine.remove_package_volume("set").await.unwrap();
    engine.remove_package_volume("set").await.unwrap();
    assert_eq!(engine.package_volumes().await.unwrap(), []);
}

/// The engine may have told of it just before it was gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_while_strays_are_looked_for_is_none() {
    let engine = engine();
    let mut spec = spec(named(&engine, "bash").await, PackageAccess::Read);
    spec.packages = None;
    let over = AtomicBool::new(false);
    let work = async {
        for _ in 0..8 {
            let starts = (0..4).map(|_| engine.start(&spec));
            drop(try_join_all(starts).await.unwrap());
        }
        assert_eq!(engine.drain(Duration::from_secs(60)).await, 0);
        over.store(true, Ordering::Relaxed);
    };
    let looking = async || {
        let mut strays = 0;
        while !over.load(Ordering::Relaxed) {
            strays += engine.sweep().await.unwrap();
        }
        strays
    };
    let ((), first, second) = tokio::join!(work, looking(), looking());
    assert_eq!((first, second), (0, 0));
}

#[tokio::test]
async fn a_process_reaches_what_its_connections_are_accepted_for() {
    let engine = engine();
    let mut spec = spec(python(&engine).await, PackageAccess::Read);
    spec.packages = None;
    let sandbox = engine.start(&spec).await.unwrap();
    let serve = async {
        let asked = sandbox.next_connection().await.unwrap();
        assert_eq!((asked.host.as_str(), asked.port), ("allowed.example", 80));
        let mut wire = asked.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = wire.read(&mut head).await.unwrap();
        let head = String::from_utf8_lossy(&head[..length]).into_owned();
        assert!(
            head.starts_with("GET /path HTTP/1.1\r\nHost: allowed.example\r\n"),
            "{head}"
        );
        let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nreached";
        wire.write_all(answer).await.unwrap();
        wire.shutdown().await.unwrap();
        let asked = sandbox.next_connection().await.unwrap();
        assert_eq!((asked.host.as_str(), asked.port), ("other.example", 443));
        let refusal = Refusal::Forbidden("other.example is not allowed".to_owned());
        asked.refuse(refusal).await.unwrap();
    };
    let code = "import urllib.request as r\nprint(r.urlopen('http://allowed.example/path').read())\n\
                try: r.urlopen('https://other.example/')\nexcept OSError as error: print(error)";
    let arguments = ["python3", "-c", code];
    let (end, ()) = tokio::join!(run(sandbox.as_ref(), &arguments), serve);
    let expected = "b'reached'\n<urlopen error Tunnel connection failed: 403 Forbidden>\n";
    assert_eq!(end.output, expected);
    drop(sandbox);
    assert_eq!(engine.drain(Duration::from_secs(60)).await, 0);
}
