//! Every flag of a sandbox's container, in one pure function: closed by default, nothing is opened later.
//!
//! The snapshot beside this file shows the whole body as the engine gets it.
//!
//! | what | how |
//! |---|---|
//! | network | none: `lo` is the only interface; no name is resolved |
//! | user | one that no other sandbox is, of those that the image knows; 1000:100 where it knows none. No capability, no way to gain one (`no-new-privileges`) |
//! | system calls | our own [seccomp profile](super::seccomp), or whose the operator prefers; the engine's AppArmor profile, where it has one |
//! | packages | a volume at `/packages`, read-only but for the sandbox that installs them |
//! | files | read-only root; writable are a tmpfs on the home, one on `/tmp`, and `/dev/shm`, each with a size |
//! | memory | limit without swap; the tmpfs count into it; the sandbox is the first to be killed when the host has none left |
//! | processors, processes, open files, file size | quota, pids limit, ulimits; no core files |
//! | namespaces | ipc, pid, uts, cgroup and network of its own |
//! | log | none: what process 1 writes is the link, and nobody stores it |
//! | image's own wishes | entry point, command, health check and volumes are all overridden |

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig,
    Mount, MountType, MountVolumeOptions, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};
use bytesize::ByteSize;

use super::labels::Instance;
use super::seccomp::Profile;
use super::user::{GROUP, User};
use crate::sandbox::{Limits, PACKAGES_DIRECTORY, PackageAccess, SandboxId, SandboxSpec};

/// Where the agent's volume is mounted.
pub(super) const AGENT_DIRECTORY: &str = "/cellblock";
/// The agent in its volume.
pub(super) const AGENT_FILE: &str = "agent";
/// The agent in a container.
pub(super) const AGENT: &str = "/cellblock/agent";

/// Of -1000 to 1000: when the host runs out of memory, sandboxes go before everything else. The agent lowers itself
/// as far as code in the sandbox could, and raises its children above itself.
const OOM_SCORE_ADJ: i64 = 500;

/// Where the engine would mount message queues. Their bytes are counted for the user number, which sandboxes may share.
const QUEUES: &str = "/dev/mqueue";

/// A tmpfs that nothing can be put in.
const CLOSED: &str = "ro,noexec,nosuid,nodev,mode=0555,size=4096";

/// Room in a volume's place that the image asked for.
const VOLUME_COVER: ByteSize = ByteSize::mib(1);

/// Time that the kernel gives the CPU quota over. 100 ms is the engine's own default.
const CPU_PERIOD: Duration = Duration::from_millis(100);

/// Whether a mount can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MountAccess {
    Read,
    Write,
}

/// What all containers of an engine have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common<'a> {
    /// Whose they are.
    pub(super) instance: &'a Instance,
    /// Where the agent is.
    pub(super) agent_volume: &'a str,
    /// The system calls that they may make.
    pub(super) seccomp: &'a Profile,
}

