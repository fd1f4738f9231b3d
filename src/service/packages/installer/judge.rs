//! How an install ended, in words for the caller: the installer's own, without paths and urls, which are the service's business.

use crate::sandbox::ProcessEnd;
use crate::service::packages::cache::Failed;

/// The end of what an installer said: where it says why.
const LINES: usize = 12;
const CHARACTERS: usize = 1500;

/// What installers say of a disk that is full.
const NO_SPACE: &[&str] = &[
    "No space left on device",
    "os error 28",
    "ENOSPC",
    "File too large",
    "EFBIG",
];

/// What they say of a registry that does not answer.
const AWAY: &[&str] = &[
    "tunnel error",
    "error sending request",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "EAI_AGAIN",
    "ENOTFOUND",
    "Bad Gateway",
    "Gateway Timeout",
];

/// The program was not there.
const NOT_FOUND: i32 = 127;

/// What Python says of a module that is not there.
const NO_UV: &str = "No module named uv";

pub(super) fn judge(end: &ProcessEnd) -> Result<(), Failed> {
    let says = |words: &[&str]| words.iter().any(|words| end.output.contains(words));
    match end.code {
        Some(0) => Ok(()),
        Some(NOT_FOUND) => Err(Failed::Ours(format!(
            "no installer in the image: {}",
            end.output
        ))),
        Some(_) if says(&[NO_UV]) => {
            Err(Failed::Ours(format!("no uv in the image: {}", end.output)))
        }
        Some(_) if says(NO_SPACE) => {
            Err(Failed::Refused("no space: they are too large".to_owned()))
        }
        Some(_) if says(AWAY) => Err(Failed::Away(format!("a registry is away: {}", end.output))),
        Some(_) => Err(Failed::Refused(reason(&end.output))),
        None => Err(Failed::Refused(
            "installing them took more memory than there is".to_owned(),
        )),
    }
}

fn reason(output: &str) -> String {
    let lines: Vec<&str> = output
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let told = last
        .iter()
        .map(|line| told(line))
        .collect::<Vec<_>>()
        .join("\n");
    let reason: String = told.chars().take(CHARACTERS).collect();
    if reason.is_empty() {
        return "they could not be installed".to_owned();
    }
    reason
}

/// Word by word, for a path has no spaces here.
fn told(line: &str) -> String {
    let words = line
        .split(' ')
        .map(|word| if is_place(word) { "…" } else { word });
    let line: String = words.collect::<Vec<_>>().join(" ");
    line.chars().filter(|one| !one.is_control()).collect()
}

fn is_place(word: &str) -> bool {
    let bare = word.trim_start_matches(['`', '\'', '"', '(', '[']);
    bare.starts_with('/') || bare.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i32, output: &str) -> Result<(), Failed> {
        judge(&ProcessEnd {
            code: Some(code),
            output: output.to_owned(),
            ..ProcessEnd::default()
        })
    }

    #[test]
    fn the_installers_own_reason_is_told_without_places() {
        let output = "Using /opt/conda/bin/python\n\n  × No solution found:\n  because a was not found (see `https://pypi.org/simple/a`)\n";
        let Err(Failed::Refused(reason)) = ended(1, output) else {
            panic!("refused");
        };
        assert_eq!(
            reason,
            "Using …\n  × No solution found:\n  because a was not found (see …"
        );
    }

    #[test]
    fn no_space_and_no_registry_and_no_installer_are_told_apart() {
        assert!(matches!(ended(0, "tunnel error"), Ok(())));
        assert!(
            matches!(ended(2, "a: No space left on device (os error 28)"), Err(Failed::Refused(it)) if it.contains("no space"))
        );
        assert!(matches!(
            ended(2, "error sending request for url"),
            Err(Failed::Away(_))
        ));
        assert!(matches!(ended(127, ""), Err(Failed::Ours(_))));
        assert!(matches!(
            ended(1, "/opt/conda/bin/python: No module named uv"),
            Err(Failed::Ours(_))
        ));
        assert!(
            matches!(judge(&ProcessEnd::default()), Err(Failed::Refused(it)) if it.contains("memory"))
        );
    }

    #[test]
    fn a_long_reason_is_its_end() {
        let Err(Failed::Refused(reason)) = ended(1, &"word\n".repeat(1000)) else {
            panic!("refused");
        };
        assert_eq!(reason.lines().count(), LINES);
    }
}
