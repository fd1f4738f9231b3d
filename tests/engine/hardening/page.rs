//! The page: which flag stops which attack, as it was just seen.

use std::fmt::Write;

use super::Outcome;
use super::flags::NO_DEFENCE;
use crate::support::docker;

/// The most of an attack's words that is shown, in characters.
const WORDS: usize = 90;

pub fn page(outcomes: &[Outcome]) -> String {
    let engine = "Docker {{.ServerVersion}}, Linux {{.KernelVersion}}, cgroup v{{.CgroupVersion}}, {{.CgroupDriver}}";
    let engine = docker(&["info", "--format", engine]);
    let mut page = format!(
        "# Hardening flags, and what happens without each\n\n\
         Each flag of a sandbox's container ([`body.rs`](../src/sandbox/docker/body.rs)) was taken away, alone, and these attacks\n\
         got through, which are held with all flags: `scripts/flags-matter` does it and writes this page, and `make test` fails\n\
         where a flag stops nothing. Seen on {} with {}.\n\n\
         | flag | without it | attack that gets through | what it managed |\n|---|---|---|---|\n",
        today(),
        engine.trim(),
    );
    outcomes.iter().for_each(|outcome| rows(&mut page, outcome));
    page.push_str(
        "\nWhat else the engine is asked for, and no program in a sandbox could tell:\n\n",
    );
    for (key, why) in NO_DEFENCE {
        writeln!(
            page,
            "- `{}`: {why}",
            key.trim_start_matches('/').replace('/', ".")
        )
        .unwrap();
    }
    page
}

fn rows(page: &mut String, outcome: &Outcome) {
    let (flag, instead) = (outcome.flag.name, outcome.flag.instead);
    for (attack, got) in &outcome.got {
        let name = attack.split('/').next_back().unwrap_or_default();
        let words = shown(got);
        writeln!(
            page,
            "| {flag} | {instead} | [{name}](../tests/attacks/{attack}) | {words} |"
        )
        .unwrap();
    }
}

/// Its first words.
fn shown(got: &[String]) -> String {
    let first = got
        .first()
        .map_or("", |line| line.trim_start_matches("ESCAPED: "));
    let words: String = first.chars().take(WORDS).collect();
    let more = if got.len() > 1 {
        format!(" (and {} more)", got.len() - 1)
    } else {
        String::new()
    };
    words.replace('|', "\\|") + &more
}

/// The day, by the engine's clock.
fn today() -> String {
    docker(&["info", "--format", "{{.SystemTime}}"])
        .chars()
        .take(10)
        .collect()
}
