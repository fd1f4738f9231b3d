//! `/api/kernelspecs`: which kernels there are. Each is an environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde::Serialize;

use super::kernel_name::{kernel_name, meant, usual};
use super::logo;
use crate::http::app::App;
use crate::http::file_url::encoded;
use crate::http::key::CallerOrToken;
use crate::http::problem::Problem;
use crate::sandbox::EnvironmentImage;
use crate::service::ServiceError;

/// The one file that a kernelspec has here.
const LOGO: &str = "logo-svg";

/// All of them.
#[derive(Debug, Serialize)]
pub struct KernelSpecs {
    default: String,
    kernelspecs: BTreeMap<String, KernelSpecModel>,
}

/// One, and where its files are.
#[derive(Debug, Serialize)]
pub struct KernelSpecModel {
    name: String,
    spec: Spec,
    resources: BTreeMap<&'static str, String>,
}

/// As in `kernel.json`.
#[derive(Debug, Serialize)]
struct Spec {
    /// How it is started is the agent's business, in the sandbox; clients only show it.
    argv: [&'static str; 0],
    env: BTreeMap<String, String>,
    display_name: String,
    language: String,
    /// Whatever the image's kernelspec says: clients interrupt through the API.
    interrupt_mode: &'static str,
    metadata: BTreeMap<String, String>,
}

impl KernelSpecModel {
    fn of(environment: &EnvironmentImage, prefix: &str) -> Self {
        let name = kernel_name(&environment.name);
        let logo = format!("{prefix}/kernelspecs/{}/{LOGO}.svg", encoded(name));
        Self {
            name: name.to_owned(),
            spec: Spec {
                argv: [],
                env: BTreeMap::new(),
                display_name: environment.display_name.clone(),
                language: environment.language.clone(),
                interrupt_mode: "signal",
                metadata: BTreeMap::new(),
            },
            resources: BTreeMap::from([(LOGO, logo)]),
        }
    }
}

/// All kernelspecs that the key may use, and the name of the one that who names none gets.
pub async fn list(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
) -> Result<Json<KernelSpecs>, Problem> {
    let environments = app.service.environments_of(&owner).await?;
    let model = |environment: &EnvironmentImage| {
        let model = KernelSpecModel::of(environment, app.server.prefix());
        (model.name.clone(), model)
    };
    Ok(Json(KernelSpecs {
        default: usual(&environments)
            .map_or("", |it| kernel_name(&it.name))
            .to_owned(),
        kernelspecs: environments.iter().map(model).collect(),
    }))
}

/// One kernelspec, by any name that it has.
pub async fn find(
    State(app): State<Arc<App>>,
    _caller: CallerOrToken,
    Path(name): Path<String>,
) -> Result<Json<KernelSpecModel>, Problem> {
    let environments = app.service.environments().await?;
    let environment = meant(&name, &environments).ok_or(ServiceError::NotFound)?;
    Ok(Json(KernelSpecModel::of(environment, app.server.prefix())))
}

/// A file of a kernelspec: its logo.
pub async fn resource(
    State(app): State<Arc<App>>,
    _caller: CallerOrToken,
    Path((name, file)): Path<(String, String)>,
) -> Result<([(HeaderName, &'static str); 3], String), Problem> {
    let environments = app.service.environments().await?;
    let environment = meant(&name, &environments).ok_or(ServiceError::NotFound)?;
    if file != format!("{LOGO}.svg") {
        return Err(ServiceError::NotFound.into());
    }
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (CACHE_CONTROL, "private, max-age=3600"),
    ];
    Ok((headers, logo::svg(&environment.name)))
}