/// The whole create request of a sandbox's container.
pub(super) fn create_body(
    spec: &SandboxSpec,
    sandbox: &SandboxId,
    user: User,
    common: Common<'_>,
) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.environment.image.clone()),
        entrypoint: Some(vec![AGENT.to_owned()]),
        cmd: Some(Vec::new()),
        user: Some(user.to_string()),
        working_dir: Some("/".to_owned()),
        hostname: Some("sandbox".to_owned()),
        labels: Some(
            common
                .instance
                .container_labels(sandbox, &spec.environment.name),
        ),
        // The link: attached for ever, and again after the service went and came back.
        open_stdin: Some(true),
        stdin_once: Some(false),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        network_disabled: Some(true),
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        stop_signal: Some("SIGKILL".to_owned()),
        host_config: Some(host_config(spec, user, common)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(spec: &SandboxSpec, user: User, common: Common<'_>) -> HostConfig {
    let limits = &spec.limits;
    HostConfig {
        runtime: spec.runtime.clone(),
        network_mode: Some("none".to_owned()),
        ipc_mode: Some("private".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        privileged: Some(false),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(security(common.seccomp)),
        readonly_rootfs: Some(true),
        tmpfs: Some(tmpfs(spec, user)),
        shm_size: Some(bytes(limits.shm_size)),
        mounts: Some(mounts(spec, common)),
        memory: Some(bytes(limits.memory)),
        // Memory and swap together: so there is no swap.
        memory_swap: Some(bytes(limits.memory)),
        oom_score_adj: Some(OOM_SCORE_ADJ),
        cpu_period: Some(micros(CPU_PERIOD)),
        cpu_quota: Some(micros(CPU_PERIOD.mul_f64(limits.cpus))),
        pids_limit: Some(i64::from(limits.processes)),
        ulimits: Some(ulimits(limits)),
        log_config: Some(HostConfigLogConfig {
            typ: Some("none".to_owned()),
            config: None,
        }),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        init: Some(false),
        auto_remove: Some(false),
        ..HostConfig::default()
    }
}

fn security(seccomp: &Profile) -> Vec<String> {
    let mut options = vec!["no-new-privileges:true".to_owned()];
    options.extend(seccomp.option());
    options
}

fn mounts(spec: &SandboxSpec, common: Common<'_>) -> Vec<Mount> {
    let mut mounts = vec![agent_mount(common.agent_volume, MountAccess::Read)];
    if let Some(packages) = &spec.packages {
        let access = match packages.access {
            PackageAccess::Read => MountAccess::Read,
            PackageAccess::Write => MountAccess::Write,
        };
        let volume = common.instance.packages_volume(&packages.name);
        mounts.push(packages_mount(&volume, access));
    }
    mounts
}

/// The agent's volume in a container.
pub(super) fn agent_mount(volume: &str, access: MountAccess) -> Mount {
    mount(volume, AGENT_DIRECTORY, access)
}

/// A package volume in a container.
pub(super) fn packages_mount(volume: &str, access: MountAccess) -> Mount {
    mount(volume, PACKAGES_DIRECTORY, access)
}

/// A volume as it is: `no_copy`, or the engine would fill an empty one with what the image has in its place. The API has
/// no `nosuid` for volumes; `no-new-privileges` makes it moot.
fn mount(volume: &str, target: &str, access: MountAccess) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(access == MountAccess::Read),
        volume_options: Some(MountVolumeOptions {
            no_copy: Some(true),
            ..MountVolumeOptions::default()
        }),
        ..Mount::default()
    }
}

/// Everything that can be written to, but for `/dev/shm`. `exec`, because compiled cells and native modules are
/// executed from there.
fn tmpfs(spec: &SandboxSpec, user: User) -> HashMap<String, String> {
    let open = |size: ByteSize| format!("rw,exec,nosuid,nodev,mode=1777,size={}", size.as_u64());
    let own = |size: ByteSize| {
        format!(
            "rw,exec,nosuid,nodev,mode=0755,uid={},gid={GROUP},size={}",
            user.number(),
            size.as_u64()
        )
    };
    let volumes = spec.environment.volumes.iter();
    let mut tmpfs: HashMap<String, String> = volumes
        .map(|path| (path.clone(), own(VOLUME_COVER)))
        .collect();
    tmpfs.insert(QUEUES.to_owned(), CLOSED.to_owned());
    tmpfs.insert("/tmp".to_owned(), open(spec.limits.tmp_size));
    tmpfs.insert(spec.environment.home.clone(), own(spec.limits.home_size));
    tmpfs
}

fn ulimits(limits: &Limits) -> Vec<ResourcesUlimits> {
    vec![
        ulimit("core", 0),
        ulimit("fsize", bytes(limits.file_size)),
        ulimit("nofile", i64::from(limits.open_files)),
    ]
}

fn ulimit(name: &str, limit: i64) -> ResourcesUlimits {
    ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(limit),
        hard: Some(limit),
    }
}

