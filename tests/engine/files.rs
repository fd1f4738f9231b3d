//! Files into a sandbox and out of it.

use serde_json::json;

use crate::support::Service;

#[tokio::test]
async fn a_file_of_the_request_is_in_the_working_directory() {
    let service = Service::start(&[]).await;
    let files = json!([{"filename": "greeting", "extension": "txt", "content": "aGVsbG8="}]);
    let answer = service
        .execute_with(
            "python",
            "print(open('greeting.txt').read())",
            json!({"files": files}),
        )
        .await;
    assert_eq!(answer["output"], "hello", "{answer:#}");
    assert_eq!(answer["files"], json!(null), "what came in does not go out");
}

#[tokio::test]
async fn a_created_file_can_be_downloaded_by_its_url_alone() {
    let service = Service::start(&[]).await;
    let code = "open('table.csv', 'w').write('a,b\\n1,2\\n')\nimport os\nos.mkdir('deep')\nopen('deep/b.bin', 'wb').write(bytes(10))";
    let answer = service.execute("python", code).await;
    let files = answer["files"].as_array().unwrap();
    assert_eq!(files.len(), 2, "{answer:#}");
    let table = files
        .iter()
        .find(|file| file["filename"] == "table.csv")
        .unwrap();
    assert_eq!(table["size"], 8);
    let download = service
        .client()
        .get(table["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(download.status(), 200);
    assert!(
        download.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/csv")
    );
    assert_eq!(download.text().await.unwrap(), "a,b\n1,2\n");
}

#[tokio::test]
async fn an_uploaded_file_is_used_by_name_and_changed() {
    let service = Service::start(&[]).await;
    let part = reqwest::multipart::Part::bytes(b"1\n2\n3\n".to_vec()).file_name("numbers.txt");
    let form = reqwest::multipart::Form::new().part("file", part);
    let upload = service
        .client()
        .put(service.url("/jupyter/files"))
        .multipart(form)
        .send()
        .await
        .unwrap();
    let upload: serde_json::Value = upload.json().await.unwrap();
    let code = "numbers = [int(line) for line in open('numbers.txt')]\nprint(sum(numbers))\nopen('numbers.txt', 'a').write('4\\n')";
    let answer = service
        .execute_with("python", code, json!({"files": [upload["url"]]}))
        .await;
    assert_eq!(answer["output"], "6\n5".replace("\n5", "\n2"), "{answer:#}");
    assert_eq!(
        answer["files"][0]["filename"], "numbers.txt",
        "a changed file goes out: {answer:#}"
    );
    assert_eq!(answer["files"][0]["size"], 8);
}

#[tokio::test]
async fn links_and_devices_never_come_out() {
    let service = Service::start(&[]).await;
    let code = "ln -s /etc/passwd link; mkfifo pipe; ln /proc/self/status hard 2>/dev/null; ln -s / root; echo ok > real";
    let answer = service.execute("bash", &format!("{code}; true")).await;
    let files = answer["files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{answer:#}");
    assert_eq!(files[0]["filename"], "real");
}

#[tokio::test]
async fn a_sparse_giant_and_a_crowd_are_cut() {
    let settings = [
        "--execution-max-created-files=10",
        "--execution-max-created-bytes=1MiB",
    ];
    let service = Service::start(&settings).await;
    let answer = service
        .execute(
            "bash",
            "truncate -s 200M giant; for i in $(seq 50); do echo $i > f$i; done",
        )
        .await;
    assert_eq!(answer["status"], "ok", "{answer:#}");
    let files = answer["files"].as_array().unwrap();
    assert_eq!(files.len(), 10, "{answer:#}");
    assert!(files.iter().all(|file| file["filename"] != "giant"));
}

#[tokio::test]
async fn a_large_file_goes_in_and_comes_out_whole() {
    let service = Service::start(&[]).await;
    let content: Vec<u8> = (0..40_u32 << 20 >> 2).flat_map(u32::to_le_bytes).collect();
    let part = reqwest::multipart::Part::bytes(content.clone()).file_name("large.bin");
    let form = reqwest::multipart::Form::new().part("file", part);
    let upload = service
        .client()
        .put(service.url("/jupyter/files"))
        .multipart(form)
        .send()
        .await
        .unwrap();
    let upload: serde_json::Value = upload.json().await.unwrap();
    let answer = service
        .execute_with(
            "bash",
            "cat large.bin > copy.bin",
            json!({"files": [upload["url"]]}),
        )
        .await;
    assert_eq!(answer["status"], "ok", "{answer:#}");
    let url = answer["files"][0]["url"].as_str().unwrap();
    let back = service
        .client()
        .get(url)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(
        back == content,
        "{} bytes came back of {}",
        back.len(),
        content.len()
    );
}
