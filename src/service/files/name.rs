//! What files may be called: by their makers, and in the store.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest name that Linux file systems take.
const MAX_BYTES: usize = 255;

/// The longest extension that goes into a stored name. Longer ones name no type of file.
const MAX_EXTENSION: usize = 16;

/// A name a file can have in a working directory: one path segment, not `.` or `..`, without `/`, NUL or other control
/// characters, at most 255 bytes of UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FileName(String);

impl FileName {
    /// Checks a name. The error is a sentence for the caller.
    ///
    /// # Errors
    ///
    /// When a file cannot or must not be called that.
    pub fn parse(text: &str) -> Result<FileName, InvalidFileName> {
        let reason = match text {
            "" => "a file name must not be empty",
            "." | ".." => "a file must not be called '.' or '..'",
            _ if text.len() > MAX_BYTES => "a file name must not be longer than 255 bytes",
            _ if text.contains('/') => "a file name must not contain '/'",
            _ if text.contains(char::is_control) => {
                "a file name must not contain control characters"
            }
            _ => return Ok(FileName(text.to_owned())),
        };
        Err(InvalidFileName(reason))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last dot, in lower case, where that is a plain short word. `.profile` has none.
    pub(super) fn extension(&self) -> Option<String> {
        let (stem, extension) = self.0.rsplit_once('.')?;
        let plain = !stem.is_empty() && is_extension(extension);
        plain.then(|| extension.to_ascii_lowercase())
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for FileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FileName::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidFileName(pub &'static str);

/// A new name in the store: 128 random bits, so that nobody guesses one, with the extension of `filename`, so that
/// whoever has only the name knows the type.
pub(super) fn random_stored_name(filename: &FileName) -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    let random = u128::from_be_bytes(bytes);
    Ok(match filename.extension() {
        Some(extension) => format!("{random:032x}.{extension}"),
        None => format!("{random:032x}"),
    })
}

/// Whether a name could be one of [`random_stored_name`].
pub(super) fn is_stored_name(name: &str) -> bool {
    let (random, extension) = match name.split_once('.') {
        Some((random, extension)) => (random, Some(extension)),
        None => (name, None),
    };
    random.len() == 32
        && random.bytes().all(|byte| byte.is_ascii_hexdigit())
        && extension.is_none_or(is_extension)
}

fn is_extension(text: &str) -> bool {
    (1..=MAX_EXTENSION).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(text: &str) -> &'static str {
        FileName::parse(text).unwrap_err().0
    }

    #[test]
    fn ordinary_names_are_names() {
        for name in [
            "a",
            "a.txt",
            ".profile",
            "...",
            "a b",
            "été.csv",
            "a\\b",
            "~",
            "-rf",
            &"a".repeat(255),
        ] {
            assert_eq!(FileName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn each_refusal_says_why() {
        assert!(reason("").contains("empty"));
        assert!(reason(".").contains("'.'"));
        assert!(reason("..").contains("'..'"));
        assert!(reason("a/b").contains("'/'"));
        assert!(reason("../etc/passwd").contains("'/'"));
        assert!(reason("/").contains("'/'"));
        assert!(reason("a\0").contains("control"));
        assert!(reason("a\nb").contains("control"));
        assert!(reason("a\u{7f}").contains("control"));
        assert!(reason("a\u{85}").contains("control"));
        assert!(reason(&"a".repeat(300)).contains("255"));
        assert!(reason(&"é".repeat(128)).contains("255"));
    }

    #[test]
    fn a_stored_name_is_random_and_keeps_a_plain_extension() {
        let stored = |name: &str| random_stored_name(&FileName::parse(name).unwrap()).unwrap();
        assert_ne!(stored("a"), stored("a"));
        assert!(stored("a.b.CSV").ends_with(".csv"));
        for name in ["a", ".csv", "a.", "a.c v", "a.é", "a.01234567890123456"] {
            assert_eq!(stored(name).len(), 32, "{name}");
        }
    }

    #[test]
    fn only_stored_names_are_stored_names() {
        for name in [
            "",
            "a",
            "..",
            ".part-a",
            "0123456789abcdef0123456789abcdef.",
            "0123456789abcdef0123456789abcdef/a",
        ] {
            assert!(!is_stored_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_one_path_segment(text in any::<String>()) {
            let Ok(name) = FileName::parse(&text) else {
                return Ok(());
            };
            let joined = std::path::Path::new("/home").join(name.as_str());
            prop_assert_eq!(joined.parent(), Some(std::path::Path::new("/home")));
            prop_assert!(is_stored_name(&random_stored_name(&name).unwrap()));
        }
    }
}
