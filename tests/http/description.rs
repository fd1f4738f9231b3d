//! `/openapi.json` and `/docs`: the API describes itself, from the code that serves it.

use std::time::Duration;

use axum::http::StatusCode;
use bytesize::ByteSize;
use serde_json::Value;

use crate::bench::Bench;

async fn description() -> Value {
    Bench::new().await.get("/openapi.json").await.json()
}

#[tokio::test]
async fn every_route_is_described() {
    let api = description().await;
    for (path, methods) in [
        ("/metrics", &["get"][..]),
        ("/jupyter/", &["get"]),
        ("/jupyter/health", &["get"]),
        ("/jupyter/list_kernel_specs", &["get"]),
        ("/jupyter/execute", &["post"]),
        ("/jupyter/files", &["get", "put"]),
        ("/jupyter/files/long-lifetime", &["put"]),
        ("/jupyter/files/{name}", &["delete", "get"]),
        ("/jupyter/sessions", &["get", "post"]),
        ("/jupyter/sessions/{id}", &["delete", "get", "patch"]),
        ("/jupyter/sessions/{id}/execute", &["post"]),
        ("/jupyter/sessions/{id}/files", &["get", "put"]),
        (
            "/jupyter/sessions/{id}/files/{path}",
            &["delete", "get", "put"],
        ),
        ("/jupyter/sessions/{id}/interrupt", &["post"]),
        ("/jupyter/sessions/{id}/restart", &["post"]),
    ] {
        let described = api["paths"][path].as_object().unwrap();
        let mut described: Vec<_> = described.keys().map(String::as_str).collect();
        described.sort_unstable();
        assert_eq!(described, methods, "{path}");
    }
    assert_eq!(api["paths"].as_object().unwrap().len(), 15);
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let api = description().await;
    let mut references = Vec::new();
    collect_references(&api, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(api.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect_references(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            references.extend(reference.map(str::to_owned));
            fields
                .values()
                .for_each(|value| collect_references(value, references));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_references(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn only_two_routes_are_described_as_open() {
    let api = description().await;
    let open = |path: &str| api["paths"][path]["get"]["security"] == serde_json::json!([{}]);
    assert!(open("/jupyter/") && open("/jupyter/health"));
    assert!(!open("/jupyter/files"));
    assert_eq!(api["security"].as_array().unwrap().len(), 2);
    for scheme in ["key", "bearer"] {
        assert!(
            api["components"]["securitySchemes"][scheme].is_object(),
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn what_an_execution_takes_is_described_field_by_field() {
    let api = description().await;
    let schema = &api["components"]["schemas"]["ExecuteRequest"];
    assert_eq!(schema["required"], serde_json::json!(["code"]));
    let bench = Bench::new().await;
    for field in schema["properties"].as_object().unwrap().keys() {
        // A field that is described is one that is known: `[[]]` is wrong for all of them, in its own way.
        let body = serde_json::json!({ "code": "print 1", field: [[]] });
        let answer = bench.execute(&body).await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
        let msg = problem["errors"][0]["msg"].as_str().unwrap();
        assert!(!msg.contains("not a field"), "{field}: {msg}");
    }
}

#[tokio::test]
async fn what_may_be_one_thing_or_another_is_described_as_both() {
    let api = description().await;
    let schemas = &api["components"]["schemas"];
    let alternatives = |name: &str| schemas[name]["oneOf"].as_array().unwrap().clone();
    assert_eq!(
        alternatives("RequestFile")[0]["$ref"],
        "#/components/schemas/FileUpload"
    );
    assert_eq!(alternatives("RequestFile")[1]["type"], "string");
    assert_eq!(alternatives("Amount")[0]["type"], "number");
    assert_eq!(alternatives("Stdin")[1]["type"], "array");
}

#[tokio::test]
async fn what_the_service_allows_is_described() {
    let bench = Bench::with(|settings| {
        settings.execution.max_timeout = Duration::from_secs(90);
        settings.execution.max_memory = ByteSize::mib(600);
    });
    let api = bench.await.get("/openapi.json").await.json();
    let schemas = &api["components"]["schemas"];
    let number = |schema: &str, field: &str| {
        let alternatives = schemas[schema]["properties"][field]["oneOf"].as_array();
        let mut alternatives = alternatives.unwrap().iter();
        alternatives.find_map(|it| it["maximum"].as_f64()).unwrap()
    };
    for (schema, field, most) in [
        ("ExecuteRequest", "timeout", 90.0),
        ("CellRequest", "timeout", 90.0),
        ("CreateSession", "memory", 600.0 * 1024.0 * 1024.0),
        ("ExecuteRequest", "cpus", 2.0),
        ("SessionChange", "lifetime", 7.0 * 24.0 * 60.0 * 60.0),
        ("CreateSession", "idle_timeout", 24.0 * 60.0 * 60.0),
    ] {
        assert_eq!(number(schema, field), most, "{schema} {field}");
    }
}

#[tokio::test]
async fn bodies_are_described_as_closed() {
    let api = description().await;
    for schema in [
        "ExecuteRequest",
        "CellRequest",
        "CreateSession",
        "SessionChange",
        "FileUpload",
    ] {
        let schema = &api["components"]["schemas"][schema];
        assert_eq!(schema["additionalProperties"], false, "{schema}");
    }
}

#[tokio::test]
async fn links_lead_from_what_was_made_to_what_can_be_done_with_it() {
    let api = description().await;
    let operations = api["paths"].as_object().unwrap().values();
    let operations = operations.flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<_> = operations
        .clone()
        .map(|operation| &operation["operationId"])
        .collect();
    let responses = operations.flat_map(|operation| operation["responses"].as_object().unwrap());
    let links = responses.filter_map(|(_, response)| response["links"].as_object());
    let links: Vec<_> = links.flat_map(|links| links.values()).collect();
    assert_eq!(links.len(), 17);
    for link in links {
        assert!(ids.contains(&&link["operationId"]), "{link}");
    }
}

#[tokio::test]
async fn problems_are_described() {
    let api = description().await;
    let responses = &api["paths"]["/jupyter/execute"]["post"]["responses"];
    for status in [
        "400", "401", "408", "413", "415", "422", "429", "503", "504", "507",
    ] {
        let content = &responses[status]["content"]["application/problem+json"];
        assert_eq!(
            content["schema"]["$ref"], "#/components/schemas/Problem",
            "{status}"
        );
    }
}

#[tokio::test]
async fn docs_work_without_the_internet() {
    let bench = Bench::new().await;
    let page = bench.get("/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    let page = String::from_utf8(page.bytes.to_vec()).unwrap();
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
    for asset in [
        "swagger-ui-bundle.js",
        "swagger-ui.css",
        "swagger-initializer.js",
    ] {
        let answer = bench.get(&format!("/docs/{asset}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{asset}");
    }
    assert_eq!(bench.get("/docs").await.status, StatusCode::SEE_OTHER);
}
