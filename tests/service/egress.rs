//! What code can reach: nothing, but what the operator allows, the request asks for, and no private network has.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytesize::ByteSize;
use cellblock::config::Settings;
use cellblock::sandbox::fake::FakeEngine;
use cellblock::service::Service;
use cellblock::service::egress::Resolver;
use cellblock::service::owner::Owner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::numbers::Numbers;
use crate::support::{request, settings};

/// Answers each time with the next of its answers, and with the last one for ever.
struct Changing(Mutex<Vec<&'static str>>);

#[async_trait]
impl Resolver for Changing {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() == 1 {
            answers[0]
        } else {
            answers.remove(0)
        };
        Ok(vec![answer.parse().unwrap()])
    }
}

/// A service whose operator allows `inner.example` at the port of a host that says everything back.
struct World {
    service: Service,
    port: u16,
    _state: tempfile::TempDir,
}

impl World {
    async fn new(answers: &[&'static str], change: impl FnOnce(&mut Settings)) -> World {
        let port = echo().await;
        let state = tempfile::tempdir().unwrap();
        let mut settings = settings(&state);
        settings.egress.hosts = vec![format!("inner.example:{port}").parse().unwrap()];
        settings.egress.private = vec!["127.0.0.1/32".parse().unwrap()];
        change(&mut settings);
        let resolver = Arc::new(Changing(Mutex::new(answers.to_vec())));
        let engine = Arc::new(FakeEngine::new());
        let service = Service::start_resolving(&settings, engine, resolver).await;
        World {
            service: service.unwrap(),
            port,
            _state: state,
        }
    }

    /// What code prints that says `text` to these hosts, one after the other.
    async fn say(&self, text: &str, hosts: &[&str]) -> String {
        let line = |host: &&str| format!("connect {host}:{} {text}", self.port);
        let code = hosts.iter().map(line).collect::<Vec<_>>().join("\n");
        let mut request = request(&code);
        request.sandbox.network = vec![format!("inner.example:{}", self.port).parse().unwrap()];
        let result = self.service.execute(&Owner::local(), request).await;
        result.unwrap().output.stdout
    }
}

async fn echo() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut said = Vec::new();
            connection.read_to_end(&mut said).await.unwrap();
            // Who was cut off does not hear it.
            let _ = connection.write_all(&said).await;
        }
    });
    port
}

#[tokio::test]
async fn an_allowed_host_is_reached_both_ways() {
    let world = World::new(&["127.0.0.1"], |_| {}).await;
    let heard = world
        .say("hello", &["inner.example", "INNER.example."])
        .await;
    assert_eq!(heard.matches("hello").count(), 2, "{heard}");
}

#[tokio::test]
async fn any_other_host_is_refused_with_the_reason() {
    let world = World::new(&["127.0.0.1"], |_| {}).await;
    for host in [
        "other.example",
        "inner.example.evil.example",
        "127.0.0.1",
        "localhost",
        "169.254.169.254",
    ] {
        let heard = world.say("hello", &[host]).await;
        assert_eq!(
            heard, "403 this host is not among those that may be reached\n",
            "{host}"
        );
    }
}

#[tokio::test]
async fn an_allowed_name_that_stands_for_a_private_address_is_refused() {
    for private in [
        "127.0.0.1",
        "169.254.169.254",
        "172.17.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "fd00:ec2::254",
    ] {
        let world = World::new(&[private], |settings| settings.egress.private.clear()).await;
        let heard = world.say("hello", &["inner.example"]).await;
        assert_eq!(
            heard, "403 this host is in a private network\n",
            "{private}"
        );
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_looked_at_each_time() {
    let world = World::new(&["127.0.0.1", "127.0.0.2"], |_| {}).await;
    let heard = world
        .say("hello", &["inner.example", "inner.example"])
        .await;
    assert!(heard.starts_with("hello"), "{heard}");
    assert!(
        heard.ends_with("403 this host is in a private network\n"),
        "{heard}"
    );
}

#[tokio::test]
async fn connections_of_an_execution_are_capped() {
    let world = World::new(&["127.0.0.1"], |settings| {
        settings.egress.max_connections = 1
    })
    .await;
    let heard = world
        .say("hello", &["inner.example", "inner.example"])
        .await;
    assert!(heard.ends_with("403 too many connections\n"), "{heard}");
}

#[tokio::test]
async fn bytes_of_an_execution_are_capped() {
    let world = World::new(&["127.0.0.1"], |settings| {
        settings.egress.max_bytes = ByteSize::b(7)
    })
    .await;
    let heard = world
        .say("hello", &["inner.example", "inner.example"])
        .await;
    assert!(!heard.contains("hello"), "{heard}");
    assert!(
        heard.ends_with("403 no more bytes may be sent or received\n"),
        "{heard}"
    );
}

#[tokio::test]
async fn who_asks_for_nothing_has_no_network() {
    let world = World::new(&["127.0.0.1"], |_| {}).await;
    let code = format!("connect inner.example:{} hello", world.port);
    let result = world
        .service
        .execute(&Owner::local(), request(&code))
        .await
        .unwrap();
    assert_eq!(result.output.error.unwrap().name, "ConnectionError");
}

#[tokio::test]
async fn connections_are_counted_by_their_end_and_with_their_bytes() {
    let world = World::new(&["127.0.0.1"], |_| {}).await;
    world
        .say("hello", &["inner.example", "other.example"])
        .await;
    let after = Numbers::read(&world.service.metrics());
    let ended = |end: &str| after.of(&format!("egress_connections_total{{end=\"{end}\"}}"));
    assert_eq!(["closed", "not_allowed"].map(ended), [1.0, 1.0]);
    let bytes = |way: &str| after.of(&format!("egress_bytes_total{{direction=\"{way}\"}}"));
    assert_eq!(["sent", "received"].map(bytes), [5.0, 5.0]);
}
