//! Which system calls a sandbox may make: our own profile, the engine's, or one from a file.
//!
//! The file is read with the settings, so that a wrong one stops the service before it serves anybody.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;

/// A seccomp profile for the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seccomp {
    /// Ours, tighter than the engine's.
    #[default]
    Cellblock,
    /// The engine's default.
    Engine,
    /// An operator's.
    File {
        /// Where it was read from.
        path: PathBuf,
        /// What it says, in the engine's JSON.
        profile: Arc<str>,
    },
}

impl FromStr for Seccomp {
    type Err = String;

    /// `cellblock`, `engine`, or else the path of a file, which is read.
    fn from_str(text: &str) -> Result<Seccomp, String> {
        match text {
            "cellblock" => Ok(Seccomp::Cellblock),
            "engine" => Ok(Seccomp::Engine),
            path => read(PathBuf::from(path)).map_err(|reason| {
                format!("`{path}` is not `cellblock`, `engine` or a profile's file: {reason}")
            }),
        }
    }
}

fn read(path: PathBuf) -> Result<Seccomp, String> {
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let profile: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    // Without it the engine takes any object for a profile, and the runtime says why not once code is to run.
    if !profile["defaultAction"].is_string() {
        return Err("it has no `defaultAction`".to_owned());
    }
    let profile = text.into();
    Ok(Seccomp::File { path, profile })
}

impl fmt::Display for Seccomp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seccomp::Cellblock => formatter.write_str("cellblock"),
            Seccomp::Engine => formatter.write_str("engine"),
            Seccomp::File { path, .. } => path.display().fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_profile_and_so_is_a_file() {
        assert_eq!("cellblock".parse(), Ok(Seccomp::Cellblock));
        assert_eq!("engine".parse(), Ok(Seccomp::Engine));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.json");
        std::fs::write(&path, r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#).unwrap();
        let text = path.display().to_string();
        let read: Seccomp = text.parse().unwrap();
        assert_eq!(read.to_string(), text);
        assert!(matches!(read, Seccomp::File { profile, .. } if profile.contains("ALLOW")));
    }

    #[test]
    fn what_is_no_profile_is_refused_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.json");
        let reason = |text: &str| {
            std::fs::write(&path, text).unwrap();
            path.display().to_string().parse::<Seccomp>().unwrap_err()
        };
        assert!(reason("{").contains("EOF"), "{}", reason("{"));
        assert!(reason("{}").contains("defaultAction"));
        assert!(reason("[]").contains("defaultAction"));
        let nowhere = "/nowhere/profile.json".parse::<Seccomp>().unwrap_err();
        assert!(nowhere.contains("No such file"), "{nowhere}");
    }

    #[test]
    fn unconfined_is_no_profile() {
        assert!("unconfined".parse::<Seccomp>().is_err());
    }
}
