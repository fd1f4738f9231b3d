//! The flags, how each is taken away, and which attacks get through then.
//!
//! What the engine does by itself where it is not told cannot be taken away: there, the flag's opposite is put in its place.

use serde_json::Value;

/// A flag, or several that are one.
pub struct Flag {
    pub name: &'static str,
    /// What there is without it.
    pub instead: &'static str,
    pub changes: &'static [Change],
    /// Family and name of each that is held no more.
    pub attacks: &'static [&'static str],
}

/// One change of the request; places are JSON pointers.
pub enum Change {
    Remove(&'static str),
    /// Puts JSON there; names of [surroundings](super::surroundings) are filled in.
    Set(&'static str, &'static str),
    /// Removes what has this text from a list.
    Unlist(&'static str, &'static str),
    /// Removes the options that begin so from a mount.
    Unmount(&'static str, &'static str),
}

use Change::{Remove, Set, Unlist, Unmount};

impl Change {
    /// Where something is changed.
    pub fn place(&self) -> &'static str {
        match self {
            Remove(place) | Set(place, _) | Unlist(place, _) | Unmount(place, _) => place,
        }
    }

    /// Changes it. `fill` puts names into what is set.
    pub fn make(&self, body: &mut Value, fill: impl Fn(&str) -> String) {
        let (parent, key) = self.place().rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap();
        let place = &mut parent[key.replace("~1", "/")];
        match self {
            Remove(_) => *place = Value::Null,
            Set(_, json) => *place = serde_json::from_str(&fill(json)).unwrap(),
            Unlist(_, text) => {
                let list = place.as_array_mut().unwrap();
                let before = list.len();
                list.retain(|entry| !entry.to_string().contains(text));
                assert!(list.len() < before, "no {text} in {}", self.place());
            }
            Unmount(_, option) => {
                let options = place.as_str().unwrap().split(',');
                let left: Vec<&str> = options.filter(|one| !one.starts_with(option)).collect();
                *place = Value::from(left.join(","));
            }
        }
    }
}

const SECURITY: &str = "/HostConfig/SecurityOpt";
const ULIMITS: &str = "/HostConfig/Ulimits";

