//! Precedence, and what is refused.

use std::io::Write;

use bytesize::ByteSize;

use super::*;

fn flags(arguments: &[&str]) -> Flags {
    let command = Flags::augment_args(Command::new("cellblock").no_binary_name(true));
    Flags::from_arg_matches(&command.get_matches_from(arguments)).unwrap()
}

fn load(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Configuration, SettingsError> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Configuration::load(&flags(arguments), variables.iter().map(owned))
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn with_file(
    text: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<Configuration, SettingsError> {
    let file = file(text);
    let mut all = vec!["--config", file.path().to_str().unwrap()];
    all.extend(arguments);
    load(&all, variables)
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let text = "[sandbox]\nmemory = \"100MiB\"\ncpus = 0.5\nprocesses = 99";
    let variables = [
        ("CELLBLOCK_SANDBOX_MEMORY", "200MiB"),
        ("CELLBLOCK_SANDBOX_CPUS", "0.75"),
    ];
    let configuration = with_file(text, &["--sandbox-memory", "300MiB"], &variables).unwrap();
    let sandbox = &configuration.settings.sandbox;
    assert_eq!(sandbox.memory, ByteSize::mib(300));
    assert_eq!(sandbox.cpus, 0.75);
    assert_eq!(sandbox.processes, 99);
    let shown = configuration.show();
    assert!(
        shown.contains("memory = \"300.0 MiB\"  # flag --sandbox-memory"),
        "{shown}"
    );
    assert!(
        shown.contains("# environment CELLBLOCK_SANDBOX_CPUS"),
        "{shown}"
    );
    assert!(shown.contains("processes = 99  # file "), "{shown}");
    assert!(shown.contains("open_files = 1024  # default"), "{shown}");
}

#[test]
fn what_is_shown_can_be_read_again() {
    let configuration = load(
        &[
            "--pool-sizes",
            "python=3,bash=0",
            "--public-url",
            "http://a",
        ],
        &[],
    )
    .unwrap();
    let again = with_file(&configuration.show(), &[], &[]).unwrap();
    assert_eq!(again.settings.pool.sizes, configuration.settings.pool.sizes);
    assert_eq!(
        again.settings.sandbox.memory,
        configuration.settings.sandbox.memory
    );
    assert_eq!(
        again.settings.files.long_lifetime,
        configuration.settings.files.long_lifetime
    );
    assert_eq!(again.settings.state_dir, configuration.settings.state_dir);
}

#[test]
fn unknown_keys_are_refused_and_the_near_one_is_named() {
    let error = with_file("[sandbox]\nmemmory = 1", &[], &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("sandbox.memmory") && error.contains("`sandbox.memory` meant?"),
        "{error}"
    );
    let error = load(&[], &[("CELLBLOCK_POOLSIZE", "1")])
        .unwrap_err()
        .to_string();
    assert!(error.contains("`CELLBLOCK_POOL_SIZE` meant?"), "{error}");
    let error = with_file(
        "[[environments]]\nname = \"r\"\nimage = \"r\"\nkernelspec = \"ir\"\nkernel = 1",
        &[],
        &[],
    );
    assert!(error.unwrap_err().to_string().contains("kernel"));
}

#[test]
fn what_kubernetes_sets_is_no_setting() {
    load(
        &[],
        &[
            ("CELLBLOCK_SERVICE_HOST", "10.0.0.1"),
            ("CELLBLOCK_PORT_8080_TCP", "x"),
        ],
    )
    .unwrap();
}

#[test]
fn values_that_are_none_name_their_key_and_source() {
    let error = load(&["--sandbox-memory", "plenty"], &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("sandbox.memory (flag --sandbox-memory)") && error.contains("512MiB"),
        "{error}"
    );
    let error = load(&["--execution-timeout", "300s"], &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("execution.max_timeout"), "{error}");
    for path in ["", "user", "//elsewhere", "/a b", "/{name}"] {
        let error = load(&["--base-path", path], &[]).unwrap_err().to_string();
        assert!(error.contains("base_path"), "{error}");
    }
    let loaded = load(&["--base-path", "/user/ada/"], &[]).unwrap();
    assert_eq!(loaded.settings.server.prefix(), "/user/ada");
}

#[test]
fn without_keys_it_listens_on_loopback_only() {
    let error = load(&["--listen", "0.0.0.0:80"], &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("CELLBLOCK_KEYS"), "{error}");
    load(
        &["--listen", "0.0.0.0:80"],
        &[("CELLBLOCK_KEYS", "me=0123456789abcdef")],
    )
    .unwrap();
    load(&["--listen", "[::1]:80"], &[]).unwrap();
}

#[test]
fn secrets_are_neither_shown_nor_short() {
    let configuration = load(&[], &[("CELLBLOCK_KEYS", "me=0123456789abcdef")]).unwrap();
    let shown = configuration.show();
    assert!(
        shown.contains("me") && !shown.contains("0123456789abcdef"),
        "{shown}"
    );
    let error = load(&[], &[("CELLBLOCK_KEYS", "me=short")])
        .unwrap_err()
        .to_string();
    assert!(!error.contains("short"), "{error}");
}

#[test]
fn tokens_are_taken_of_an_issuer_for_an_audience_or_not_at_all() {
    let all = [
        "--jwt-jwks=https://login.example.org/jwks",
        "--jwt-issuer=https://login.example.org",
        "--jwt-audience=cellblock",
    ];
    let with = |more: &[&str]| load(&[&all, more].concat(), &[]);
    assert!(with(&["--listen=0.0.0.0:80"]).is_ok());
    for (left_out, setting) in [(0, "jwt.issuer"), (1, "jwt.issuer"), (2, "jwt.audience")] {
        let mut some = all.to_vec();
        some.remove(left_out);
        let error = load(&some, &[]).unwrap_err().to_string();
        assert!(error.contains(setting), "{error}");
    }
    for (wrong, setting) in [
        ("--jwt-limits-claim=plan", "jwt.limits_claim"),
        ("--jwt-leeway=11m", "jwt.leeway"),
        ("--keys=jwt:ada=0123456789abcdef", "keys"),
    ] {
        let error = with(&[wrong]).unwrap_err().to_string();
        assert!(error.contains(setting), "{error}");
    }
}

#[test]
fn hosts_are_read_from_a_list_or_a_text_and_shown_as_they_were() {
    let text =
        "[egress]\nhosts = [\"PyPI.org:443\", \"*.example.com\"]\nprivate = \"10.1.0.0/16, ::1\"\n";
    let shown = with_file(text, &[], &[]).unwrap().show();
    assert!(
        shown.contains("hosts = \"pypi.org:443, *.example.com\""),
        "{shown}"
    );
    assert!(
        shown.contains("private = \"10.1.0.0/16, ::1/128\""),
        "{shown}"
    );
}

#[test]
fn a_host_that_is_none_names_its_setting() {
    for (flag, value) in [
        ("--egress-hosts", "pypi.org, http://a"),
        ("--egress-private", "10.0.0.0/40"),
        ("--packages-pip-index", "pypi.org/simple"),
    ] {
        let error = Configuration::load(&flags(&[flag, value]), [])
            .unwrap_err()
            .to_string();
        assert!(error.contains(&flag[2..]), "{error}");
    }
}

#[test]
fn keys_of_the_file_are_a_table() {
    let configuration = with_file("[keys]\nme = \"0123456789abcdef\"", &[], &[]).unwrap();
    assert_eq!(configuration.settings.keys["me"], "0123456789abcdef");
}
