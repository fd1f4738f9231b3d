//! What is wrong with a setting, and who set it.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// Why there are no settings.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the settings file {}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nobody knows this key.
    #[error("there is no setting `{key}` ({origin}){}", hint(near.as_deref()))]
    Unknown {
        /// As it was written.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// What may have been meant.
        near: Option<String>,
    },
    /// The value is none, or contradicts another.
    #[error("{key} ({origin}): {reason}")]
    Invalid {
        /// Which.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// Why.
        reason: String,
    },
}

fn hint(near: Option<&str>) -> String {
    near.map(|near| format!("; is `{near}` meant?"))
        .unwrap_or_default()
}

/// Who had the last word on a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file.
    File(PathBuf),
    /// This environment variable.
    Variable(String),
    /// This flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => formatter.write_str("default"),
            Origin::File(path) => write!(formatter, "file {}", path.display()),
            Origin::Variable(name) => write!(formatter, "environment {name}"),
            Origin::Flag(name) => write!(formatter, "flag --{name}"),
        }
    }
}