pub const FLAGS: &[Flag] = &[
    Flag {
        name: "network `none`",
        instead: "a bridge of the engine that leads nowhere",
        changes: &[
            Set("/HostConfig/NetworkMode", r#""{network}""#),
            Set("/NetworkDisabled", "false"),
        ],
        attacks: &["network/routes.sh"],
    },
    Flag {
        name: "never root",
        instead: "root, whose home is its own",
        changes: &[
            Set("/User", r#""0:0""#),
            Unmount("/HostConfig/Tmpfs/~1home~1jovyan", "uid="),
        ],
        attacks: &["escape/host_files.sh", "escape/capabilities.sh"],
    },
    Flag {
        name: "a user of its own",
        instead: "1000:100, as others are, whose home is its own",
        changes: &[
            Set("/User", r#""1000:100""#),
            Set(
                "/HostConfig/Tmpfs/~1home~1jovyan",
                r#""rw,exec,nosuid,nodev,uid=1000,gid=100,size=268435456""#,
            ),
        ],
        attacks: &["neighbours/starve_counts.c"],
    },
    Flag {
        name: "no capabilities",
        instead: "the engine's fourteen, for whoever gets at them",
        changes: &[Remove("/HostConfig/CapDrop")],
        attacks: &["escape/capabilities.sh"],
    },
    Flag {
        name: "`no-new-privileges`",
        instead: "setuid programs",
        changes: &[Unlist(SECURITY, "no-new-privileges")],
        attacks: &["escape/capabilities.sh"],
    },
    Flag {
        name: "seccomp profile of our own",
        instead: "the engine's profile",
        changes: &[Unlist(SECURITY, "seccomp=")],
        attacks: &["escape/kernel_doors.c", "network/families.c"],
    },
    Flag {
        name: "masked and read-only paths",
        instead: "all of `/proc` and `/sys` (an empty list: the engine has its own where it is not told)",
        changes: &[
            Set("/HostConfig/MaskedPaths", "[]"),
            Set("/HostConfig/ReadonlyPaths", "[]"),
        ],
        attacks: &["escape/masked.sh"],
    },
    Flag {
        name: "read-only root",
        instead: "a layer of the container that can be written to",
        changes: &[Set("/HostConfig/ReadonlyRootfs", "false")],
        attacks: &["neighbours/files.py"],
    },
    Flag {
        name: "agent's volume read-only",
        instead: "a volume of all sandboxes that can be written to",
        changes: &[Set("/HostConfig/Mounts/0/ReadOnly", "false")],
        attacks: &["escape/host_files.sh"],
    },
    Flag {
        name: "size of `/tmp`",
        instead: "half of the machine's memory",
        changes: &[Unmount("/HostConfig/Tmpfs/~1tmp", "size=")],
        attacks: &["resources/disk.py"],
    },
    Flag {
        name: "size of the home directory",
        instead: "half of the machine's memory",
        changes: &[Unmount("/HostConfig/Tmpfs/~1home~1jovyan", "size=")],
        attacks: &["resources/disk.py"],
    },
    Flag {
        name: "size of `/dev/shm`",
        instead: "1 GiB (the engine's own is the 64 MiB that we ask for)",
        changes: &[Set("/HostConfig/ShmSize", "1073741824")],
        attacks: &["resources/disk.py"],
    },
    Flag {
        name: "`nosuid` and `nodev` of what can be written to",
        instead: "setuid programs and devices in `/tmp`",
        changes: &[Set(
            "/HostConfig/Tmpfs/~1tmp",
            r#""rw,exec,suid,dev,mode=1777,size=67108864""#,
        )],
        attacks: &["escape/mount_options.sh"],
    },
    Flag {
        name: "nothing at `/dev/mqueue`",
        instead: "a folder that can be written to",
        changes: &[Remove("/HostConfig/Tmpfs/~1dev~1mqueue")],
        attacks: &["neighbours/shared_counts.c"],
    },
    Flag {
        name: "memory limit",
        instead: "the machine's memory",
        changes: &[
            Remove("/HostConfig/Memory"),
            Remove("/HostConfig/MemorySwap"),
        ],
        attacks: &["resources/memory_counted.py", "resources/limits.py"],
    },
    Flag {
        name: "no swap",
        instead: "as much swap as memory",
        changes: &[Remove("/HostConfig/MemorySwap")],
        attacks: &["resources/limits.py"],
    },
    Flag {
        name: "processor quota",
        instead: "all processors",
        changes: &[
            Remove("/HostConfig/CpuQuota"),
            Remove("/HostConfig/CpuPeriod"),
        ],
        attacks: &["resources/limits.py"],
    },
    Flag {
        name: "limit of processes",
        instead: "as many as the machine has",
        changes: &[Remove("/HostConfig/PidsLimit")],
        attacks: &["resources/forks_counted.c", "resources/limits.py"],
    },
    Flag {
        name: "limit of open files",
        instead: "the engine's, a million",
        changes: &[Unlist(ULIMITS, "nofile")],
        attacks: &["resources/open_files.py"],
    },
    Flag {
        name: "limit of a file's size",
        instead: "none",
        changes: &[Unlist(ULIMITS, "fsize")],
        attacks: &["resources/file_size.py"],
    },
    Flag {
        name: "no core files",
        instead: "core files, for whoever asks",
        changes: &[Unlist(ULIMITS, "core")],
        attacks: &["escape/crash.py"],
    },
    Flag {
        name: "ipc namespace of its own",
        instead: "another container's (the engine's own is private where it is not told)",
        changes: &[Set("/HostConfig/IpcMode", r#""container:{container}""#)],
        attacks: &["neighbours/files.py"],
    },
    Flag {
        name: "cgroup namespace of its own",
        instead: "the host's, which is the engine's default with version 1",
        changes: &[Set("/HostConfig/CgroupnsMode", r#""host""#)],
        attacks: &["escape/cgroup_names.sh"],
    },
    Flag {
        name: "hostname `sandbox`",
        instead: "the container's id",
        changes: &[Remove("/Hostname")],
        attacks: &["escape/masked.sh"],
    },
];

/// What else is in the request, and why no attack can tell that it is gone.
pub const NO_DEFENCE: &[(&str, &str)] = &[
    ("/Image", "which environment it is"),
    (
        "/Entrypoint",
        "the agent; an image's own would be no sandbox",
    ),
    ("/Cmd", "none: the agent takes no arguments"),
    (
        "/WorkingDir",
        "where the agent starts; kernels start elsewhere",
    ),
    ("/Labels", "by which it is found and removed"),
    ("/OpenStdin", "the link"),
    ("/StdinOnce", "the link"),
    ("/AttachStdin", "the link"),
    ("/AttachStdout", "the link"),
    ("/AttachStderr", "the link"),
    ("/Tty", "the link"),
    (
        "/Healthcheck",
        "none: an image's own would cost time in the sandbox",
    ),
    (
        "/StopSignal",
        "how the engine ends it, where nobody else did",
    ),
    (
        "/HostConfig/Privileged",
        "`false` is the engine's own; `true` would be the opposite of all flags at once",
    ),
    (
        "/HostConfig/LogConfig",
        "none: what is kept outside is seen from outside only",
    ),
    (
        "/HostConfig/OomScoreAdj",
        "whom an exhausted host kills first: the kernels' processes raise their own, and code may lower it to this only where the \
         engine has CAP_SYS_RESOURCE",
    ),
    ("/HostConfig/RestartPolicy", "never: the engine's own, too"),
    (
        "/HostConfig/Init",
        "none: the agent collects what has ended",
    ),
    ("/HostConfig/AutoRemove", "no: the service removes it"),
];
