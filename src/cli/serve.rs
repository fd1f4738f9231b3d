//! `cellblock serve`: the service, from its start to a clean end.
//!
//! It begins to listen only after the strays of a predecessor are gone, and ends only after its own sandboxes are.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use cellblock::config::Settings;
use cellblock::http;
use cellblock::sandbox::Engine;
use cellblock::sandbox::docker::DockerEngine;
use cellblock::service::Service;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

pub(super) async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    super::start_log(&settings.log)?;
    let engine = connect(&settings).await?;
    let mut stop = StopSignals::new()?;
    let service = Arc::new(Service::start(&settings, Arc::new(engine)).await?);
    let listener = TcpListener::bind(settings.server.listen)
        .await
        .with_context(|| format!("listening on {}", settings.server.listen));
    let served = match listener {
        Ok(listener) => {
            announce(&settings, &listener);
            let router = http::router(Arc::clone(&service), &settings);
            let stopped = async move { stop.first().await };
            http::serve(listener, router, &settings.server, stopped).await;
            Ok(())
        }
        Err(error) => Err(error),
    };
    service.shut_down().await;
    served.map(|()| ExitCode::SUCCESS)
}

async fn connect(settings: &Settings) -> anyhow::Result<DockerEngine> {
    let engine = async {
        let engine = DockerEngine::connect(settings, None)?;
        engine.version().await.map(|_| engine)
    };
    engine
        .await
        .context("no container engine answers; `cellblock doctor` tells more")
}

fn announce(settings: &Settings, listener: &TcpListener) {
    let address = listener.local_addr().unwrap_or(settings.server.listen);
    if !settings.asks_for_keys() {
        tracing::warn!("no API key is set: whoever reaches {address} may run code");
    }
    tracing::info!("listening on http://{address} (documentation at /docs)");
}

/// SIGTERM and SIGINT. Listened for from the start, so that none is missed.
struct StopSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    fn new() -> anyhow::Result<StopSignals> {
        Ok(StopSignals {
            terminate: signal(SignalKind::terminate()).context("listening for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("listening for SIGINT")?,
        })
    }

    async fn first(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tracing::info!("stopping");
    }
}
