//! The rules: each a pure function from a file to what is wrong with it.

use crate::source::{Source, Token};

/// A line, and what is wrong there.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub line: usize,
    pub what: String,
}

pub const RULES: &[fn(&Source) -> Vec<Finding>] = &[
    begins_with_what_it_is,
    is_short,
    does_not_unwrap,
    ignores_no_test,
    has_a_layer,
    points_down,
    names_only_its_libraries,
    speaks_its_layer_s_language,
];

/// The longest a file may be before its tests, in lines: what can be held in mind.
const MAX_LINES: usize = 400;

/// The modules of the service, and which of them each may name. The order is that of the picture in `lib.rs`.
const LAYERS: &[(&str, &[&str])] = &[
    ("http", &["http", "service", "jupyter", "sandbox", "config"]),
    ("service", &["service", "jupyter", "sandbox", "config"]),
    ("jupyter", &["jupyter"]),
    ("sandbox", &["sandbox", "config"]),
    ("config", &["config"]),
];

/// What wires the layers and is none.
const WIRING: &[&str] = &["lib", "main", "cli"];

/// Libraries, and the only places that may name them. Tests and benchmarks look from outside and may name any.
const LIBRARIES: &[(&[&str], &[&str])] = &[
    (
        &[
            "axum",
            "axum_extra",
            "tower",
            "tower_http",
            "utoipa",
            "utoipa_axum",
            "utoipa_swagger_ui",
        ],
        &["src/http"],
    ),
    // The command line asks its own service over HTTP.
    (&["hyper", "hyper_util"], &["src/http", "src/cli"]),
    (&["bollard"], &["src/sandbox/docker"]),
    // Each layer counts what it does, and shows it.
    (
        &["prometheus_client"],
        &["src/http", "src/service", "src/sandbox"],
    ),
    (&["jsonwebtoken"], &["src/service/jwt"]),
    (&["zeromq"], &["crates/agent"]),
    (
        &["cellblock_link"],
        &["src/sandbox", "crates/link", "crates/agent"],
    ),
    (&["cellblock"], &["src/main", "src/cli"]),
];

/// Pieces of words that a layer has no use for.
const STRANGE: &[(&str, &[&str])] = &[
    (
        "service",
        &["StatusCode", "container", "Container", "docker", "Docker"],
    ),
    (
        "jupyter",
        &["StatusCode", "container", "Container", "docker", "Docker"],
    ),
];

fn begins_with_what_it_is(source: &Source) -> Vec<Finding> {
    if source.text.starts_with("//!") {
        return Vec::new();
    }
    one(
        1,
        "does not begin with `//!`: what the file is, then why it is so",
    )
}

fn is_short(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    // Up to here it is more than the tests.
    if source.tests_begin.min(lines + 1) <= MAX_LINES + 1 {
        return Vec::new();
    }
    one(
        MAX_LINES + 1,
        "goes on past 400 lines before its tests: there are two ideas in it",
    )
}

fn does_not_unwrap(source: &Source) -> Vec<Finding> {
    let lines = source.lines_with(&[".", "unwrap", "(", ")"]);
    let lines = lines.into_iter().filter(|line| *line < source.tests_begin);
    every(
        lines,
        "unwrap outside tests: `?`, or `expect` with why it holds",
    )
}

fn ignores_no_test(source: &Source) -> Vec<Finding> {
    let lines = source.lines_with(&["#", "[", "ignore"]);
    every(lines, "a test that is ignored guarantees nothing")
}

fn has_a_layer(source: &Source) -> Vec<Finding> {
    match top_module(&source.path) {
        Some(top) if !WIRING.contains(&top) && layer(top).is_none() => one(
            1,
            format!("`{top}` has no place among the layers of tests/tidy/rules.rs"),
        ),
        _ => Vec::new(),
    }
}

fn points_down(source: &Source) -> Vec<Finding> {
    let Some((name, may)) = top_module(&source.path).and_then(layer) else {
        return Vec::new();
    };
    let up = |token: &&Token| layer(&token.text).is_some() && !may.contains(&token.text.as_str());
    let named = modules_named(source);
    let wrong = named.into_iter().filter(up);
    wrong
        .map(|token| Finding {
            line: token.line,
            what: format!("`{name}` must not know `{}`", token.text),
        })
        .collect()
}

fn names_only_its_libraries(source: &Source) -> Vec<Finding> {
    if source.path.starts_with("tests/") || source.path.starts_with("benches/") {
        return Vec::new();
    }
    let foreign = |token: &&Token| {
        LIBRARIES.iter().any(|(names, places)| {
            names.contains(&token.text.as_str())
                && !places.iter().any(|place| is_in(&source.path, place))
        })
    };
    let found = source.tokens.iter().filter(foreign);
    found
        .map(|token| Finding {
            line: token.line,
            what: format!("`{}` is not named here", token.text),
        })
        .collect()
}

