//! What created files are called. In the sandbox they have paths; in the store each has a name.
//!
//! A file is called as the last segment of its path. Where an earlier file of the same execution is called so
//! already, its folders come in front (`plots_a.png` for `plots/a.png`); where even that is taken, a number does.

use std::collections::BTreeSet;

use crate::service::files::FileName;

/// The names given so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: BTreeSet<String>,
}

impl Names {
    /// A new name for the file at `path`. None: nothing in the path can be a name.
    pub(super) fn give(&mut self, path: &[u8]) -> Option<FileName> {
        let path = String::from_utf8_lossy(path).replace(char::is_control, "_");
        let segments: Vec<_> = path
            .split('/')
            .filter(|it| !it.is_empty() && *it != ".")
            .collect();
        let last = (*segments.last()?).to_owned();
        let joined = segments.join("_");
        let numbered = (2..).map(|number| format!("{number}_{joined}"));
        let mut candidates = [last, joined.clone()].into_iter().chain(numbered);
        let name = candidates.find(|name| !self.given.contains(name))?;
        let name = FileName::parse(&name).ok()?;
        self.given.insert(name.as_str().to_owned());
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(paths: &[&str]) -> Vec<Option<String>> {
        let mut names = Names::default();
        let names = paths.iter().map(|path| names.give(path.as_bytes()));
        names
            .map(|name| name.map(|name| name.to_string()))
            .collect()
    }

    fn some(names: &[&str]) -> Vec<Option<String>> {
        names.iter().map(|name| Some((*name).to_owned())).collect()
    }

    #[test]
    fn a_file_is_called_as_the_end_of_its_path() {
        assert_eq!(
            given(&["a.txt", "./plots/b.png"]),
            some(&["a.txt", "b.png"])
        );
    }

    #[test]
    fn two_files_never_share_a_name() {
        assert_eq!(
            given(&["a", "x/a", "x_a", "x/./a"]),
            some(&["a", "x_a", "2_x_a", "3_x_a"])
        );
    }

    #[test]
    fn what_cannot_be_a_name_gets_none() {
        assert_eq!(given(&["..", "a/..", "/", ""]), [None, None, None, None]);
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(given(&["a\nb"]), some(&["a_b"]));
    }
}
