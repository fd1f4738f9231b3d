//! Connections: how many, how long they may idle, and how they end.
//!
//! `axum::serve` sets no time for a request's head and no bound on connections, so a few thousand silent clients would
//! use up the service's descriptors. Here each connection has a place out of [`MAX_CONNECTIONS`] and a time in which its next
//! head must come, and no write may wait longer. Beyond that, clients wait in the listener's backlog.
//!
//! ```text
//! serve            accepts until it is told to stop
//! ├─ connection    one each; told to stop, it finishes the request it is in; after the grace it is dropped,
//! │                and with it the handler
//! └─ a WebSocket   what a connection may become, in the same place; told to stop, it closes
//! ```

mod arrivals;
mod place;
mod unstalled;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::join;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;

use crate::config;
use arrivals::Counted;
pub use arrivals::{Arrivals, NoMemory};
pub use place::Place;
use unstalled::Unstalled;

/// At the same time. An execution waits in its connection, so this is well above `execution.max_concurrent`.
const MAX_CONNECTIONS: usize = 1024;

/// Bytes of a request's head. It is held before anybody knows whose it is.
const LONGEST_HEAD: usize = 64 << 10;

/// How long accepting pauses after it failed: descriptors have run out, and only time brings some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` completes; then lets running requests go on for the shutdown grace, and drops those that are left.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &config::Server,
    shutdown: impl Future<Output = ()>,
) {
    let server = Server::new(router, settings);
    tokio::select! {
        () = shutdown => {}
        () = server.accept(&listener) => {}
    }
    drop(listener);
    server.finish(settings.shutdown_grace).await;
}

struct Server {
    router: Router,
    /// With a client that sends no head, or reads no answer.
    patience: Duration,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    /// Finish the request and close.
    stop: CancellationToken,
    /// Close now.
    drop_all: CancellationToken,
}

impl Server {
    fn new(router: Router, settings: &config::Server) -> Self {
        Self {
            router,
            patience: settings.request_timeout,
            places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            connections: TaskTracker::new(),
            stop: CancellationToken::new(),
            drop_all: CancellationToken::new(),
        }
    }

    async fn accept(&self, listener: &TcpListener) {
        while let Ok(place) = self.places.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => self.start(stream, place),
                Err(error) => pause(error).await,
            }
        }
    }

    fn start(&self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        // Answers are small and awaited.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let place = self.place(permit);
        let (reader, writer) = stream.into_split();
        let stream = join(
            Counted::new(reader, place.arrivals()),
            Unstalled::new(writer, self.patience),
        );
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience)
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(Extension(place.clone()).layer(self.router.clone())),
            )
            .with_upgrades();
        tokio::spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let stop = place.stopping();
            let finishing = async {
                tokio::select! {
                    ended = connection.as_mut() => return ended,
                    () = stop.cancelled() => {}
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            };
            if let Some(Err(error)) = place.keep_while(finishing).await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }

    fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        Place::new(place::Held {
            stop: self.stop.clone(),
            drop_all: self.drop_all.clone(),
            arrivals: Arrivals::default(),
            _counted: self.connections.token(),
            _permit: permit,
        })
    }

    async fn finish(&self, grace: Duration) {
        self.connections.close();
        self.stop.cancel();
        if timeout(grace, self.connections.wait()).await.is_err() {
            tracing::warn!(
                left = self.connections.len(),
                "dropping requests that still run"
            );
            self.drop_all.cancel();
            self.connections.wait().await;
        }
    }
}

async fn pause(error: io::Error) {
    tracing::warn!(%error, "cannot accept connections");
    sleep(ACCEPT_PAUSE).await;
}
