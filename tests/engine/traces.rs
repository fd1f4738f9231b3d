//! Traces over OTLP, as a collector receives them.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Service, Setup};

/// The client's, as in the specification of W3C Trace Context.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Takes what is sent to `/v1/traces`.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Value>>>);

impl Collector {
    /// One that listens, and its url.
    async fn start() -> (Collector, String) {
        async fn take(State(collector): State<Collector>, Json(sent): Json<Value>) -> Json<Value> {
            collector.0.lock().unwrap().push(sent);
            Json(json!({}))
        }
        let collector = Collector::default();
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(collector.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, url)
    }

    /// Every span of the client's trace that has come.
    fn spans(&self) -> Vec<Value> {
        let sent = self.0.lock().unwrap();
        let all = sent.iter().flat_map(|sent| array(&sent["resourceSpans"]));
        let scopes = all.flat_map(|resource| array(&resource["scopeSpans"]));
        let spans = scopes.flat_map(|scope| array(&scope["spans"]));
        spans
            .filter(|span| span["traceId"] == TRACE)
            .cloned()
            .collect()
    }

    /// The attributes of whatever has sent them.
    fn resource(&self) -> Value {
        self.0.lock().unwrap()[0]["resourceSpans"][0]["resource"].clone()
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a Value> {
    let attributes = array(&of["attributes"]);
    let found = attributes
        .iter()
        .find(|attribute| attribute["key"] == key)?;
    found["value"].as_object()?.values().next()
}

async fn traced(collector: &str) -> Service {
    let mut setup = Setup::with_pool(&[], &[]);
    setup.variables = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.to_owned()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json".to_owned()),
        // Not before the service ends: its last spans count too.
        ("OTEL_BSP_SCHEDULE_DELAY", "600000".to_owned()),
    ];
    Service::start_as(setup).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_part_of_its_clients_trace() {
    let (collector, url) = Collector::start().await;
    let mut service = traced(&url).await;
    let code = "open('made', 'w').write('a secret')";
    let answer = service
        .client()
        .post(service.url("/jupyter/execute?token=a-secret"))
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .json(&json!({
            "code": code,
            "execution_environment": "python",
            "files": [{"filename": "a", "content": "YSBzZWNyZXQ="}],
            "environment_variables": {"KEY": "a secret"},
        }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let request_id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(service.terminate().success());

    let spans = collector.spans();
    let names: Vec<_> = spans
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    let named = |name: &str| {
        let found = spans.iter().find(|span| span["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {names:?}"))
    };
    let request = named("POST /jupyter/execute");
    assert_eq!(request["parentSpanId"], PARENT);
    // SPAN_KIND_SERVER
    assert_eq!(request["kind"], 2, "{request:#}");
    for (key, value) in [
        ("http.request.method", json!("POST")),
        ("http.route", json!("/jupyter/execute")),
        ("http.response.status_code", json!("200")),
        ("request_id", json!(request_id)),
        ("owner", json!("local")),
    ] {
        assert_eq!(
            attribute(request, key),
            Some(&value),
            "{key} of {request:#}"
        );
    }
    assert!(attribute(request, "sandbox").is_some(), "{request:#}");
    for part in ["sandbox", "files_in", "code", "files_out"] {
        assert_eq!(named(part)["parentSpanId"], request["spanId"], "{part}");
    }
    let resource = collector.resource();
    assert_eq!(
        attribute(&resource, "service.name"),
        Some(&json!("cellblock"))
    );
    let all = serde_json::to_string(&spans).unwrap();
    assert!(!all.contains("secret"), "{all}");
    let lines = service.log();
    assert!(lines.iter().any(|line| line.contains(TRACE)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_no_request() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut service = traced(&url).await;
    assert_eq!(service.execute("bash", "echo a").await["output"], "a");
    assert!(service.terminate().success());
    let lines = service.log();
    assert!(lines.iter().any(|line| line.contains("HTTP export failed")));
}
