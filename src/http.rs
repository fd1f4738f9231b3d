//! The only layer that knows HTTP: routes, keys, bodies, answers, problems.
//!
//! ```text
//! server        connections: how many, how long
//!   meters      every request counted, by its route
//!   exchange    every request: its id, its span in the log, its problem written out; trace_context: its trace
//!     unread    what a handler has not read of a body is read before the answer, or closes the connection
//!     panics    caught, answered as 500
//!       local   without keys: this machine only
//!         key   who asks
//!           execute · sessions · files · kernel_specs · health · metrics   one module a route
//!             body, fields, field, amount, file_upload     reading what was sent
//!             memory                                       how much of that there may be at once
//!               cell_fields, sandbox_fields                code to run, and in what
//!             file_answer, file_url                        what a file is answered with
//!             held                                       a session whose files are worked on
//!           api                                          kernels and files, as a Jupyter Server has them
//!           openapi, schema, bounds                      what all of this looks like
//! ```
//!
//! **Invariant:** what a handler answers is either the documented body or a `problem`; nothing that the engine or the operating
//! system said is in either.
//!
//! **Invariant:** a handler that is dropped (the client went away) leaves nothing running.

mod amount;
mod api;
mod app;
mod body;
mod bounds;
mod cell_fields;
mod exchange;
mod execute;
mod field;
mod fields;
mod file_answer;
mod file_upload;
mod file_url;
mod files;
mod health;
mod held;
mod kernel_specs;
pub mod key;
mod local;
mod memory;
mod meters;
mod metrics;
mod openapi;
mod problem;
mod request_id;
mod sandbox_fields;
mod schema;
mod server;
mod sessions;
#[cfg(feature = "otlp")]
mod trace_context;
mod unread;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use utoipa::OpenApi;
use utoipa::openapi::Server;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

pub use server::serve;

use app::App;
use problem::{Kind, Problem};

use crate::config::Settings;
use crate::service::Service;

/// Everything that is served over HTTP.
pub fn router(service: Arc<Service>, settings: &Settings) -> Router {
    let app = App::new(service, settings);
    let (routes, mut api) = described_routes().split_for_parts();
    openapi::name_paths(&mut api);
    openapi::add_problems(&mut api);
    openapi::free_bodies(&mut api);
    bounds::tell(&mut api, settings);
    let routes = routes
        .route("/jupyter", get(health::index))
        .merge(api::routes());
    below(settings.server.prefix(), routes, api)
        .fallback(not_found)
        .layer(DefaultBodyLimit::disable()) // Each route bounds its own body, see `body`.
        .layer(from_fn_with_state(app.clone(), local::guard))
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(app.clone(), meters::measure))
                .layer(SetSensitiveRequestHeadersLayer::new([
                    key::X_API_KEY,
                    AUTHORIZATION,
                    COOKIE,
                ]))
                .layer(from_fn(exchange::exchange))
                .layer(from_fn(unread::read_rest))
                .layer(CatchPanicLayer::custom(exchange::panicked)),
        )
        .with_state(app)
}

/// The routes, and their description, below what every path begins with.
fn below(
    prefix: &str,
    routes: Router<Arc<App>>,
    mut api: utoipa::openapi::OpenApi,
) -> Router<Arc<App>> {
    let routes = if prefix.is_empty() {
        routes
    } else {
        api.servers = Some(vec![Server::new(prefix)]);
        Router::new().nest(prefix, routes)
    };
    let docs = SwaggerUi::new(format!("{prefix}/docs"));
    routes.merge(docs.url(format!("{prefix}/openapi.json"), api))
}

/// The routes of the API, each with its description.
fn described_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::Api::openapi())
        .routes(routes!(health::index))
        .routes(routes!(health::health))
        .routes(routes!(metrics::metrics))
        .routes(routes!(kernel_specs::list_kernel_specs))
        .routes(routes!(execute::execute))
        .routes(routes!(files::list_files, files::store_file))
        .routes(routes!(files::store_file_long))
        .routes(routes!(files::read_file, files::delete_file))
        .merge(sessions::described_routes())
}

async fn not_found() -> Problem {
    Problem::new(Kind::NotFound, "There is no such route; see /docs.")
}
