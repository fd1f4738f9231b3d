//! Labels: how we know our own containers and volumes, and how images describe themselves.

use std::collections::HashMap;

use crate::sandbox::SandboxId;

/// On an image: its environment's name. An image with this label is an environment.
pub(super) const ENVIRONMENT: &str = "cellblock.environment";
/// On an image: what people call it.
pub(super) const DISPLAY_NAME: &str = "cellblock.display-name";
/// On an image: the language of its code.
pub(super) const LANGUAGE: &str = "cellblock.language";
/// On an image: the kernelspec in it.
pub(super) const KERNELSPEC: &str = "cellblock.kernelspec";

/// On everything we make: whose it is.
pub(super) const INSTANCE: &str = "cellblock.instance";
/// On a container: the sandbox it is.
pub(super) const SANDBOX: &str = "cellblock.sandbox";

/// The service that owns an engine object. Two services on one engine have different instances.
#[derive(Clone, Debug)]
pub(super) struct Instance(String);

impl Instance {
    pub(super) fn new(name: &str) -> Instance {
        Instance(name.to_owned())
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// Selects what is ours, in the engine's filter language.
    pub(super) fn filter(&self) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), vec![format!("{INSTANCE}={}", self.0)])])
    }

    /// The labels of a volume.
    pub(super) fn volume_labels(&self) -> HashMap<String, String> {
        HashMap::from([(INSTANCE.to_owned(), self.0.clone())])
    }

    /// The labels of a container.
    pub(super) fn container_labels(
        &self,
        sandbox: &SandboxId,
        environment: &str,
    ) -> HashMap<String, String> {
        HashMap::from([
            (INSTANCE.to_owned(), self.0.clone()),
            (SANDBOX.to_owned(), sandbox.to_string()),
            (ENVIRONMENT.to_owned(), environment.to_owned()),
        ])
    }
}

/// The container's name in the engine: known before the engine answers with an id.
pub(super) fn container_name(sandbox: &SandboxId) -> String {
    format!("cellblock-{sandbox}")
}
