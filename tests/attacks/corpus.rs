//! The programs of `tests/attacks/<family>/`, and what the comment at the head of each says.
//!
//! ```text
//! # attack: what it tries                       (one line; so are all)
//! # stopped by: what is in its way
//! # expect: timeout                             (one or several of the API's statuses)
//! # prints: text that must be in its output     (any number; `HELD` is one where it ends as `ok`)
//! # timeout: 5                                  (seconds that it asks for; 20)
//! # within: 20                                  (seconds from its sandbox's start to its answer; 40)
//! # files: one.txt, two.txt                    (exactly these are handed out)
//! # stdin: a line                               (any number)
//! # like: SandboxEval information exposure      (any number: who else tries it)
//! # runsc: why gVisor does otherwise            (needed for the next two)
//! # runsc expect: killed                        (instead of `expect` and `prints`, where gVisor runs the sandboxes)
//! # runsc allows: a device                      (any number: an `ESCAPED` with this text is none there; `$`: at its end)
//! ```
//!
//! The environment is that of the file's extension. A program prints `ESCAPED: what` for each thing that it managed, and
//! at its end `HELD: what` for what it tried in vain.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Extensions, how a comment begins, and the environment.
const LANGUAGES: &[(&str, &str, &str)] = &[
    ("c", "//", "c"),
    ("go", "//", "go"),
    ("java", "//", "java"),
    ("js", "//", "javascript"),
    ("pl", "#", "perl"),
    ("py", "#", "python"),
    ("sh", "#", "bash"),
];

/// Seconds that a program asks for, and that its answer may take.
const TIMEOUT: u64 = 20;
const WITHIN: u64 = 40;

/// One program.
pub struct Attack {
    /// The folder it is in.
    pub family: String,
    /// The file's name.
    pub name: String,
    pub environment: &'static str,
    pub code: String,
    /// What it tries.
    pub attack: String,
    pub stopped_by: String,
    /// Statuses that it may end with.
    pub expect: Vec<String>,
    pub prints: Vec<String>,
    /// In seconds.
    pub timeout: u64,
    /// In seconds.
    pub within: u64,
    /// Names of the files that are handed out, if they matter.
    pub files: Option<Vec<String>>,
    pub stdin: Vec<String>,
    pub like: Vec<String>,
    /// Texts of an `ESCAPED` that is none.
    pub allows: Vec<String>,
    /// What is otherwise with gVisor.
    pub runsc: Option<Runsc>,
}

/// What is otherwise where gVisor runs the sandboxes.
pub struct Runsc {
    pub why: String,
    /// Instead of the attack's own, if they are others.
    pub expect: Option<Vec<String>>,
    pub allows: Vec<String>,
}

impl Attack {
    /// The same, as it must end with gVisor.
    pub fn with_runsc(mut self) -> Attack {
        if let Some(runsc) = &self.runsc {
            self.allows.clone_from(&runsc.allows);
            if let Some(expect) = &runsc.expect {
                self.expect.clone_from(expect);
                self.prints.clear();
            }
        }
        self
    }

    /// Whether a line of its output says that it managed what it should not.
    pub fn escapes(&self, line: &str) -> bool {
        let is = |text: &String| match text.strip_suffix('$') {
            Some(end) => line.ends_with(end),
            None => line.contains(text),
        };
        line.contains("ESCAPED") && !self.allows.iter().any(is)
    }
}

/// Where the families are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")
}

/// All programs, in order.
pub fn all() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for family in entries(&folder()).into_iter().filter(|path| path.is_dir()) {
        attacks.extend(entries(&family).iter().map(|path| read(path)));
    }
    attacks
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Attack {
    let text = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let code = fs::read_to_string(path).unwrap();
    let (comment, environment) = language(path);
    let mut header = header(&code, comment);
    let mut all = |key: &str| header.remove(key).unwrap_or_default();
    let one = |values: Vec<String>, key: &str| {
        assert_eq!(values.len(), 1, "{}: one line `{key}:`", path.display());
        values.into_iter().next().unwrap()
    };
    let seconds = |values: Vec<String>, default: u64| {
        let last = values.last();
        last.map_or(default, |value| value.parse().unwrap())
    };
    let attack = Attack {
        family: text(path.parent().unwrap()),
        name: text(path),
        environment,
        attack: one(all("attack"), "attack"),
        stopped_by: one(all("stopped by"), "stopped by"),
        expect: list(&one(all("expect"), "expect")),
        prints: all("prints"),
        timeout: seconds(all("timeout"), TIMEOUT),
        within: seconds(all("within"), WITHIN),
        files: all("files").first().map(|files| list(files)),
        stdin: all("stdin"),
        like: all("like"),
        allows: Vec::new(),
        runsc: runsc(
            all("runsc").pop(),
            all("runsc expect").pop(),
            all("runsc allows"),
        ),
        code,
    };
    let unknown: Vec<&String> = header.keys().collect();
    assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
    attack
}

fn runsc(why: Option<String>, expect: Option<String>, allows: Vec<String>) -> Option<Runsc> {
    let expect = expect.map(|expect| list(&expect));
    let otherwise = expect.is_some() || !allows.is_empty();
    assert_eq!(why.is_some(), otherwise, "why, and what: {why:?}");
    why.map(|why| Runsc {
        why,
        expect,
        allows,
    })
}

fn list(text: &str) -> Vec<String> {
    text.split(", ").map(str::to_owned).collect()
}

fn language(path: &Path) -> (&'static str, &'static str) {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let language = LANGUAGES
        .iter()
        .find(|(known, ..)| Some(*known) == extension);
    let (_, comment, environment) =
        language.unwrap_or_else(|| panic!("{}: no such language", path.display()));
    (comment, environment)
}

/// The lines of its first comment, by their keys.
fn header(code: &str, comment: &str) -> BTreeMap<String, Vec<String>> {
    let lines = code.lines().map_while(|line| line.strip_prefix(comment));
    let mut header: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        let (key, value) = line
            .split_once(": ")
            .unwrap_or_else(|| panic!("{line}: no key"));
        let values = header.entry(key.trim().to_owned()).or_default();
        values.push(value.trim().to_owned());
    }
    header
}