fn speaks_its_layer_s_language(source: &Source) -> Vec<Finding> {
    let top = top_module(&source.path);
    let strange = STRANGE.iter().filter(|(layer, _)| Some(*layer) == top);
    let pieces: Vec<&str> = strange.flat_map(|(_, pieces)| *pieces).copied().collect();
    let found = source.before_tests();
    found
        .filter(|token| pieces.iter().any(|piece| token.text.contains(piece)))
        .map(|token| Finding {
            line: token.line,
            what: format!("`{}` is no word of this layer", token.text),
        })
        .collect()
}

fn one(line: usize, what: impl Into<String>) -> Vec<Finding> {
    let what = what.into();
    vec![Finding { line, what }]
}

fn every(lines: impl IntoIterator<Item = usize>, what: &str) -> Vec<Finding> {
    lines.into_iter().flat_map(|line| one(line, what)).collect()
}

/// `src/a.rs` and everything below `src/a/` are `a`.
fn top_module(path: &str) -> Option<&str> {
    let below = path.strip_prefix("src/")?;
    let first = below.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first))
}

fn layer(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    LAYERS.iter().copied().find(|(layer, _)| *layer == name)
}

/// `place` as a file or a folder.
fn is_in(path: &str, place: &str) -> bool {
    let behind = path.strip_prefix(place);
    behind.is_some_and(|behind| behind.starts_with('/') || behind == ".rs")
}

/// What is named at the root of the crate: by `crate::`, or by as many `super::` as lead there.
fn modules_named(source: &Source) -> Vec<&Token> {
    let tokens = &source.tokens;
    let depth = source.path.matches('/').count();
    let mut named = Vec::new();
    for at in 0..tokens.len() {
        let supers = supers_from(tokens, at);
        if tokens[at].text == "crate" {
            named.extend(members(tokens, at + 1));
        } else if supers >= depth {
            named.extend(members(tokens, at + 2 * supers - 1));
        }
    }
    named
}

/// How many `super::` follow each other.
fn supers_from(tokens: &[Token], at: usize) -> usize {
    let pairs = tokens[at..].chunks(2);
    pairs
        .take_while(|pair| pair.len() == 2 && pair[0].text == "super" && pair[1].text == "::")
        .count()
}

