//! Labels: how we know our own containers and volumes, and how images describe themselves.

use std::collections::HashMap;
use std::time::Duration;

use crate::sandbox::SandboxId;

/// On an image: its environment's name. An image with this label is an environment.
pub(super) const ENVIRONMENT: &str = "cellblock.environment";
/// On an image: what people call it.
pub(super) const DISPLAY_NAME: &str = "cellblock.display-name";
/// On an image: the language of its code.
pub(super) const LANGUAGE: &str = "cellblock.language";
/// On an image: the kernelspec in it.
pub(super) const KERNELSPEC: &str = "cellblock.kernelspec";
/// On an image: the users that it knows, besides the one of Jupyter's images: two numbers, the first and the last.
pub(super) const USERS: &str = "cellblock.users";
/// On an image: what its packages are installed with.
pub(super) const PACKAGE_MANAGER: &str = "cellblock.package-manager";

/// On a container: whose it is.
pub(super) const INSTANCE: &str = "cellblock.instance";
/// On a container: the sandbox it is.
pub(super) const SANDBOX: &str = "cellblock.sandbox";
/// On a container or a package volume: from when on anybody may remove it, in seconds since 1970.
pub(super) const EXPIRES: &str = "cellblock.expires";
/// On a volume: the hash of the agent in it.
pub(super) const AGENT: &str = "cellblock.agent";

/// On a volume: the name of the packages in it.
pub(super) const PACKAGES: &str = "cellblock.packages";

/// The process that owns an engine object. Two services on one engine have different instances.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    name: String,
    lifetime: Option<Duration>,
}

impl Instance {
    /// `lifetime`: how long a container stays at most where nobody of this instance may come back to remove it.
    pub(super) fn new(name: &str, lifetime: Option<Duration>) -> Instance {
        Instance {
            name: name.to_owned(),
            lifetime,
        }
    }

    /// Whether a container with these labels is to be removed by this instance, unless it owns it.
    pub(super) fn may_remove(&self, labels: &HashMap<String, String>) -> bool {
        labels.get(INSTANCE) == Some(&self.name) || is_expired(labels)
    }

    /// The labels of a container that is made now.
    pub(super) fn container_labels(
        &self,
        sandbox: &SandboxId,
        environment: &str,
    ) -> HashMap<String, String> {
        let mut labels = HashMap::from([
            (INSTANCE.to_owned(), self.name.clone()),
            (SANDBOX.to_owned(), sandbox.to_string()),
            (ENVIRONMENT.to_owned(), environment.to_owned()),
        ]);
        labels.extend(self.expiry());
        labels
    }

    /// The label of what is made now and nobody may come back for.
    fn expiry(&self) -> Option<(String, String)> {
        let lifetime = self.lifetime?;
        let expires = jiff::Timestamp::now()
            .as_second()
            .saturating_add_unsigned(lifetime.as_secs());
        Some((EXPIRES.to_owned(), expires.to_string()))
    }

    /// What the engine calls a package volume. Instances share none.
    pub(super) fn packages_volume(&self, name: &str) -> String {
        format!("cellblock-packages-{}-{name}", self.name)
    }

    /// The labels of a package volume.
    pub(super) fn packages_labels(&self, name: &str) -> HashMap<String, String> {
        let mut labels = HashMap::from([
            (INSTANCE.to_owned(), self.name.clone()),
            (PACKAGES.to_owned(), name.to_owned()),
        ]);
        labels.extend(self.expiry());
        labels
    }

    /// The name of the packages in a volume with these labels, where it is of this instance.
    pub(super) fn packages_of(&self, labels: &HashMap<String, String>) -> Option<String> {
        let ours = labels.get(INSTANCE) == Some(&self.name);
        labels.get(PACKAGES).filter(|_| ours).cloned()
    }
}

/// Whether anybody may remove what has these labels.
pub(super) fn is_expired(labels: &HashMap<String, String>) -> bool {
    let expires = labels.get(EXPIRES).and_then(|at| at.parse::<i64>().ok());
    expires.is_some_and(|at| at < jiff::Timestamp::now().as_second())
}

/// Selects whatever has a label, in the engine's filter language.
pub(super) fn with_label(key: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![key.to_owned()])])
}

/// The container's name in the engine: known before the engine answers with an id.
pub(super) fn container_name(sandbox: &SandboxId) -> String {
    format!("cellblock-{sandbox}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_removed_by_its_instance_or_once_it_expired() {
        let sandbox = SandboxId::random();
        let (ours, theirs) = (Instance::new("ours", None), Instance::new("theirs", None));
        let labels = ours.container_labels(&sandbox, "python");
        assert!(ours.may_remove(&labels));
        assert!(!theirs.may_remove(&labels));
        let hour = Some(Duration::from_secs(3600));
        let mut labels = Instance::new("run-1", hour).container_labels(&sandbox, "python");
        assert!(!theirs.may_remove(&labels));
        labels.insert(EXPIRES.to_owned(), "1000".to_owned());
        assert!(theirs.may_remove(&labels));
    }

    #[test]
    fn packages_are_their_instance_s_until_they_expire() {
        let (ours, theirs) = (Instance::new("ours", None), Instance::new("theirs", None));
        let mut labels = ours.packages_labels("set");
        assert_eq!(ours.packages_of(&labels).as_deref(), Some("set"));
        assert_eq!(theirs.packages_of(&labels), None);
        assert!(!is_expired(&labels));
        labels.insert(EXPIRES.to_owned(), "1000".to_owned());
        assert!(is_expired(&labels));
        let hour = Some(Duration::from_secs(3600));
        let passing = Instance::new("run-1", hour).packages_labels("set");
        assert!(passing.contains_key(EXPIRES) && !is_expired(&passing));
    }
}
