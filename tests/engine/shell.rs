//! `cellblock shell`, as a terminal that is a pipe would have it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::support::{CELLBLOCK, Service, eventually};

fn shell(url: &str, directory: &Path, lines: &str, arguments: &[&str]) -> Output {
    let mut process = Command::new(CELLBLOCK)
        .arg("shell")
        .args(["--url", url])
        .args(arguments)
        .current_dir(directory)
        .env("XDG_STATE_HOME", directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    drop(stdin);
    process.wait_with_output().unwrap()
}

#[tokio::test]
async fn the_shell_keeps_state_asks_for_input_and_saves_images() {
    let service = Service::start(&[]).await;
    let directory = tempfile::tempdir().unwrap();
    let lines = "x = 6 * 7\nfor i in range(2):\n    print(i)\n\nname = input('who? ')\nAda\nprint('hi', name)\nx\n\
                 from IPython.display import Image\nImage(data=b'picture', format='png')\n1 / 0\n";
    let output = shell(&service.url(""), directory.path(), lines, &[]);
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.ends_with("0\n1\nhi Ada\n42\nimage/png: ./cellblock-1.png\n"),
        "{printed}"
    );
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("ZeroDivisionError")
    );
    let image = std::fs::read(directory.path().join("cellblock-1.png")).unwrap();
    assert_eq!(image, b"picture");
    assert!(directory.path().join("cellblock/history").exists());
    let left = service.get("/jupyter/sessions").await;
    assert_eq!(
        left["sessions"],
        json!([]),
        "the session ends with the shell"
    );
}

#[tokio::test]
async fn a_shell_whose_kernel_somebody_else_restarts_goes_on() {
    let service = Service::start(&[]).await;
    let directory = tempfile::tempdir().unwrap();
    let lines = "import time; time.sleep(300)\nprint('and on')\n";
    let restart = async {
        let busy =
            async || service.get("/jupyter/sessions").await["sessions"][0]["state"] == "busy";
        eventually("the code runs", busy).await;
        let sessions = service.get("/jupyter/sessions").await;
        let id = sessions["sessions"][0]["id"].as_str().unwrap();
        let url = service.url(&format!("/jupyter/sessions/{id}/restart"));
        let answer = service.client().post(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    };
    let (url, place) = (service.url(""), directory.path().to_owned());
    let output = tokio::task::spawn_blocking(move || shell(&url, &place, lines, &[]));
    restart.await;
    let output = output.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"and on\n", "{output:?}");
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("another one was started"), "{words}");
}

#[tokio::test]
async fn a_kept_session_can_be_gone_on_with() {
    let service = Service::start(&[]).await;
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--env", "bash", "--keep"];
    let output = shell(&service.url(""), directory.path(), "x=kept\n", &arguments);
    assert!(output.status.success(), "{output:?}");
    let sessions = service.get("/jupyter/sessions").await;
    let id = sessions["sessions"][0]["id"].as_str().unwrap().to_owned();
    let output = shell(
        &service.url(""),
        directory.path(),
        "echo $x\n",
        &["--session", &id],
    );
    assert_eq!(output.stdout, b"kept\n", "{output:?}");
    let wrong = shell(&service.url(""), directory.path(), "", &["--env", "cobol"]);
    let words = String::from_utf8(wrong.stderr).unwrap();
    assert!(words.contains("no environment \"cobol\""), "{words}");
}
