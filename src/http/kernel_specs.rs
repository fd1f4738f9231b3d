//! `GET /jupyter/list_kernel_specs`: what code can be run in.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::key::Caller;
use super::problem::Problem;
use crate::sandbox::EnvironmentImage;

/// An environment.
#[derive(Debug, Serialize, ToSchema)]
pub struct KernelSpec {
    /// What people call it.
    #[schema(example = "Python 3")]
    display_name: String,
    /// The language of its code.
    #[schema(example = "python")]
    language: String,
    /// The kernelspec in its image.
    #[schema(example = "python3")]
    kernelspec: String,
}

/// The environments whose image is present and which the key may use, by the name that requests use.
#[utoipa::path(
    get,
    path = "/jupyter/list_kernel_specs",
    tag = "service",
    responses((status = 200, description = "The environments, by name", body = BTreeMap<String, KernelSpec>)),
)]
pub async fn list_kernel_specs(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
) -> Result<Json<BTreeMap<String, KernelSpec>>, Problem> {
    let environments = app.service.environments_of(&owner).await?;
    Ok(Json(environments.into_iter().map(spec).collect()))
}

fn spec(environment: EnvironmentImage) -> (String, KernelSpec) {
    let spec = KernelSpec {
        display_name: environment.display_name,
        language: environment.language,
        kernelspec: environment.kernelspec,
    };
    (environment.name, spec)
}
