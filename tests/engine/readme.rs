//! The README's examples give what it says.

use std::process::Command;

use crate::support::Service;

const README: &str = include_str!("../../README.md");

/// Where the README says that the service is.
const THERE: &str = "http://127.0.0.1:8080";

/// The examples in shell that speak to the service.
fn examples() -> Vec<&'static str> {
    let blocks = README.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split_once("```").map(|(example, _)| example));
    blocks.filter(|example| example.contains("curl")).collect()
}

/// Runs an example in an empty directory, against this service; what it prints.
fn run(example: &str, service: &Service) -> String {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args(["-euc", &example.replace(THERE, &service.url(""))])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{example}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_shell_examples_give_what_it_says() {
    let service = Service::start(&[]).await;
    let examples = examples();
    let answers: Vec<String> = tokio::task::block_in_place(|| {
        examples
            .iter()
            .map(|example| run(example, &service))
            .collect()
    });
    assert!(answers.len() >= 4, "{examples:?}");
    let first: serde_json::Value = serde_json::from_str(&answers[0]).unwrap();
    assert_eq!(first["output"], "42");
    assert_eq!(first["status"], "ok");
    let second: serde_json::Value = serde_json::from_str(&answers[1]).unwrap();
    assert_eq!(second["output"], "3", "{second:#}");
    assert_eq!(second["files"][0]["filename"], "sorted.csv", "{second:#}");
    let third: serde_json::Value = serde_json::from_str(&answers[2]).unwrap();
    assert_eq!(third["output"], "1,234,567", "{third:#}");
    assert_eq!(answers[3], "42", "the session's");
}
