//! The system calls that sandboxes may make.
//!
//! `seccomp.json` beside this file is our own profile, in the language of Docker's (`docker run --security-opt
//! seccomp=seccomp.json` takes it too). It began as that of Docker 20.10 to 28 and lost what no environment needs; each
//! group says why. What it does not name is refused with EPERM, calls of the future too.
//!
//! | lost, beside what Docker already refuses without capabilities | because |
//! |---|---|
//! | `io_uring_*` | a second way to most calls, past the filter; a steady source of kernel bugs |
//! | `ptrace`, `process_vm_*`, `kcmp`, `pidfd_getfd` | a look into other processes |
//! | `vmsplice`, `userfaultfd`, `memfd_secret`, `remap_file_pages` | what exploits are built with |
//! | `name_to_handle_at`, `fanotify_mark` | files without their paths |
//! | `mq_*`, `io_setup` and the like | counted for the user or the host, so that one sandbox could use up what all have |
//! | `sync`, `syncfs` | do nothing and succeed: they would make the whole host write |
//! | `personality` but the usual one | turns address space randomisation off |
//! | sockets but of Unix, TCP, UDP and Netlink's routes | each other family is a driver less to attack |
//! | calls of 32-bit programs | no environment has any: the filter knows the machine's own architecture only |

use std::sync::Arc;

use serde_json::Value;

use crate::config::seccomp::Seccomp;

/// Our own profile, with its reasons.
const CELLBLOCK: &str = include_str!("seccomp.json");

/// What the engine is told of system calls. None: it uses its own profile.
#[derive(Clone, Debug)]
pub(super) struct Profile(Option<Arc<str>>);

impl Profile {
    /// The profile that the settings name.
    pub(super) fn new(settings: &Seccomp) -> Profile {
        Profile(match settings {
            Seccomp::Cellblock => Some(without_reasons(CELLBLOCK).into()),
            Seccomp::Engine => None,
            Seccomp::File { profile, .. } => Some(profile.clone()),
        })
    }

    /// As the engine's API wants it.
    pub(super) fn option(&self) -> Option<String> {
        let profile = self.0.as_deref()?;
        Some(format!("seccomp={profile}"))
    }
}

/// It goes to the engine with every container: only what the engine reads.
fn without_reasons(profile: &str) -> String {
    let mut profile: Value = serde_json::from_str(profile).expect("a test reads it");
    let rules = profile["syscalls"].as_array_mut();
    for rule in rules.into_iter().flatten().filter_map(Value::as_object_mut) {
        rule.remove("comment");
    }
    profile.to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Calls that no rule may allow, whatever else changes.
    const NEVER: &[&str] = &[
        "acct",
        "add_key",
        "adjtimex",
        "bpf",
        "chroot",
        "clock_adjtime",
        "clock_settime",
        "delete_module",
        "fanotify_init",
        "fanotify_mark",
        "finit_module",
        "fsconfig",
        "fsmount",
        "fsopen",
        "fspick",
        "get_mempolicy",
        "init_module",
        "io_setup",
        "io_submit",
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        "ioperm",
        "iopl",
        "kcmp",
        "kexec_file_load",
        "kexec_load",
        "keyctl",
        "lookup_dcookie",
        "mbind",
        "migrate_pages",
        "modify_ldt",
        "mount",
        "mount_setattr",
        "move_mount",
        "move_pages",
        "mq_open",
        "name_to_handle_at",
        "open_by_handle_at",
        "open_tree",
        "perf_event_open",
        "pidfd_getfd",
        "pivot_root",
        "process_madvise",
        "process_vm_readv",
        "process_vm_writev",
        "ptrace",
        "quotactl",
        "quotactl_fd",
        "reboot",
        "request_key",
        "set_mempolicy",
        "setdomainname",
        "sethostname",
        "setns",
        "settimeofday",
        "swapoff",
        "swapon",
        "syslog",
        "umount2",
        "unshare",
        "userfaultfd",
        "vhangup",
        "vmsplice",
    ];

    fn rules() -> Vec<Value> {
        let profile: Value = serde_json::from_str(CELLBLOCK).unwrap();
        assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
        profile["syscalls"].as_array().unwrap().clone()
    }

    fn names(rule: &Value) -> impl Iterator<Item = &str> {
        let names = rule["names"].as_array().unwrap().iter();
        names.map(|name| name.as_str().unwrap())
    }

    #[test]
    fn what_no_code_needs_is_allowed_by_no_rule() {
        for rule in rules() {
            let wrong: Vec<&str> = names(&rule).filter(|name| NEVER.contains(name)).collect();
            assert!(wrong.is_empty(), "{wrong:?}");
        }
    }

    #[test]
    fn calls_whose_arguments_matter_are_allowed_by_no_rule_without_arguments() {
        for rule in rules() {
            let open = rule["action"] == "SCMP_ACT_ALLOW" && rule.get("args").is_none();
            for name in ["clone", "clone3", "personality", "socket", "sync", "syncfs"] {
                assert!(
                    !open || names(&rule).all(|allowed| allowed != name),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn every_call_stands_once_and_every_rule_acts() {
        let mut seen = BTreeSet::new();
        for rule in rules() {
            assert!(
                ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"].contains(&rule["action"].as_str().unwrap())
            );
            let repeated = names(&rule).find(|name| !seen.insert((*name).to_owned()));
            assert!(
                repeated.is_none() || rule.get("args").is_some(),
                "{repeated:?}"
            );
        }
    }

    #[test]
    fn the_engine_gets_the_profile_without_its_reasons() {
        let option = Profile::new(&Seccomp::Cellblock).option().unwrap();
        let profile: Value =
            serde_json::from_str(option.strip_prefix("seccomp=").unwrap()).unwrap();
        assert_eq!(profile["syscalls"].as_array().unwrap().len(), rules().len());
        assert!(!option.contains("comment"));
    }

    #[test]
    fn the_engines_own_profile_is_no_option_and_a_file_is_as_it_is() {
        assert_eq!(Profile::new(&Seccomp::Engine).option(), None);
        let file = Seccomp::File {
            path: "mine.json".into(),
            profile: "{}".into(),
        };
        assert_eq!(Profile::new(&file).option().unwrap(), "seccomp={}");
    }
}
