//! `/api`, `/api/status`, `/api/me`: who answers, how it does, and who asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::kernel_model::time;
use super::sessions;
use crate::http::app::App;
use crate::http::field::Loc;
use crate::http::key::CallerOrToken;
use crate::http::problem::Problem;

/// The Jupyter Server whose API this is. Clients look at it to know what they may ask.
const VERSION: &str = "2.14.0";

/// The version of the API.
#[derive(Debug, Serialize)]
pub struct Version {
    version: &'static str,
}

/// Needs no key: clients ask for it to see whether anybody is here.
pub async fn version() -> Json<Version> {
    Json(Version { version: VERSION })
}

/// How it does, as far as the caller may know.
#[derive(Debug, Serialize)]
pub struct Status {
    started: String,
    last_activity: String,
    kernels: usize,
    connections: usize,
}

/// The caller's kernels, counted.
pub async fn status(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
) -> Json<Status> {
    let views: Vec<_> = sessions(&app, &owner).iter().map(|it| it.view()).collect();
    let last = views.iter().map(|view| view.last_activity).max();
    Json(Status {
        started: time(app.started),
        last_activity: time(last.unwrap_or(app.started)),
        kernels: views.len(),
        connections: views.iter().map(|view| view.connections).sum(),
    })
}

/// Who asks.
#[derive(Debug, Serialize)]
pub struct Me {
    identity: Identity,
    permissions: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Serialize)]
struct Identity {
    username: String,
    name: String,
    display_name: String,
    initials: Option<String>,
    avatar_url: Option<String>,
    color: Option<String>,
}

/// What may stand in the url.
#[derive(Debug, Deserialize)]
pub struct MeQuery {
    /// JSON: actions by resource, of which those are answered that are allowed.
    permissions: Option<String>,
}

/// Who has a key may do with its own things what it likes.
pub async fn me(
    CallerOrToken(owner): CallerOrToken,
    Query(query): Query<MeQuery>,
) -> Result<Json<Me>, Problem> {
    let name = owner.to_string();
    let permissions = query.permissions.as_deref().filter(|text| !text.is_empty());
    let permissions = permissions.map_or(Ok(BTreeMap::new()), |text| {
        let expected = r#"must be JSON such as {"kernels": ["read"]}"#;
        serde_json::from_str(text)
            .map_err(|_| Problem::invalid_field(Loc::query("permissions"), expected))
    });
    let identity = Identity {
        initials: name
            .chars()
            .next()
            .map(|first| first.to_uppercase().collect()),
        username: name.clone(),
        display_name: name.clone(),
        name,
        avatar_url: None,
        color: None,
    };
    Ok(Json(Me {
        identity,
        permissions: permissions?,
    }))
}
