//! What an image has already: asked once an image, of a sandbox that does nothing else.
//!
//! A snapshot saves installs; it decides nothing. Where it cannot be had, everything is installed.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use pep508_rs::pep440_rs::Version;
use tokio::sync::Mutex;

use super::installer::Installer;
use super::requirement::{Requirements, normalised};
use crate::sandbox::{EnvironmentImage, PackageManager};

/// Distributions and their versions, by normalised name.
type Distributions = Arc<HashMap<String, Version>>;

/// Prints each distribution of a Python: its name, a space, its version.
const LIST: &str = "import importlib.metadata as m\n\
                    for d in m.distributions(): print(d.metadata['Name'], d.version)";

/// What the images have.
pub(super) struct Snapshots {
    installer: Arc<Installer>,
    /// By image. Held while one is taken, so that each is taken once.
    taken: Mutex<HashMap<String, Distributions>>,
}

impl Snapshots {
    pub(super) fn new(installer: Arc<Installer>) -> Snapshots {
        Snapshots {
            installer,
            taken: Mutex::default(),
        }
    }

    /// Whether the image has all of it. Of npm's packages that is never known.
    pub(super) async fn has(
        &self,
        environment: &EnvironmentImage,
        requirements: &Requirements,
    ) -> bool {
        match environment.package_manager {
            PackageManager::Pip => {}
            PackageManager::Npm | PackageManager::None => return false,
        }
        let distributions = self.of(environment).await;
        distributions.is_some_and(|has| requirements.are_met_by(|name| has.get(name).cloned()))
    }

    async fn of(&self, environment: &EnvironmentImage) -> Option<Distributions> {
        let mut taken = self.taken.lock().await;
        if let Some(distributions) = taken.get(&environment.image) {
            return Some(distributions.clone());
        }
        let listed = self
            .installer
            .look(environment, &["python", "-c", LIST])
            .await;
        let listed = listed.inspect_err(|error| {
            tracing::warn!(environment = environment.name, %error, "an image does not tell what it has");
        });
        let distributions: Distributions = Arc::new(read(&listed.ok()?));
        taken.insert(environment.image.clone(), distributions.clone());
        Some(distributions)
    }
}

fn read(listed: &str) -> HashMap<String, Version> {
    let distribution = |line: &str| {
        let (name, version) = line.split_once(' ')?;
        Some((normalised(name)?, Version::from_str(version).ok()?))
    };
    listed.lines().filter_map(distribution).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_far_as_it_is_one() {
        let read = read("NumPy 2.5.5\nruamel.yaml 0.18\nNone None\nbroken\n");
        assert_eq!(read.len(), 2);
        assert_eq!(read["numpy"].to_string(), "2.5.5");
        assert!(read.contains_key("ruamel-yaml"));
    }
}
