//! The keys file: who gets in by it, and when it changes.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use cellblock::config::Settings;
use cellblock::config::key_file::{Change, Grant, NewKey, Quota};
use cellblock::sandbox::fake::FakeEngine;
use cellblock::service::{Service, ServiceError};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::bench::{Bench, execute, keyed, request};

/// A keys file in a directory of its own.
pub struct File {
    pub path: PathBuf,
    _directory: TempDir,
}

impl File {
    /// Empty.
    pub fn new() -> File {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("keys.toml");
        std::fs::write(&path, "").unwrap();
        File {
            path,
            _directory: directory,
        }
    }

    pub fn add(&self, name: &str, expires: Option<&str>) -> String {
        self.add_granted(name, expires, Grant::default())
    }

    pub fn add_granted(&self, name: &str, expires: Option<&str>, grant: Grant) -> String {
        let key = NewKey {
            name: name.to_owned(),
            expires: expires.map(|expires| expires.parse().unwrap()),
            grant,
        };
        Change::begin(&self.path).unwrap().make(&key).unwrap()
    }

    fn append(&self, text: &str) {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.append(true).open(&self.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub async fn bench(&self) -> Bench {
        Bench::with(|settings| settings.keys_file = Some(self.path.clone())).await
    }
}

async fn status(bench: &Bench, key: &str) -> StatusCode {
    let list = request(Method::GET, "/jupyter/files", Body::empty());
    bench.send(keyed(list, key)).await.status
}

/// Waits until the key is answered so, ten looks at the file at most.
pub async fn comes_to(bench: &Bench, key: &str, wanted: StatusCode) {
    let wait = async {
        while status(bench, key).await != wanted {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let came = timeout(Duration::from_secs(20), wait).await;
    assert!(came.is_ok(), "never {wanted}");
}

#[tokio::test]
async fn a_key_of_the_file_lets_its_owner_in() {
    let file = File::new();
    let key = file.add("ada", Some("2099-01-01T00:00:00Z"));
    let bench = file.bench().await;
    assert_eq!(status(&bench, &key).await, StatusCode::OK);
    assert_eq!(status(&bench, &key[1..]).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_expired_key_is_refused() {
    let file = File::new();
    let key = file.add("ada", Some("2026-01-01T00:00:00Z"));
    let bench = file.bench().await;
    assert_eq!(status(&bench, &key).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_empty_file_lets_nobody_in() {
    let bench = File::new().bench().await;
    let answer = bench.get("/jupyter/files").await;
    answer.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(status(&bench, "anything").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_that_is_added_or_revoked_counts_without_a_restart() {
    let file = File::new();
    let ada = file.add("ada", None);
    let bench = file.bench().await;
    let grace = file.add("grace", None);
    comes_to(&bench, &grace, StatusCode::OK).await;
    Change::begin(&file.path).unwrap().revoke("ada").unwrap();
    comes_to(&bench, &ada, StatusCode::UNAUTHORIZED).await;
    assert_eq!(status(&bench, &grace).await, StatusCode::OK);
}

#[tokio::test]
async fn a_file_that_breaks_or_goes_leaves_the_keys_as_they_were() {
    let file = File::new();
    let ada = file.add("ada", None);
    let good = std::fs::read(&file.path).unwrap();
    let bench = file.bench().await;
    for broken in [true, false] {
        match broken {
            true => file.append("[[keys]]\nname = 1\n"),
            false => std::fs::remove_file(&file.path).unwrap(),
        }
        // Two looks later.
        sleep(Duration::from_millis(4100)).await;
        assert_eq!(status(&bench, &ada).await, StatusCode::OK);
    }
    std::fs::write(&file.path, good).unwrap();
    let grace = file.add("grace", None);
    comes_to(&bench, &grace, StatusCode::OK).await;
    std::fs::write(&file.path, "").unwrap();
    comes_to(&bench, &ada, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_key_sees_the_environments_that_it_may_use() {
    let file = File::new();
    let all = file.add("ada", None);
    let grant = Grant {
        environments: Some(vec!["bash".to_owned()]),
        ..Grant::default()
    };
    let some = file.add_granted("grace", None, grant);
    let bench = file.bench().await;
    for (path, list, usual) in [
        ("/jupyter/list_kernel_specs", "", "python"),
        ("/api/kernelspecs", "/kernelspecs", "python3"),
    ] {
        for (key, expected) in [(&all, vec!["bash", usual]), (&some, vec!["bash"])] {
            let asked = request(Method::GET, path, Body::empty());
            let answer = bench.send(keyed(asked, key)).await.json();
            let listed = answer.pointer(list).unwrap().as_object().unwrap();
            let names: Vec<_> = listed
                .keys()
                .filter(|name| expected.contains(&name.as_str()))
                .collect();
            assert_eq!(names, expected, "{answer}");
            assert!(*key != some || listed.len() == 1, "{answer}");
        }
    }
    let asked = request(Method::GET, "/api/kernelspecs", Body::empty());
    let answer = bench.send(keyed(asked, &some)).await.json();
    assert_eq!(answer["default"], "bash");
}

#[tokio::test]
async fn over_a_limit_is_429_with_the_limit_and_a_time() {
    let file = File::new();
    let grant = Grant {
        environments: Some(vec!["python".to_owned()]),
        limits: Quota {
            executions_per_minute: Some(1),
            ..Quota::default()
        },
        ..Grant::default()
    };
    let key = file.add_granted("ada", None, grant);
    let bench = file.bench().await;
    let run = |json: &str| bench.send(keyed(execute(json.to_owned()), &key));
    run(r#"{"code": "print a"}"#).await.json();
    let refused = run(r#"{"code": "print a"}"#).await;
    let seconds: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((50..=60).contains(&seconds), "{seconds}");
    let problem = refused.problem(StatusCode::TOO_MANY_REQUESTS);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("executions_per_minute"), "{detail}");
}

#[tokio::test]
async fn an_environment_that_the_key_does_not_allow_is_a_wrong_field() {
    let file = File::new();
    let grant = Grant {
        environments: Some(vec!["bash".to_owned()]),
        ..Grant::default()
    };
    let key = file.add_granted("ada", None, grant);
    let bench = file.bench().await;
    let request = execute(r#"{"code": "print a"}"#);
    let answer = bench.send(keyed(request, &key)).await;
    assert_eq!(answer.fields(), ["body.execution_environment"]);
}

#[tokio::test]
async fn a_service_does_not_start_on_a_file_that_is_wrong() {
    let file = File::new();
    file.add("ada", None);
    let state = TempDir::new().unwrap();
    let mut settings = Settings {
        state_dir: state.path().to_owned(),
        keys_file: Some(file.path.clone()),
        ..Settings::default()
    };
    settings
        .keys
        .insert("ada".to_owned(), "the same name".to_owned());
    refused(&settings, "ada is in the setting `keys` too").await;
    settings.keys.clear();
    file.append("[[keys]]\nname = 1\n");
    refused(&settings, "`name`").await;
    std::fs::remove_file(&file.path).unwrap();
    refused(&settings, "No such file").await;
}

async fn refused(settings: &Settings, words: &str) {
    let started = Service::start(settings, Arc::new(FakeEngine::new())).await;
    match started.unwrap_err() {
        ServiceError::Invalid { field, reason } => {
            assert_eq!(field, "keys_file");
            assert!(reason.contains(words), "{reason}");
        }
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn who_names_no_kernel_gets_the_usual_one_of_those_that_the_key_may_use() {
    let file = File::new();
    let grant = Grant {
        environments: Some(vec!["bash".to_owned()]),
        ..Grant::default()
    };
    let bash = file.add_granted("ada", None, grant);
    let none = file.add_granted("grace", None, Grant::nothing());
    let bench = file.bench().await;
    let started = request(Method::POST, "/api/kernels", Body::empty());
    let started = bench.send(keyed(started, &bash)).await;
    assert_eq!(started.json_of(StatusCode::CREATED)["name"], "bash");
    let refused = request(Method::POST, "/api/kernels", Body::empty());
    let refused = bench.send(keyed(refused, &none)).await;
    refused.problem(StatusCode::UNPROCESSABLE_ENTITY);
}
