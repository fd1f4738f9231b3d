//! The program from a terminal.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::support::CELLBLOCK;

fn run(code: &str, arguments: &[&str]) -> Output {
    let mut process = Command::new(CELLBLOCK)
        .arg("run")
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(code.as_bytes())
        .unwrap();
    process.wait_with_output().unwrap()
}

fn code_of(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

#[test]
fn run_prints_what_the_code_prints_and_exits_as_it_ended() {
    let output = run(
        "import sys\nprint('out')\nprint('err', file=sys.stderr)",
        &[],
    );
    assert_eq!(code_of(&output), 0, "{output:?}");
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr, b"err\n");
    assert_eq!(code_of(&run("1 / 0", &[])), 1);
    assert_eq!(
        code_of(&run("sleep 100", &["--env", "bash", "--timeout", "1s"])),
        124
    );
}

#[test]
fn run_takes_and_saves_files() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("in.txt");
    std::fs::write(&input, "abc").unwrap();
    let save = directory.path().to_str().unwrap();
    let output = run(
        "tr a-c A-C < in.txt > out.txt",
        &[
            "--env",
            "bash",
            "--file",
            input.to_str().unwrap(),
            "--save",
            save,
        ],
    );
    assert_eq!(code_of(&output), 0, "{output:?}");
    assert_eq!(
        std::fs::read(directory.path().join("out.txt")).unwrap(),
        b"ABC"
    );
}

#[test]
fn an_unknown_environment_is_named_with_those_that_are_there() {
    let output = run("x", &["--env", "cobol"]);
    assert_eq!(code_of(&output), 125);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("python") && said.contains("bash"), "{said}");
}

#[test]
fn doctor_finds_this_engine_fit() {
    let output = Command::new(CELLBLOCK).arg("doctor").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    for what in [
        "engine", "runtime", "cgroups", "seccomp", "memory", "python", "bash",
    ] {
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn doctor_says_how_to_mend_a_missing_engine() {
    let output = Command::new(CELLBLOCK)
        .args(["doctor", "--engine-host=unix:///nowhere.sock"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("BAD") && said.contains("ensure-engine"),
        "{said}"
    );
}
