//! Every flag of a sandbox's container matters: without it, an attack gets further than with it.
//!
//! The service speaks to the engine through a [proxy], which takes one flag away from each sandbox that it makes. Then the
//! attacks that this flag stops are run, and must not be held. That they are held by the same way with all flags, and that
//! no flag is left out, is shown too. The proxy needs a thread while a service is awaited. `scripts/flags-matter` writes the page of it, `docs/hardening-flags.md`.

mod flags;
mod page;
mod proxy;
mod surroundings;

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream;
use serde_json::Value;

use self::flags::{FLAGS, Flag, NO_DEFENCE};
use self::proxy::Proxy;
use self::surroundings::Surroundings;
use crate::attacks;
use crate::corpus::{self, Attack};
use crate::support::Service;

/// Flags, or attacks, at the same time.
const AT_ONCE: usize = 3;

/// Where the page is to be written.
const PAGE: &str = "HARDENING_PAGE";

/// What an attack came to without a flag.
struct Outcome {
    flag: &'static Flag,
    /// The attack's family and name, and what got through. Empty: it was held.
    got: Vec<(&'static str, Vec<String>)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_of_its_flags_a_sandbox_does_not_hold() {
    let surroundings = Surroundings::new();
    let outcomes: Vec<Outcome> = stream::iter(FLAGS)
        .map(|flag| without(flag, &surroundings))
        .buffered(AT_ONCE)
        .collect()
        .await;
    if let Some(path) = std::env::var_os(PAGE) {
        std::fs::write(path, page::page(&outcomes)).unwrap();
    }
    let held: Vec<String> = outcomes.iter().flat_map(held).collect();
    assert!(held.is_empty(), "\n{}", held.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_attacks_are_held_with_all_flags() {
    let surroundings = Surroundings::new();
    let proxy = Proxy::start(&[], &surroundings);
    let service = service(&proxy).await;
    let names: BTreeSet<&str> = FLAGS
        .iter()
        .flat_map(|flag| flag.attacks)
        .copied()
        .collect();
    let service = &service;
    let outcomes = stream::iter(names).map(|name| async move { (name, got(service, name).await) });
    let outcomes: Vec<_> = outcomes.buffer_unordered(AT_ONCE).collect().await;
    let through: Vec<_> = outcomes.iter().filter(|(_, got)| !got.is_empty()).collect();
    assert!(through.is_empty(), "{through:#?}");
    untold(&proxy.last_body());
}

/// Fails with what is in the request, and neither in the table nor known to be no defence.
fn untold(body: &Value) {
    let host = body["HostConfig"].as_object().unwrap();
    let keys = body.as_object().unwrap().keys();
    let keys = keys.filter(|key| *key != "HostConfig");
    let keys = keys.map(|key| format!("/{key}"));
    let keys = keys.chain(host.keys().map(|key| format!("/HostConfig/{key}")));
    let told = |key: &String| {
        let flags = FLAGS.iter().flat_map(|flag| flag.changes);
        flags
            .map(|change| change.place())
            .any(|place| place == key || place.starts_with(&format!("{key}/")))
            || NO_DEFENCE.iter().any(|(known, _)| known == key)
    };
    let untold: Vec<String> = keys.filter(|key| !told(key)).collect();
    assert!(untold.is_empty(), "no word about {untold:?}");
}

async fn service(proxy: &Proxy) -> Service {
    let engine = format!("--engine-host={}", proxy.url());
    Service::start(&[
        &engine,
        "--execution-output-limit=1MiB",
        "--execution-timeout=30s",
    ])
    .await
}

async fn without(flag: &'static Flag, surroundings: &Surroundings) -> Outcome {
    let proxy = Proxy::start(flag.changes, surroundings);
    let service = service(&proxy).await;
    let mut outcome = Outcome {
        flag,
        got: Vec::new(),
    };
    for name in flag.attacks {
        outcome.got.push((name, got(&service, name).await));
    }
    eprintln!("without {}: {:?}", flag.name, outcome.got);
    outcome
}

/// What an attack managed. That its sandbox did not even start is nothing of the kind.
async fn got(service: &Service, name: &str) -> Vec<String> {
    let attack = named(name);
    let (http, answer) = attacks::run(service, &attack).await;
    if http != 200 {
        eprintln!("{name} did not run: {answer:#}");
        return Vec::new();
    }
    let mut got = attacks::judge(&attack, &answer);
    let said = answer["stdout"].as_str().unwrap_or_default().lines();
    let escaped: Vec<String> = said
        .filter(|line| line.contains("ESCAPED"))
        .map(str::to_owned)
        .collect();
    if !escaped.is_empty() {
        got = escaped;
    }
    got
}

fn named(name: &str) -> Attack {
    let is = |attack: &Attack| format!("{}/{}", attack.family, attack.name) == name;
    corpus::all()
        .into_iter()
        .find(is)
        .unwrap_or_else(|| panic!("there is no {name}"))
}

/// The attacks that do not need the flag to be held.
fn held(outcome: &Outcome) -> Vec<String> {
    let held = outcome.got.iter().filter(|(_, got)| got.is_empty());
    held.map(|(name, _)| format!("{name} is held without {}", outcome.flag.name))
        .collect()
}
