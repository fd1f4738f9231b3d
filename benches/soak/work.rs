//! The kinds of work, and what is expected of each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::channels::{Channels, session};
use crate::support::Service;

/// Of what is wrong, so much is kept.
const KEPT: usize = 20;

/// When a client goes away that does not wait for its answer.
const GOES_AFTER: Duration = Duration::from_millis(700);

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Hello,
    Files,
    Raises,
    Exits,
    TimesOut,
    FloodsOutput,
    EatsMemory,
    GoesAway,
    Packages,
    Session,
    Channels,
}

const KINDS: [Kind; 11] = [
    Kind::Hello,
    Kind::Session,
    Kind::Files,
    Kind::Raises,
    Kind::Channels,
    Kind::TimesOut,
    Kind::GoesAway,
    Kind::FloodsOutput,
    Kind::Exits,
    Kind::Packages,
    Kind::EatsMemory,
];

/// What has been done of each kind, and what was not as expected.
#[derive(Debug, Default)]
struct Tally {
    done: BTreeMap<Kind, usize>,
    unexpected: usize,
    first: Vec<String>,
}

/// All clients' work on one service.
pub struct Work<'s> {
    service: &'s Service,
    tally: Mutex<Tally>,
}

impl Work<'_> {
    pub fn new(service: &Service) -> Work<'_> {
        Work {
            service,
            tally: Mutex::default(),
        }
    }

    /// One client: every kind in turn, each client beginning with another.
    pub async fn go_on_until(&self, client: usize, end: Instant) {
        let mut kinds = KINDS.iter().cycle().skip(client);
        while Instant::now() < end {
            let kind = *kinds.next().expect("it is endless");
            let wrong = self.once(kind).await;
            self.note(kind, wrong);
        }
    }

    /// So much has been done.
    pub fn done(&self) -> usize {
        self.tally(|tally| tally.done.values().sum())
    }

    /// Whether nothing else happened.
    pub fn all_as_expected(&self) -> bool {
        self.tally(|tally| tally.unexpected == 0)
    }

    fn tally<T>(&self, look: impl FnOnce(&mut Tally) -> T) -> T {
        look(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, kind: Kind, wrong: Option<String>) {
        self.tally(|tally| {
            *tally.done.entry(kind).or_default() += 1;
            let Some(wrong) = wrong else { return };
            tally.unexpected += 1;
            if tally.first.len() < KEPT {
                tally.first.push(format!("{kind:?}: {wrong}"));
            }
        });
    }

    /// What was not as expected, if anything.
    async fn once(&self, kind: Kind) -> Option<String> {
        let plain = json!({});
        match kind {
            Kind::Hello => self.ends("python", "print('hi')", plain, "ok").await,
            Kind::Raises => self.ends("python", "1 / 0", plain, "error").await,
            Kind::Exits => {
                self.ends("python", "import os; os._exit(3)", plain, "killed")
                    .await
            }
            Kind::TimesOut => {
                let fields = json!({ "timeout": 1 });
                self.ends("bash", "sleep 60", fields, "timeout").await
            }
            Kind::FloodsOutput => self.ends("bash", "yes", plain, "output_limit").await,
            Kind::EatsMemory => {
                let code = "x = bytearray(4 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1";
                self.ends("python", code, plain, "out_of_memory").await
            }
            Kind::Packages => {
                let fields = json!({ "packages": ["humanize==4.*"] });
                self.ends("python", "import humanize", fields, "ok").await
            }
            Kind::Files => self.files().await,
            Kind::GoesAway => self.goes_away().await,
            Kind::Session => self.session().await,
            Kind::Channels => self.channels().await,
        }
    }

    async fn ends(
        &self,
        environment: &str,
        code: &str,
        fields: Value,
        as_: &str,
    ) -> Option<String> {
        let (http, answer) = self.service.post(environment, code, fields).await;
        (http != 200 || answer["status"] != as_).then(|| format!("HTTP {http}: {answer}"))
    }

    /// A file goes in, another comes out, is fetched and deleted.
    async fn files(&self) -> Option<String> {
        let fields = json!({ "files": [{ "filename": "in.txt", "content": "aGk=" }] });
        let (_, answer) = self
            .service
            .post("bash", "cat in.txt in.txt > out.txt", fields)
            .await;
        let file = answer["files"].get(0).cloned().unwrap_or_default();
        let Some(url) = file["url"].as_str() else {
            return Some(format!("no file: {answer}"));
        };
        let client = self.service.client();
        let content = client.get(url).send().await.unwrap().text().await.unwrap();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let deleted = client.delete(path).send().await.unwrap().status();
        (content != "hihi" || deleted != 204).then(|| format!("{content:?}, then {deleted}"))
    }

    /// It does not wait for the answer: the execution is cancelled.
    async fn goes_away(&self) -> Option<String> {
        let answer = timeout(GOES_AFTER, self.service.post("bash", "sleep 50", json!({}))).await;
        answer
            .ok()
            .map(|(http, answer)| format!("answered at once, HTTP {http}: {answer}"))
    }

    /// A session over REST: state is kept, then it is ended.
    async fn session(&self) -> Option<String> {
        let id = session(self.service, "bash").await;
        let url = self.service.url(&format!("/jupyter/sessions/{id}"));
        let client = self.service.client();
        let mut printed = Value::Null;
        for code in ["x=kept", "echo $x"] {
            let request = client
                .post(format!("{url}/execute"))
                .json(&json!({ "code": code }));
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            printed = answer["stdout"].clone();
        }
        let ended = client.delete(url).send().await.unwrap().status();
        (printed != "kept\n" || ended != 204).then(|| format!("{printed}, then {ended}"))
    }

    /// A session whose kernel is spoken to over its WebSocket, and which is ended with that open.
    async fn channels(&self) -> Option<String> {
        let id = session(self.service, "python").await;
        let mut channels = Channels::connect(self.service, &id, "soak").await;
        channels.execute("print('over the socket')").await;
        let mut heard = false;
        while !heard {
            let Some(framed) = channels.next().await else {
                return Some("the socket was closed".to_owned());
            };
            let content = framed
                .parts
                .get(3)
                .map(|part| String::from_utf8_lossy(part));
            heard = content.is_some_and(|content| content.contains("over the socket\\n"));
        }
        let url = self.service.url(&format!("/api/kernels/{id}"));
        let ended = self
            .service
            .client()
            .delete(url)
            .send()
            .await
            .unwrap()
            .status();
        (ended != 204).then(|| format!("ended: {ended}"))
    }
}

impl fmt::Display for Work<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tally(|tally| {
            for (kind, done) in &tally.done {
                writeln!(formatter, "{done:9}   {kind:?}")?;
            }
            writeln!(formatter, "{:9}   unexpected", tally.unexpected)?;
            tally
                .first
                .iter()
                .try_for_each(|wrong| writeln!(formatter, "WRONG: {wrong}"))
        })
    }
}
