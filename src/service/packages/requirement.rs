//! What a request may write for a package: a name and versions, and nothing that an installer could take for more.
//!
//! Python's are PEP 508 without what makes it a program: no urls, no paths, no markers. npm's are a name and a range of
//! versions by a small grammar: no urls, no repositories, no aliases, no tags but `latest`. Both begin with a letter, a
//! digit or (npm) an `@`, so that none is an option, and both are written anew from what was understood.

use std::collections::BTreeSet;
use std::str::FromStr;

use pep508_rs::pep440_rs::Version;
use pep508_rs::{PackageName, VerbatimUrl, VersionOrUrl};

/// The longest one is allowed to be.
const MAX_LENGTH: usize = 256;

/// The longest name that npm has.
const MAX_NPM_NAME: usize = 214;

/// Packages of one kind, normalised, sorted, each once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::service) struct Requirements(BTreeSet<String>);

/// What is wrong with one of them: which, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) index: usize,
    pub(super) reason: &'static str,
}

impl Requirements {
    /// Python's.
    pub(super) fn pip(texts: &[String]) -> Result<Requirements, Wrong> {
        parsed(texts, |text| Ok(pip(text)?.to_string()))
    }

    /// Those of npm.
    pub(super) fn npm(texts: &[String]) -> Result<Requirements, Wrong> {
        parsed(texts, npm)
    }

    /// In order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether these distributions are all that Python's packages need.
    pub(super) fn are_met_by(&self, version: impl Fn(&str) -> Option<Version>) -> bool {
        self.iter()
            .all(|text| pip(text).is_ok_and(|it| is_met(&it, &version)))
    }
}

fn parsed(
    texts: &[String],
    one: impl Fn(&str) -> Result<String, &'static str>,
) -> Result<Requirements, Wrong> {
    let parse = |(index, text): (usize, &String)| {
        let plain = is_plain(text).and_then(|()| one(text.trim()));
        plain.map_err(|reason| Wrong { index, reason })
    };
    let texts = texts.iter().enumerate().map(parse);
    Ok(Requirements(texts.collect::<Result<_, _>>()?))
}

fn is_plain(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_LENGTH {
        return Err("it is longer than a package's name and versions are");
    }
    if !text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Err("it may only have printable ASCII characters, and no line ends");
    }
    match text.trim().chars().next() {
        None => Err("it must not be empty"),
        Some('-') => Err("it is an option, not a package"),
        Some('.' | '/' | '~') => Err("it is a path, not a package"),
        Some(_) => Ok(()),
    }
}

type Pep508 = pep508_rs::Requirement<VerbatimUrl>;

fn pip(text: &str) -> Result<Pep508, &'static str> {
    if text.contains("://") || text.contains('@') {
        return Err("urls are not allowed: only a name, extras and versions");
    }
    if text.contains(';') {
        return Err("markers are not allowed: only a name, extras and versions");
    }
    let requirement = Pep508::from_str(text).map_err(
        |_| "it is not a Python requirement, such as numpy, requests[socks] or pandas>=2,<3",
    )?;
    match &requirement.version_or_url {
        Some(VersionOrUrl::Url(_)) => Err("urls are not allowed: only a name, extras and versions"),
        Some(VersionOrUrl::VersionSpecifier(_)) | None => Ok(requirement),
    }
}

/// What an extra needs is known to the index only.
fn is_met(requirement: &Pep508, version: impl Fn(&str) -> Option<Version>) -> bool {
    let Some(version) =
        version(requirement.name.as_ref()).filter(|_| requirement.extras.is_empty())
    else {
        return false;
    };
    match &requirement.version_or_url {
        None => true,
        Some(VersionOrUrl::VersionSpecifier(wanted)) => wanted.contains(&version),
        Some(VersionOrUrl::Url(_)) => false,
    }
}

/// A name as an index has it.
pub(super) fn normalised(name: &str) -> Option<String> {
    PackageName::new(name.to_owned())
        .ok()
        .map(|name| name.to_string())
}

fn npm(text: &str) -> Result<String, &'static str> {
    const WHAT: &str = "it is not a package of npm, such as lodash, lodash@^4.17 or @types/node@24";
    let (name, range) = match text.get(1..).and_then(|rest| rest.find('@')) {
        Some(at) => (&text[..=at], Some(&text[at + 2..])),
        None => (text, None),
    };
    if !is_npm_name(name) {
        return Err(WHAT);
    }
    let Some(range) = range.map(str::trim) else {
        return Ok(name.to_owned());
    };
    if range != "latest" && !is_range(range) {
        return Err("only versions of the registry are allowed, such as 4.17.21, ^4.17 or >=4 <5");
    }
    Ok(format!("{name}@{range}"))
}