/// The words that may follow the `::` at `at`: one, or each of a group.
fn members(tokens: &[Token], at: usize) -> Vec<&Token> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    if text(at) != "::" {
        return Vec::new();
    }
    if text(at + 1) != "{" {
        return tokens.get(at + 1).into_iter().collect();
    }
    let mut depth = 0;
    let mut members = Vec::new();
    for (before, token) in tokens[at + 1..].iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if depth == 1 && matches!(text(at + before), "{" | ",") => members.push(token),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a rule says of a file: lines and words.
    fn said(rule: fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        let findings = rule(&Source::new(path, text));
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_file_without_a_beginning_is_found() {
        assert_eq!(said(begins_with_what_it_is, "src/a.rs", "// a"), [1]);
        assert_eq!(said(begins_with_what_it_is, "src/a.rs", "\n//! a"), [1]);
        assert_eq!(said(begins_with_what_it_is, "src/a.rs", "//! a"), []);
    }

    #[test]
    fn a_long_file_is_found() {
        let lines = |count: usize| "a\n".repeat(count);
        let tests = |count: usize| {
            format!(
                "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
                lines(count),
                lines(500)
            )
        };
        assert_eq!(said(is_short, "src/a.rs", &lines(401)), [401]);
        assert_eq!(said(is_short, "src/a.rs", &tests(401)), [401]);
        assert_eq!(said(is_short, "src/a.rs", &lines(400)), []);
        assert_eq!(said(is_short, "src/a.rs", &tests(400)), []);
        assert_eq!(said(is_short, "tests/a.rs", &lines(401)), []);
    }

    #[test]
    fn an_unwrap_is_found() {
        let text = "// a.unwrap()\na.unwrap_or(\".unwrap()\");\na\n    .unwrap();\n#[cfg(test)]\nmod tests {\na.unwrap();\n}";
        assert_eq!(said(does_not_unwrap, "src/a.rs", text), [4]);
        assert_eq!(said(does_not_unwrap, "crates/a/src/a.rs", text), [4]);
        assert_eq!(said(does_not_unwrap, "src/a/tests.rs", text), []);
    }

    #[test]
    fn an_ignored_test_is_found() {
        assert_eq!(
            said(
                ignores_no_test,
                "tests/a.rs",
                "\n#[ignore]\n#[ignore = \"slow\"]\n// #[ignore]"
            ),
            [2, 3]
        );
    }

    #[test]
    fn a_module_without_a_layer_is_found() {
        assert_eq!(said(has_a_layer, "src/utils.rs", ""), [1]);
        assert_eq!(said(has_a_layer, "src/utils/a.rs", ""), [1]);
        for path in [
            "src/main.rs",
            "src/cli/a.rs",
            "src/http/a.rs",
            "crates/a/src/utils.rs",
            "tests/utils.rs",
        ] {
            assert_eq!(said(has_a_layer, path, ""), [], "{path}");
        }
    }

    #[test]
    fn a_layer_that_points_up_or_aside_is_found() {
        assert_eq!(
            said(points_down, "src/service/a.rs", "use crate::http::A;"),
            [1]
        );
        assert_eq!(
            said(
                points_down,
                "src/jupyter/a.rs",
                "\nlet a: crate::sandbox::A;"
            ),
            [2]
        );
        assert_eq!(
            said(points_down, "src/sandbox.rs", "use crate::jupyter;"),
            [1]
        );
        assert_eq!(
            said(points_down, "src/config.rs", "use super::service::A;"),
            [1]
        );
        assert_eq!(
            said(
                points_down,
                "src/sandbox/docker/a.rs",
                "use super::super::super::service;"
            ),
            [1]
        );
        let group = "use crate::{\nconfig::{self, http},\nservice::{jupyter, A},\nhttp,\n};";
        assert_eq!(said(points_down, "src/sandbox/a.rs", group), [3, 4]);
    }

    #[test]
    fn a_layer_that_points_down_is_fine() {
        assert_eq!(
            said(
                points_down,
                "src/http/a.rs",
                "use crate::service::A; use axum::http;"
            ),
            []
        );
        assert_eq!(
            said(
                points_down,
                "src/service/a.rs",
                "use crate::{config, jupyter}; use super::http;"
            ),
            []
        );
        assert_eq!(said(points_down, "src/main.rs", "use crate::http;"), []);
        assert_eq!(
            said(
                points_down,
                "src/jupyter.rs",
                "// crate::sandbox\nuse crate::jupyter::sandbox;"
            ),
            []
        );
    }

    #[test]
    fn a_library_out_of_its_place_is_found() {
        for (library, places) in [
            ("axum", &["src/http.rs", "src/http/a.rs"][..]),
            ("utoipa", &["src/http.rs", "src/http/a.rs"]),
            ("bollard", &["src/sandbox/docker.rs"]),
            ("zeromq", &["crates/agent/src/a.rs"]),
            (
                "cellblock_link",
                &[
                    "src/sandbox/docker.rs",
                    "src/sandbox/a.rs",
                    "crates/agent/src/a.rs",
                ],
            ),
            ("cellblock", &["src/main.rs"]),
        ] {
            for path in [
                "src/http.rs",
                "src/http/a.rs",
                "src/service.rs",
                "src/jupyter/a.rs",
                "src/sandbox/a.rs",
                "src/sandbox/docker.rs",
                "crates/agent/src/a.rs",
                "src/main.rs",
            ] {
                let found = said(
                    names_only_its_libraries,
                    path,
                    &format!("use {library}::A;"),
                );
                assert_eq!(
                    found.is_empty(),
                    places.contains(&path),
                    "{library} in {path}"
                );
            }
        }
        assert_eq!(
            said(
                names_only_its_libraries,
                "src/sandbox.rs",
                "bollard::Docker"
            ),
            [1]
        );
        assert_eq!(
            said(
                names_only_its_libraries,
                "src/sandbox/docker_like.rs",
                "bollard::Docker"
            ),
            [1]
        );
        assert_eq!(
            said(
                names_only_its_libraries,
                "crates/link/src/a.rs",
                "use zeromq;"
            ),
            [1]
        );
        assert_eq!(
            said(names_only_its_libraries, "tests/engine.rs", "use bollard;"),
            []
        );
    }

    #[test]
    fn a_word_of_another_layer_is_found() {
        let text = "// container\nlet container_id = 1;\nfn a() -> StatusCode {}";
        assert_eq!(
            said(speaks_its_layer_s_language, "src/service/a.rs", text),
            [2, 3]
        );
        assert_eq!(
            said(speaks_its_layer_s_language, "src/sandbox/a.rs", text),
            []
        );
    }
}
