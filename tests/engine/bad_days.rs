//! The service, the engine's objects, and what happens when somebody pulls the plug.

use futures::future::join_all;
use serde_json::json;

use crate::support::Service;

#[tokio::test]
async fn a_killed_service_leaves_strays_and_its_successor_removes_them_before_it_serves() {
    let mut service = Service::start_with_pool(&["python", "bash"], &[]).await;
    let requests: Vec<_> = (0..10)
        .map(|_| {
            let body =
                json!({"code": "sleep 100", "execution_environment": "bash", "timeout": 100});
            let request = service
                .client()
                .post(service.url("/jupyter/execute"))
                .json(&body);
            tokio::spawn(async move { request.send().await.is_err() })
        })
        .collect();
    let running = async || {
        service.containers().len() >= 10 && service.get("/jupyter/health").await["executions"] == 10
    };
    crate::support::eventually("ten run", running).await;
    service.kill();
    assert!(
        join_all(requests)
            .await
            .into_iter()
            .all(|failed| failed.unwrap())
    );
    let strays = service.containers();
    assert!(strays.len() >= 10, "{strays:?}");

    service.restart();
    let left: Vec<String> = service
        .containers()
        .into_iter()
        .filter(|container| strays.contains(container))
        .collect();
    assert!(
        left.is_empty(),
        "it serves, and these are still there: {left:?}"
    );
    let answer = service.execute("bash", "echo back").await;
    assert_eq!(answer["stdout"], "back\n", "{answer:#}");
}

#[tokio::test]
async fn a_sandbox_removed_by_somebody_else_is_killed_and_not_waited_for() {
    let service = Service::start(&[]).await;
    let body = json!({"timeout": 60});
    let remove = async {
        service.has_containers(1).await;
        crate::support::eventually("it runs", async || {
            service.get("/jupyter/health").await["executions"] == 1
        })
        .await;
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let engine = service.engine();
        engine.docker(&["rm", "-f", &service.containers()[0]]);
    };
    let (answer, ()) = tokio::join!(service.execute_with("bash", "sleep 50", body), remove);
    assert_eq!(answer["status"], "killed", "{answer:#}");
    assert!(
        answer["duration_ms"].as_u64().unwrap() < 30_000,
        "{answer:#}"
    );
}

#[tokio::test]
async fn warm_sandboxes_removed_by_somebody_else_are_replaced() {
    let service = Service::start_with_pool(&["python", "bash"], &[]).await;
    service.pool_is_full().await;
    for container in service.containers() {
        service.engine().docker(&["rm", "-f", &container]);
    }
    let answer = service.execute("python", "print('still there')").await;
    assert_eq!(answer["output"], "still there", "{answer:#}");
    service.pool_is_full().await;
}

#[tokio::test]
async fn uploaded_files_outlive_a_killed_service() {
    let mut service = Service::start(&[]).await;
    let upload = service
        .client()
        .put(service.url("/jupyter/files?filename=kept.txt"))
        .body("kept")
        .send()
        .await
        .unwrap();
    let upload: serde_json::Value = upload.json().await.unwrap();
    service.kill();
    service.restart();
    let stored = std::fs::read_dir(service.state().join("files")).unwrap();
    assert_eq!(stored.count(), 1, "it, and nothing half-written");
    let name = upload["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let answer = service
        .client()
        .get(service.url(&format!("/jupyter/files/{name}")))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), "kept");
}
