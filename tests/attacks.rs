//! The corpus of attacks is whole, and `docs/attacks.md` is what it says. What the attacks come to is shown by the engine
//! tests, which run them.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "attacks/corpus.rs"]
mod corpus;
#[path = "attacks/inputs.rs"]
mod inputs;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use corpus::Attack;
use inputs::InputAttack;

/// The ends that the API names, but for `cancelled`, which a client does.
const STATUSES: [&str; 6] = [
    "ok",
    "error",
    "timeout",
    "out_of_memory",
    "output_limit",
    "killed",
];

/// What each family is about, for the page.
const FAMILIES: &[(&str, &str)] = &[
    (
        "agent",
        "The agent and the link: process 1 of the sandbox, and the one way out of it",
    ),
    (
        "escape",
        "Ways out, and what can be found out about the host",
    ),
    ("neighbours", "Other sandboxes"),
    ("network", "Any word to anybody"),
    ("resources", "Using up what others need"),
    ("time", "Outliving the deadline, and the execution"),
];

/// Whose attacks are answered here, point by point.
const OTHERS: &[(&str, &str)] = &[
    (
        "SandboxEval",
        "the four categories of <https://arxiv.org/abs/2504.00018>",
    ),
    (
        "SandboxEscapeBench",
        "the scenarios of runtime and kernel of <https://arxiv.org/abs/2603.02277>; those of an orchestrator have no \
         counterpart here",
    ),
    (
        "Piston",
        "the exploits in `tests/` of <https://github.com/engineer-man/piston>",
    ),
];

/// What its table is about.
const WITH_RUNSC: &str = "
## With gVisor

`make test-runsc` runs the same attacks with `engine.runtime` as `runsc`. All the others end as above; these end otherwise, because it
is another kernel that they speak to. Names in the last column are what they say that they got.

| attack | why | ends as, and gets |
|---|---|---|
";

/// What its table is about.
const BY_INPUTS: &str = "
## The service, by what clients send

Each is a test of its own.

| attack | stopped by | test |
|---|---|---|
";

/// What no program can show to be stopped.
const LEFT_OPEN: &str = "
## Left open

- Bugs of the host's kernel: seccomp keeps most of it out of reach, but what is left is shared. `engine.runtime` as `runsc` or `kata`
  puts another kernel between.
- What the kernel counts for a user number (queued signals and POSIX timers, descriptors in flight through Unix sockets, inotify
  instances, pages in pipes past 64 MiB): sandboxes of an image without the label `cellblock.users` are all the same user, so one
  can use up what others would have. Kernels need none of these; code that does can fail meanwhile. Those of our images are each
  a user of their own; services that share an engine choose at random of the same 4096.
- A process can lower its `oom_score_adj` to where the engine lets it: to 500, or to 0 where the engine's own process has no
  `CAP_SYS_RESOURCE`. Then it is not the first that an exhausted host kills. Its own memory limit holds all the same.
- Time: caches, memory and processors are shared, and so are their side channels.
";

#[test]
fn every_program_says_what_must_come_of_it() {
    let attacks = corpus::all();
    assert!(attacks.len() >= 60, "only {}", attacks.len());
    let with_runsc = corpus::all().into_iter().map(Attack::with_runsc);
    for attack in attacks.into_iter().chain(with_runsc) {
        let name = format!("{}/{}", attack.family, attack.name);
        assert!(
            FAMILIES.iter().any(|(family, _)| *family == attack.family),
            "{name}"
        );
        for status in &attack.expect {
            assert!(STATUSES.contains(&status.as_str()), "{name}: {status}");
        }
        assert!((1..=30).contains(&attack.timeout), "{name}");
        assert!(attack.within > attack.timeout, "{name}");
        let files = attack.files.as_ref();
        assert!(files.is_none_or(|files| !files.is_empty()), "{name}");
        assert!(attack.stdin.iter().all(|line| !line.is_empty()), "{name}");
        assert!(!attack.environment.is_empty(), "{name}");
    }
}

#[test]
fn every_program_that_runs_to_its_end_can_fail() {
    for attack in corpus::all() {
        let says = |word: &str| attack.code.contains(word);
        assert!(attack.escapes("ESCAPED") && !attack.escapes("HELD"));
        let survives = attack.expect.iter().any(|status| status == "ok");
        assert!(
            !survives || (says("HELD") && (says("ESCAPED") || !attack.prints.is_empty())),
            "{}/{}",
            attack.family,
            attack.name
        );
    }
}

