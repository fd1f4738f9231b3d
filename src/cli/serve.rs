//! `cellblock serve`: the service, from its start to a clean end.
//!
//! It begins to listen only after the strays of a predecessor are gone, and ends only after its own sandboxes are.

use std::future::pending;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use cellblock::config::Settings;
use cellblock::http;
use cellblock::sandbox::Engine;
use cellblock::sandbox::docker::DockerEngine;
use cellblock::service::Service;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

pub(super) async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let _traces = super::log::start(&settings.log)?;
    let engine = connect(&settings).await?;
    let mut signals = Signals::new(&settings)?;
    let service = Arc::new(Service::start(&settings, Arc::new(engine)).await?);
    let listener = TcpListener::bind(settings.server.listen)
        .await
        .with_context(|| format!("listening on {}", settings.server.listen));
    let served = match listener {
        Ok(listener) => {
            announce(&settings, &listener);
            let router = http::router(Arc::clone(&service), &settings);
            let audited = Arc::clone(&service);
            let stopped = async move { signals.until_stop(&audited).await };
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

/// How long a disk may keep us from the next signal.
const REOPEN: Duration = Duration::from_secs(5);

/// SIGTERM and SIGINT; SIGHUP where there is an audit log, else it ends the service as it ends others. Listened for from the
/// start, so that none is missed.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

enum Event {
    Stop,
    Reopen,
}

impl Signals {
    fn new(settings: &Settings) -> anyhow::Result<Signals> {
        let hangup = settings.audit.log.as_ref();
        let hangup = hangup.map(|_| signal(SignalKind::hangup())).transpose();
        Ok(Signals {
            terminate: signal(SignalKind::terminate()).context("listening for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("listening for SIGINT")?,
            hangup: hangup.context("listening for SIGHUP")?,
        })
    }

    /// Until it is told to stop; opens the audit log anew whenever it is told to.
    async fn until_stop(&mut self, service: &Service) {
        while let Event::Reopen = self.next().await {
            let reopened = timeout(REOPEN, service.reopen_audit_log()).await;
            if reopened.is_err() {
                tracing::warn!("the audit log is not open anew yet: its disk is slow");
            }
        }
        tracing::info!("stopping");
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.terminate.recv() => Event::Stop,
            _ = self.interrupt.recv() => Event::Stop,
            () = received(&mut self.hangup) => Event::Reopen,
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => pending().await,
    }
}
