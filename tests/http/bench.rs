//! A service on the fake engine, and a client for its router.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use cellblock::config::Settings;
use cellblock::http;
use cellblock::sandbox::fake::{FakeEngine, Happening};
use cellblock::service::Service;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

/// A service and its router.
pub struct Bench {
    pub engine: FakeEngine,
    pub settings: Settings,
    pub router: Router,
    _state_dir: TempDir,
}

impl Bench {
    /// With the default settings.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With the keys of two owners: `ada-key` and `grace-key`.
    pub async fn with_keys() -> Self {
        Self::with(|settings| {
            for name in ["ada", "grace"] {
                settings.keys.insert(name.to_owned(), format!("{name}-key"));
            }
        })
        .await
    }

    /// With these settings.
    pub async fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let state_dir = TempDir::new().unwrap();
        let mut settings = Settings {
            state_dir: state_dir.path().to_owned(),
            ..Settings::default()
        };
        set(&mut settings);
        let engine = FakeEngine::new();
        let service = Service::start(&settings, Arc::new(engine.clone())).await;
        let router = http::router(Arc::new(service.unwrap()), &settings);
        Self {
            engine,
            settings,
            router,
            _state_dir: state_dir,
        }
    }

    /// How many executions there were.
    pub fn executions(&self) -> usize {
        let used = |happening: &Happening| matches!(happening, Happening::Used(_));
        self.engine.history().into_iter().filter(used).count()
    }

    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        Answer::of(response).await
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, Body::empty())).await
    }

    /// Sends JSON to be executed.
    pub async fn execute(&self, body: &Value) -> Answer {
        self.send(execute(body.to_string())).await
    }

    /// Runs code, and expects nothing of it.
    pub async fn run(&self, code: &str) -> Answer {
        self.execute(&json!({ "code": code })).await
    }

    /// Stores a file, as `curl -T` does.
    pub async fn store(&self, filename: &str, content: &'static str) -> Answer {
        let path = format!("/jupyter/files?filename={filename}");
        self.send(request(Method::PUT, &path, content.into())).await
    }
}

/// A request to this machine.
pub fn request(method: Method, path: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost:8080")
        .body(body)
        .unwrap()
}

/// A request to execute JSON.
pub fn execute(json: impl Into<Body>) -> Request<Body> {
    let request = request(Method::POST, "/jupyter/execute", json.into());
    with(request, CONTENT_TYPE.as_str(), "application/json")
}

/// The request with one header more.
pub fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// The request with a key.
pub fn keyed(request: Request<Body>, key: &str) -> Request<Body> {
    with(request, "x-api-key", key)
}

/// The path and query of a url.
pub fn path_of(url: &Value) -> String {
    let url: Uri = url.as_str().unwrap().parse().unwrap();
    url.path_and_query().unwrap().to_string()
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            bytes: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        }
    }

    /// A header, empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON, of a request that went well.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.json_of(StatusCode::OK)
    }

    /// The body as JSON, of a request that went well in this way.
    #[track_caller]
    pub fn json_of(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{:?}", self.bytes);
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The body as a problem, which must be whole.
    #[track_caller]
    pub fn problem(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{:?}", self.bytes);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: Value = serde_json::from_slice(&self.bytes).unwrap();
        assert_eq!(problem["status"], status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for field in ["type", "title", "detail", "message"] {
            assert!(problem[field].is_string(), "{field} of {problem}");
        }
        problem
    }

    /// The fields that a 422 names, dotted.
    #[track_caller]
    pub fn fields(&self) -> Vec<String> {
        fields(&self.problem(StatusCode::UNPROCESSABLE_ENTITY))
    }
}

/// The fields that a problem names, dotted.
pub fn fields(problem: &Value) -> Vec<String> {
    let step = |step: &Value| step.as_str().map_or(step.to_string(), str::to_owned);
    let dotted = |error: &Value| {
        let steps = error["loc"].as_array().unwrap().iter().map(step);
        steps.collect::<Vec<_>>().join(".")
    };
    problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(dotted)
        .collect()
}
