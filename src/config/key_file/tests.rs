//! What a keys file means, what is wrong with one, and how it is changed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn parse(text: &str) -> Result<Vec<Key>, KeyFileError> {
    read::parse(text, Path::new("keys.toml"))
}

fn one(more: &str) -> String {
    format!(
        "[[keys]]\nname = \"ada\"\nhash = \"{HASH}\"\ncreated = \"2026-05-01T00:00:00Z\"\n{more}"
    )
}

fn complaint(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn new_key(name: &str) -> NewKey {
    NewKey {
        name: name.to_owned(),
        expires: None,
        grant: Grant::default(),
    }
}

fn add(path: &Path, name: &str) -> String {
    Change::begin(path).unwrap().make(&new_key(name)).unwrap()
}

fn names(path: &Path) -> Vec<String> {
    let keys = read(path).unwrap();
    keys.into_iter().map(|key| key.name).collect()
}

#[test]
fn a_key_that_says_nothing_more_may_do_everything() {
    let keys = parse(&one("")).unwrap();
    assert_eq!(keys[0].grant, Grant::default());
    assert_eq!(keys[0].hash, KeyHash::of(b"test"));
    assert_eq!(keys[0].expires, None);
    assert_eq!(parse("").unwrap(), []);
}

#[test]
fn every_field_is_read() {
    let text = one("expires = \"2026-06-01T00:00:00Z\"\n\
         environments = [\"python\"]\n\
         hosts = [\"pypi.org:443\"]\n\
         [keys.limits]\nexecutions = 4\nexecutions_per_minute = 60\ncpu_per_day = \"1h\"\nsessions = 2\n\
         memory = \"1GiB\"\negress_per_day = \"10MiB\"\n");
    let key = parse(&text).unwrap().remove(0);
    assert!(key.is_expired("2026-06-01T00:00:00Z".parse().unwrap()));
    assert!(!key.is_expired("2026-05-31T23:59:59Z".parse().unwrap()));
    assert_eq!(
        key.grant,
        Grant {
            environments: Some(vec!["python".to_owned()]),
            hosts: Some(vec!["pypi.org:443".parse().unwrap()]),
            limits: Quota {
                executions: Some(4),
                executions_per_minute: Some(60),
                cpu_per_day: Some(Duration::from_secs(3600)),
                sessions: Some(2),
                memory: Some(ByteSize::gib(1)),
                egress_per_day: Some(ByteSize::mib(10)),
            },
        }
    );
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_field() {
    for (more, words) in [
        ("expires = \"tomorrow\"", "keys.toml, line 5, `expires`: "),
        ("\nhosts = [\n\"a b\",\n]", "line 6, `hosts`: "),
        ("limits = { memory = \"much\" }", "line 5, `limits`: "),
        (
            "[keys.limits]\ncpu_per_day = \"1 eon\"",
            "line 6, `cpu_per_day`: ",
        ),
        (
            "[keys.limits]\nexecution = 4",
            "line 6, `execution`: unknown field",
        ),
        ("expire = \"x\"", "line 5, `expire`: unknown field"),
        (
            "limits = { memory = \"1MiB\" }",
            "`limits`: no kernel starts in less",
        ),
        ("name", "line 5, "),
    ] {
        let complaint = complaint(&one(more));
        assert!(complaint.contains(words), "{complaint}");
    }
    let short = complaint("[[keys]]\nname = \"ada\"\nhash = \"12\"\n");
    assert!(short.contains("line 3, `hash`: a hash is 64"), "{short}");
    let missing = complaint("\n[[keys]]\nname = \"ada\"\n");
    assert!(
        missing.contains("line 2, `[[keys]]`: missing field"),
        "{missing}"
    );
    let twice = complaint(&(one("") + &one("")));
    assert!(twice.contains("line 6, `name`: there are two"), "{twice}");
    let spaces = complaint(&one("").replace("ada", "a b"));
    assert!(spaces.contains("line 2, `name`: a name has"), "{spaces}");
}

#[test]
fn a_key_is_shown_once_and_not_kept() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.toml");
    let secret = add(&path, "ada");
    assert_eq!(secret.len(), "cellblock_".len() + 64);
    assert_eq!(read(&path).unwrap()[0].hash, KeyHash::of(secret.as_bytes()));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&secret["cellblock_".len()..]));
    assert_ne!(add(&path, "grace"), secret);
}

#[test]
fn only_its_owner_may_read_the_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.toml");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    add(&path, "ada");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_people_wrote_stays() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.toml");
    let before = format!("# of the team\n{}# the end of ada\n", one(""));
    std::fs::write(&path, &before).unwrap();
    add(&path, "grace");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("# of the team"), "{text}");
    Change::begin(&path).unwrap().revoke("grace").unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("# of the team"), "{text}");
    assert_eq!(names(&path), ["ada"]);
}

#[test]
fn what_is_added_is_what_is_read() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.toml");
    let key = NewKey {
        name: "ada".to_owned(),
        expires: Some("2036-01-01T00:00:00Z".parse().unwrap()),
        grant: Grant {
            environments: Some(vec!["bash".to_owned(), "python".to_owned()]),
            hosts: Some(vec!["*.example.com".parse().unwrap()]),
            limits: Quota {
                executions: Some(1),
                executions_per_minute: Some(2),
                cpu_per_day: Some(Duration::from_millis(5_400_001)),
                sessions: Some(3),
                memory: Some(ByteSize::b(1_500_000_001)),
                egress_per_day: Some(ByteSize::gib(3)),
            },
        },
    };
    Change::begin(&path).unwrap().make(&key).unwrap();
    let read = read(&path).unwrap().remove(0);
    assert_eq!((read.expires, read.grant), (key.expires, key.grant));
}

#[test]
fn a_name_is_taken_once_and_revoked_once() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.toml");
    add(&path, "ada");
    let begin = || Change::begin(&path).unwrap();
    assert!(begin().make(&new_key("ada")).is_err());
    assert!(begin().make(&new_key("a b")).is_err());
    assert!(begin().revoke("grace").is_err());
    begin().revoke("ada").unwrap();
    assert_eq!(names(&path), [""; 0]);
}

#[test]
fn a_broken_file_is_not_changed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.toml");
    std::fs::write(&path, "[[keys]]\nnome = 1").unwrap();
    assert!(Change::begin(&path).is_err());
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "[[keys]]\nnome = 1"
    );
}

#[test]
fn no_change_at_the_same_time_as_another_is_lost() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keys.toml");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = &path;
            scope.spawn(move || add(path, &format!("owner-{number}")));
        }
    });
    assert_eq!(names(&path).len(), 8);
}
