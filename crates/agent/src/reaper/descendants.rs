//! The processes that descend from one.

use std::collections::HashMap;
use std::fs;

use nix::unistd::Pid;

/// Children, their children, and so on, as far as `/proc` shows them.
pub(super) fn find(ancestor: Pid) -> Vec<Pid> {
    let children = children();
    let mut found = Vec::new();
    let mut next = vec![ancestor];
    while let Some(parent) = next.pop() {
        let these = children.get(&parent).map_or(&[][..], Vec::as_slice);
        found.extend_from_slice(these);
        next.extend_from_slice(these);
    }
    found
}

fn children() -> HashMap<Pid, Vec<Pid>> {
    let mut children = HashMap::<Pid, Vec<Pid>>::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(parse) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some(parent) = parent(&stat) {
            children.entry(parent).or_default().push(process);
        }
    }
    children
}

/// The parent in a line of `/proc/<pid>/stat`: the second field after the name, which may hold anything.
fn parent(stat: &str) -> Option<Pid> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    parse(behind_name.split_whitespace().nth(1)?)
}

fn parse(number: &str) -> Option<Pid> {
    number.parse().ok().map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_cannot_pretend_another_parent() {
        assert_eq!(
            parent("12 (a) S 1 (b) R 77 12 12 0"),
            Some(Pid::from_raw(77))
        );
        assert_eq!(parent("12 (a"), None);
    }
}