#[test]
fn every_attack_by_an_input_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for InputAttack { file, test, .. } in inputs::ALL {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(text.contains(&format!("fn {test}()")), "{file}: {test}");
    }
}

#[test]
fn the_page_of_attacks_is_that_of_the_programs() {
    let page = page(&corpus::all());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/attacks.md");
    if fs::read_to_string(&path).unwrap_or_default() != page {
        let wanted = Path::new(env!("CARGO_TARGET_TMPDIR")).join("attacks.md");
        fs::write(&wanted, page).unwrap();
        panic!(
            "docs/attacks.md is another: cp {} docs/attacks.md",
            wanted.display()
        );
    }
}

fn page(attacks: &[Attack]) -> String {
    let mut page = format!(
        "# Attacks\n\n\
         What code tries in a sandbox, what stops it, and how the execution ends. Each row is a program under\n\
         [`tests/attacks`](../tests/attacks), {} in all, which `make test` runs through the API in a real sandbox, with a neighbour\n\
         beside it that must go on undisturbed. This page is made from their first lines; `cargo test --test attacks` keeps it true.\n",
        attacks.len()
    );
    for (family, about) in FAMILIES {
        let rows = attacks.iter().filter(|attack| attack.family == *family);
        writeln!(
            page,
            "\n## {about}\n\n| attack | stopped by | ends as |\n|---|---|---|"
        )
        .unwrap();
        rows.for_each(|attack| row(&mut page, attack));
    }
    by_inputs(&mut page);
    with_runsc(&mut page, attacks);
    page.push_str(LEFT_OPEN);
    page.push_str("\n## Attacks of others\n");
    for (other, which) in OTHERS {
        answers(&mut page, other, which, attacks);
    }
    page
}

fn row(page: &mut String, attack: &Attack) {
    let link = link(attack);
    let (tries, stopped_by) = (&attack.attack, &attack.stopped_by);
    let ends = attack.expect.join(", ");
    writeln!(page, "| {tries} ({link}) | {stopped_by} | {ends} |").unwrap();
}

fn by_inputs(page: &mut String) {
    page.push_str(BY_INPUTS);
    for InputAttack {
        attack,
        stopped_by,
        file,
        test,
    } in inputs::ALL
    {
        writeln!(page, "| {attack} | {stopped_by} | [{test}](../{file}) |").unwrap();
    }
}

/// The attacks that end otherwise where gVisor runs the sandboxes.
fn with_runsc(page: &mut String, attacks: &[Attack]) {
    page.push_str(WITH_RUNSC);
    let others = attacks
        .iter()
        .filter_map(|attack| Some((attack, attack.runsc.as_ref()?)));
    for (attack, runsc) in others {
        let allows = runsc.allows.iter().map(|text| format!("`{text}`"));
        let ends = runsc.expect.as_ref().unwrap_or(&attack.expect);
        let ends = ends
            .iter()
            .cloned()
            .chain(allows)
            .collect::<Vec<_>>()
            .join(", ");
        writeln!(page, "| {} | {} | {ends} |", link(attack), runsc.why).unwrap();
    }
}

fn link(attack: &Attack) -> String {
    let (family, name) = (&attack.family, &attack.name);
    format!("[{name}](../tests/attacks/{family}/{name})")
}

/// Each point of somebody else's, and the programs that try the same.
fn answers(page: &mut String, other: &str, which: &str, attacks: &[Attack]) {
    let mut points: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for attack in attacks {
        for point in attack
            .like
            .iter()
            .filter_map(|like| like.strip_prefix(other))
        {
            points.entry(point.trim()).or_default().insert(link(attack));
        }
    }
    assert!(!points.is_empty(), "nobody is like {other}");
    writeln!(
        page,
        "\n{other}, {which}:\n\n| point | tried by |\n|---|---|"
    )
    .unwrap();
    for (point, links) in points {
        let links: Vec<String> = links.into_iter().collect();
        writeln!(page, "| {point} | {} |", links.join(", ")).unwrap();
    }
}
