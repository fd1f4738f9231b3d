//! The whole path, from a request to a result.

use serde_json::json;

use crate::support::Service;

#[tokio::test]
async fn python_prints_and_returns() {
    let service = Service::start(&[]).await;
    let answer = service.execute("python", "print('hi')\n6 * 7").await;
    assert_eq!(answer["status"], "ok", "{answer:#}");
    assert_eq!(answer["output"], "hi\n42");
    assert_eq!(answer["stdout"], "hi\n");
    assert_eq!(answer["error"], false);
    assert_eq!(answer["timedout"], false);
    assert_eq!(answer["execution_count"], 1);
    assert!(
        answer["usage"]["cpu_ms"].as_u64().unwrap() > 0,
        "{answer:#}"
    );
    assert!(
        answer["usage"]["peak_memory_bytes"].as_u64().unwrap() > 1 << 20,
        "{answer:#}"
    );
}

#[tokio::test]
async fn bash_prints_and_fails_with_its_exit_status() {
    let service = Service::start(&[]).await;
    let answer = service.execute("bash", "echo hi; echo there >&2").await;
    assert_eq!(answer["status"], "ok", "{answer:#}");
    assert_eq!(answer["stdout"], "hi\n");
    assert_eq!(answer["stderr"], "there\n");
    let answer = service.execute("bash", "echo before; false").await;
    assert_eq!(answer["status"], "error", "{answer:#}");
    assert_eq!(answer["stdout"], "before\n");
}

#[tokio::test]
async fn plots_come_back_as_images() {
    let service = Service::start(&[]).await;
    let code = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()";
    let answer = service.execute("python", code).await;
    assert_eq!(answer["status"], "ok", "{answer:#}");
    let images = answer["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|output| output["data"]["image/png"].as_str());
    let images: Vec<&str> = images.collect();
    assert_eq!(images.len(), 1);
    assert!(images[0].starts_with("iVBORw0KGgo"), "not a PNG");
}

#[tokio::test]
async fn input_is_answered_from_stdin() {
    let service = Service::start(&[]).await;
    let code = "name = input('who? ')\nprint('hello', name)";
    let answer = service
        .execute_with("python", code, json!({"stdin": "Ada\n"}))
        .await;
    assert_eq!(answer["status"], "ok", "{answer:#}");
    assert!(
        answer["stdout"].as_str().unwrap().contains("hello Ada"),
        "{answer:#}"
    );
}

#[tokio::test]
async fn environment_variables_and_smaller_limits_are_the_requests_own() {
    let service = Service::start_with_pool(&["python", "bash"], &[]).await;
    let code = "import os\nprint(os.environ['COLOUR'])\n\
                print(open('/sys/fs/cgroup/memory/memory.limit_in_bytes').read() \
                if os.path.exists('/sys/fs/cgroup/memory') else open('/sys/fs/cgroup/memory.max').read())";
    let fields = json!({"environment_variables": {"COLOUR": "green"}, "memory": "300MiB"});
    let answer = service.execute_with("python", code, fields).await;
    assert_eq!(
        answer["output"],
        format!("green\n{}", 300 << 20),
        "{answer:#}"
    );
}

#[tokio::test]
async fn the_pool_is_full_before_and_after_and_nobody_shares_a_sandbox() {
    let service = Service::start_with_pool(&["python", "bash"], &[]).await;
    service.pool_is_full().await;
    let before = service.containers();
    let answer = service.execute("bash", "echo $$ > trace; ls").await;
    assert_eq!(answer["stdout"], "trace\n", "{answer:#}");
    let again = service.execute("bash", "ls").await;
    assert_eq!(again["stdout"], "", "{again:#}");
    service.pool_is_full().await;
    service.has_containers(before.len()).await;
}

#[tokio::test]
async fn a_signal_to_stop_lets_the_running_code_finish_and_leaves_nothing() {
    let mut service = Service::start_with_pool(&["python", "bash"], &[]).await;
    service.pool_is_full().await;
    let request = service
        .client()
        .post(service.url("/jupyter/execute"))
        .json(&json!({"code": "import time; open('started', 'w'); time.sleep(2); print('done')"}));
    let running = tokio::spawn(async move {
        request
            .send()
            .await
            .unwrap()
            .json::<serde_json::Value>()
            .await
            .unwrap()
    });
    crate::support::eventually("it runs", async || {
        service.get("/jupyter/health").await["executions"] == 1
    })
    .await;
    let ended = service.terminate();
    assert!(ended.success(), "{ended}");
    assert_eq!(service.containers(), Vec::<String>::new());
    assert_eq!(running.await.unwrap()["output"], "done");
}