/// `name` or `@scope/name`.
fn is_npm_name(name: &str) -> bool {
    let part = |part: &str| {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let first = part.as_bytes().first().copied().unwrap_or(b'.');
        (first.is_ascii_lowercase() || first.is_ascii_digit()) && part.bytes().all(plain)
    };
    if name.len() > MAX_NPM_NAME {
        return false;
    }
    match name.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
        None => part(name),
        Some(Some((scope, name))) => part(scope) && part(name),
        Some(None) => false,
    }
}

/// Comparators with spaces between, and `||` between sets of those. `1.2 - 2.3` is one, too.
fn is_range(range: &str) -> bool {
    !range.is_empty()
        && range.split("||").all(|set| {
            let mut comparators = set.split_whitespace().peekable();
            comparators.peek().is_some() && comparators.all(is_comparator)
        })
}

fn is_comparator(text: &str) -> bool {
    let version = text.trim_start_matches(['<', '>', '=', '^', '~']);
    if text == "-" {
        return true;
    }
    text.len() - version.len() <= 2 && is_version(version.strip_prefix('v').unwrap_or(version))
}

/// `1`, `1.x`, `1.2.*`, `1.2.3-beta.1+build`.
fn is_version(text: &str) -> bool {
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let part = |part: &str| numeric(part) || matches!(part, "x" | "X" | "*");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    core.split('.').count() <= 3 && core.split('.').all(part) && rest.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn all(requirements: Result<Requirements, Wrong>) -> Vec<String> {
        requirements.unwrap().iter().map(str::to_owned).collect()
    }

    #[test]
    fn python_requirements_are_normalised_and_sorted_and_each_there_once() {
        let given = texts(&[
            "NumPy",
            "pandas >=2 , <3",
            "numpy",
            " requests[Socks]==2.* ",
        ]);
        let expected = ["numpy", "pandas>=2,<3", "requests[socks]==2.*"];
        assert_eq!(all(Requirements::pip(&given)).len(), expected.len());
        let again = texts(&["requests[socks]==2.*", "pandas>=2,<3", "Numpy"]);
        assert_eq!(Requirements::pip(&given), Requirements::pip(&again));
    }

    #[test]
    fn what_is_no_python_requirement_is_refused() {
        for text in [
            "",
            " ",
            "numpy; rm -rf /",
            "--index-url=https://evil.example",
            "-r requirements.txt",
            "-e .",
            "git+https://github.com/a/b",
            "https://a.org/a.whl",
            "a @ https://a.org/a.whl",
            "a @ file:///etc/passwd",
            "../../etc",
            "./a",
            "/etc/passwd",
            "~/a",
            "numpy\nevil",
            "numpy\r",
            "numpy\0",
            "numpy\t",
            "a b",
            "a && b",
            "$(a)",
            "a`b`",
            "a; python_version > '3'",
            "n\u{fc}mpy",
            "numpy==",
            "numpy=1",
            "a.whl.zip/../b",
        ] {
            let wrong = Requirements::pip(&texts(&["numpy", text])).expect_err(text);
            assert_eq!(wrong.index, 1, "{text:?}");
        }
        assert!(Requirements::pip(&["a".repeat(257)]).is_err());
    }

    #[test]
    fn npm_names_and_ranges_are_taken() {
        let given = texts(&[
            "lodash",
            "lodash@4.17.21",
            "lodash@^4.17",
            "@types/node@24",
            "a.b-c_d@>=4 <5 || 7.x",
            "a@1.2 - 2.3",
            "a@latest",
            "a@1.2.3-beta.1+build.5",
            "a@~1.*",
            "a@*",
        ]);
        assert_eq!(all(Requirements::npm(&given)).len(), given.len());
    }

    #[test]
    fn what_is_no_npm_package_is_refused() {
        for text in [
            "",
            "-g",
            "--registry=https://evil.example",
            "a@npm:b@1",
            "a@file:../b",
            "a@https://a.org/a.tgz",
            "a@git+ssh://x",
            "user/repo",
            "github:user/repo",
            "../../etc",
            "/etc",
            "a b",
            "A",
            "a;b",
            "a@",
            "a@1;2",
            "a@1\n",
            "@a",
            "@a/b/c",
            "@/a",
            "@a/../b",
            "a@next",
            "a@1.2.3.4",
            "a@||",
            "a@$(b)",
            ".a",
            "_a",
            "a@<<<1",
            "a@1 ||",
        ] {
            assert!(Requirements::npm(&texts(&[text])).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_an_image_has_is_met() {
        let has = |name: &str| (name == "numpy").then(|| Version::from_str("2.5.5").unwrap());
        let met = |text: &str| Requirements::pip(&texts(&[text])).unwrap().are_met_by(has);
        assert!(met("numpy") && met("NumPy>=2") && met("numpy==2.5.*"));
        assert!(!met("numpy<2") && !met("pandas") && !met("numpy[all]"));
    }
}
