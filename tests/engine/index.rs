//! A package index of this machine's, with one wheel. It has an address of the loopback that nothing takes for local.

use axum::Router;
use axum::body::Bytes;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves until it is dropped.
pub struct Index {
    /// What an installer is given.
    pub url: String,
    serving: JoinHandle<()>,
}

impl Index {
    /// Offers version 1.0 of a package.
    pub async fn start(package: &str, wheel: Bytes) -> Index {
        let name = format!("{package}-1.0-py3-none-any.whl");
        let page = format!("<!DOCTYPE html><a href=\"/{name}\">{name}</a>");
        let router = Router::new()
            .route(&format!("/simple/{package}/"), get(async || Html(page)))
            .route(&format!("/{name}"), get(async || wheel));
        let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Index {
            url: format!("http://{address}/simple"),
            serving,
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
