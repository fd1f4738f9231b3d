//! Finds environments: images that describe themselves with labels, and those that the settings describe.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ImageConfig, ImageSummary};
use bollard::query_parameters::ListImagesOptionsBuilder;
use tokio::sync::Mutex;

use super::calls::Calls;
use super::labels;
use crate::config;
use crate::sandbox::{EnvironmentImage, PackageManager, SandboxError, UserNumbers};

/// Where jupyter's own images have their user's home.
const USUAL_HOME: &str = "/home/jovyan";

/// Looks for environments, and remembers what it has looked up of an image: images never change.
pub(super) struct Environments {
    described: Vec<config::Environment>,
    known: Mutex<HashMap<String, ImageConfig>>,
}

impl Environments {
    pub(super) fn new(described: &[config::Environment]) -> Environments {
        Environments {
            described: described.to_vec(),
            known: Mutex::default(),
        }
    }

    /// All environments whose image is there, by name. Where two images claim one name, the younger has it; the settings
    /// come before both.
    pub(super) async fn find(&self, calls: &Calls) -> Result<Vec<EnvironmentImage>, SandboxError> {
        let mut found = BTreeMap::new();
        let mut images = labelled_images(calls).await?;
        images.sort_by_key(|image| image.created);
        for image in images {
            let config = self.look_up(calls, &image.id).await?;
            let environment = from_labels(&image, &config);
            found.insert(environment.name.clone(), environment);
        }
        for described in &self.described {
            if let Some(environment) = look_up_described(calls, described).await? {
                found.insert(environment.name.clone(), environment);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn look_up(&self, calls: &Calls, image: &str) -> Result<ImageConfig, SandboxError> {
        if let Some(config) = self.known.lock().await.get(image) {
            return Ok(config.clone());
        }
        let inspected = calls
            .call("inspect image", |docker| async move {
                docker.inspect_image(image).await
            })
            .await?;
        let config = inspected.config.unwrap_or_default();
        self.known
            .lock()
            .await
            .insert(image.to_owned(), config.clone());
        Ok(config)
    }
}

async fn labelled_images(calls: &Calls) -> Result<Vec<ImageSummary>, SandboxError> {
    let filters = HashMap::from([
        ("label", vec![labels::ENVIRONMENT]),
        // Images that lost their tag to a newer one.
        ("dangling", vec!["false"]),
    ]);
    let options = ListImagesOptionsBuilder::default()
        .filters(&filters)
        .build();
    calls
        .call("list images", |docker| async move {
            docker.list_images(Some(options)).await
        })
        .await
}

/// None where the image is not there.
async fn look_up_described(
    calls: &Calls,
    described: &config::Environment,
) -> Result<Option<EnvironmentImage>, SandboxError> {
    let name = described.image.as_str();
    let inspected = calls
        .call("inspect image", |docker| async move {
            docker.inspect_image(name).await
        })
        .await;
    let inspected = match inspected {
        Ok(inspected) => inspected,
        Err(SandboxError::EngineRefused(reason)) => {
            tracing::warn!(
                environment = described.name,
                image = name,
                reason,
                "its image is not there"
            );
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let config = inspected.config.unwrap_or_default();
    let or_name = |text: &Option<String>| text.clone().unwrap_or_else(|| described.name.clone());
    Ok(Some(EnvironmentImage {
        name: described.name.to_lowercase(),
        display_name: or_name(&described.display_name),
        language: or_name(&described.language),
        image: inspected.id.unwrap_or_else(|| described.image.clone()),
        kernelspec: described.kernelspec.clone(),
        home: home(&config),
        volumes: volumes(&config),
        package_manager: PackageManager::None,
        users: users(config.labels.as_ref()),
    }))
}

fn from_labels(image: &ImageSummary, config: &ImageConfig) -> EnvironmentImage {
    let label = |key: &str| image.labels.get(key).filter(|text| !text.is_empty());
    let name = label(labels::ENVIRONMENT).map_or_else(String::new, |name| name.to_lowercase());
    let or_name = |key: &str| label(key).unwrap_or(&name).clone();
    EnvironmentImage {
        display_name: or_name(labels::DISPLAY_NAME),
        language: or_name(labels::LANGUAGE),
        kernelspec: or_name(labels::KERNELSPEC),
        image: image.id.clone(),
        home: home(config),
        volumes: volumes(config),
        users: users(Some(&image.labels)),
        package_manager: label(labels::PACKAGE_MANAGER)
            .map_or(PackageManager::None, |manager| package_manager(manager)),
        name,
    }
}

/// A manager that nobody knows is as good as none.
fn package_manager(label: &str) -> PackageManager {
    match label {
        "pip" => PackageManager::Pip,
        "npm" => PackageManager::Npm,
        _ => PackageManager::None,
    }
}

fn home(config: &ImageConfig) -> String {
    let variables = config.env.as_deref().unwrap_or_default();
    variables
        .iter()
        .filter_map(|variable| variable.strip_prefix("HOME="))
        .find(|home| home.starts_with('/') && home.len() > 1)
        .unwrap_or(USUAL_HOME)
        .to_owned()
}

/// Users that cannot be read are as good as none.
fn users(labels: Option<&HashMap<String, String>>) -> Option<UserNumbers> {
    let label = labels?.get(labels::USERS)?;
    let users = label.parse();
    if let Err(error) = &users {
        tracing::warn!(label, %error, "the label {} of an image", labels::USERS);
    }
    users.ok()
}

fn volumes(config: &ImageConfig) -> Vec<String> {
    config.volumes.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(labels: &[(&str, &str)]) -> ImageSummary {
        ImageSummary {
            id: "sha256:1".to_owned(),
            labels: labels
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..ImageSummary::default()
        }
    }

    #[test]
    fn one_label_is_enough() {
        let environment = from_labels(
            &image(&[(labels::ENVIRONMENT, "Bash")]),
            &ImageConfig::default(),
        );
        assert_eq!(environment.name, "bash");
        assert_eq!(environment.display_name, "bash");
        assert_eq!(environment.kernelspec, "bash");
        assert_eq!(environment.home, USUAL_HOME);
        assert_eq!(environment.package_manager, PackageManager::None);
    }

    #[test]
    fn a_label_names_the_package_manager() {
        for (text, manager) in [
            ("pip", PackageManager::Pip),
            ("npm", PackageManager::Npm),
            ("none", PackageManager::None),
            ("cargo", PackageManager::None),
        ] {
            let labels = [(labels::ENVIRONMENT, "a"), (labels::PACKAGE_MANAGER, text)];
            let environment = from_labels(&image(&labels), &ImageConfig::default());
            assert_eq!(environment.package_manager, manager, "{text}");
        }
    }

    #[test]
    fn a_label_tells_the_users_that_it_knows() {
        let users = |text| {
            let labels = [(labels::ENVIRONMENT, "a"), (labels::USERS, text)];
            from_labels(&image(&labels), &ImageConfig::default()).users
        };
        assert_eq!(users("50000-50009"), UserNumbers::new(50000, 50009));
        assert_eq!(users("0-9"), None);
        let none = from_labels(
            &image(&[(labels::ENVIRONMENT, "a")]),
            &ImageConfig::default(),
        );
        assert_eq!(none.users, None);
    }

    #[test]
    fn home_is_the_images_own() {
        let config = ImageConfig {
            env: Some(vec!["PATH=/bin".to_owned(), "HOME=/home/rosa".to_owned()]),
            ..ImageConfig::default()
        };
        assert_eq!(home(&config), "/home/rosa");
    }

    #[test]
    fn the_root_is_no_home() {
        let config = ImageConfig {
            env: Some(vec!["HOME=/".to_owned()]),
            ..ImageConfig::default()
        };
        assert_eq!(home(&config), USUAL_HOME);
    }
}