fn bytes(size: ByteSize) -> i64 {
    i64::try_from(size.as_u64()).unwrap_or(i64::MAX)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::seccomp::Seccomp;
    use crate::sandbox::{
        EnvironmentImage, KernelStart, Network, PackageManager, PackageVolume, UserNumbers,
    };

    fn spec() -> SandboxSpec {
        SandboxSpec {
            environment: EnvironmentImage {
                name: "python".to_owned(),
                display_name: "Python 3".to_owned(),
                language: "python".to_owned(),
                image: "sha256:0123".to_owned(),
                kernelspec: "python3".to_owned(),
                home: "/home/jovyan".to_owned(),
                volumes: vec!["/data".to_owned()],
                package_manager: PackageManager::None,
                users: None,
            },
            limits: Limits {
                memory: ByteSize::mib(512),
                cpus: 1.5,
                processes: 256,
                tmp_size: ByteSize::mib(64),
                home_size: ByteSize::mib(256),
                shm_size: ByteSize::mib(32),
                open_files: 1024,
                file_size: ByteSize::mib(128),
            },
            environment_variables: BTreeMap::new(),
            working_directory: "work".to_owned(),
            runtime: None,
            network: Network::None,
            packages: None,
            kernel: KernelStart::Now,
        }
    }

    fn body_of(spec: &SandboxSpec, seccomp: &Seccomp) -> ContainerCreateBody {
        let common = Common {
            instance: &Instance::new("test", None),
            agent_volume: "cellblock-agent-test-0",
            seccomp: &Profile::new(seccomp),
        };
        let user = User::choose(UserNumbers::new(50017, 50017), |_| false);
        create_body(spec, &SandboxId::random(), user, common)
    }

    #[test]
    fn every_flag_of_the_container_is_as_it_was() {
        let body = serde_json::to_value(body_of(&spec(), &Seccomp::Cellblock)).unwrap();
        insta::with_settings!({sort_maps => true}, {
            insta::assert_json_snapshot!(body, {
                r#".Labels["cellblock.sandbox"]"# => "[id]",
                ".HostConfig.SecurityOpt[1]" => insta::dynamic_redaction(|option, _| {
                    // Its rules are in seccomp.json.
                    let profile = option.as_str().unwrap().split_once(",").unwrap().0;
                    format!("{profile}, …")
                }),
            });
        });
    }

    #[test]
    fn system_calls_are_filtered_by_whichever_profile_is_set() {
        let options = |seccomp| {
            let body = body_of(&spec(), &seccomp);
            body.host_config.unwrap().security_opt.unwrap()
        };
        let file = Seccomp::File {
            path: "mine.json".into(),
            profile: r#"{"defaultAction": "SCMP_ACT_ERRNO"}"#.into(),
        };
        let own = options(Seccomp::Cellblock);
        assert_eq!(own.len(), 2);
        assert!(own[1].starts_with(r#"seccomp={"defaultAction":"SCMP_ACT_ERRNO""#));
        assert_eq!(options(Seccomp::Engine), ["no-new-privileges:true"]);
        assert_eq!(
            options(file)[1],
            r#"seccomp={"defaultAction": "SCMP_ACT_ERRNO"}"#
        );
    }

    #[test]
    fn packages_are_mounted_and_written_only_where_they_are_installed() {
        let mounts = |spec: &SandboxSpec| {
            let body = body_of(spec, &Seccomp::Cellblock);
            body.host_config.unwrap().mounts.unwrap()
        };
        let with = |access| {
            let name = "0123abcd".to_owned();
            let packages = Some(PackageVolume { name, access });
            mounts(&SandboxSpec { packages, ..spec() })
        };
        assert_eq!(mounts(&spec()).len(), 1);
        insta::with_settings!({sort_maps => true}, {
            insta::assert_json_snapshot!("packages_read", with(PackageAccess::Read));
            insta::assert_json_snapshot!("packages_write", with(PackageAccess::Write));
        });
    }

    #[test]
    fn the_network_is_none_whatever_the_policy() {
        let mut open = spec();
        open.network = Network::Proxy;
        let [closed, open] = [spec(), open].map(|spec| {
            // The sandbox's id is among them.
            ContainerCreateBody {
                labels: None,
                ..body_of(&spec, &Seccomp::Cellblock)
            }
        });
        assert_eq!(closed, open);
    }
}
