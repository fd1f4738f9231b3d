//! The layering of the code and the rules of its files, kept by a test.
//!
//! The invariants at the top of `src/lib.rs` hold because this fails when they do not. Rules that clippy or rustdoc
//! can check are theirs.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use std::fs;
use std::path::Path;

use rules::RULES;
use source::Source;

#[test]
fn every_file_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    collect(root, root, &mut sources);
    for known in [
        "src/lib.rs",
        "crates/link/src/lib.rs",
        "tests/tidy/rules.rs",
    ] {
        assert!(
            sources.iter().any(|source| source.path == known),
            "{known} was not looked at"
        );
    }
    let found: Vec<String> = sources.iter().flat_map(broken_rules).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn broken_rules(source: &Source) -> Vec<String> {
    let findings = RULES.iter().flat_map(|rule| rule(source));
    findings
        .map(|finding| format!("{}:{}: {}", source.path, finding.line, finding.what))
        .collect()
}

/// Every Rust file below a folder, but for what was built or is hidden.
fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).unwrap().to_string_lossy();
            sources.push(Source::new(&relative, &fs::read_to_string(&path).unwrap()));
        }
    }
}
