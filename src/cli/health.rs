//! `cellblock health`: what a container's HEALTHCHECK asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use cellblock::config::Settings;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Longer than an engine call may take by default.
const WITHIN: Duration = Duration::from_secs(40);

/// More than any answer.
const ANSWER: usize = 1 << 20;

pub(super) async fn ask(settings: Settings) -> anyhow::Result<ExitCode> {
    let url = format!(
        "http://{}{}/jupyter/health",
        reachable(settings.server.listen),
        settings.server.prefix()
    );
    let asking = async {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let answer = client.get(url.parse()?).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER).collect().await;
        let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
        Ok::<_, anyhow::Error>((status, body))
    };
    let (status, body) = tokio::time::timeout(WITHIN, asking)
        .await
        .with_context(|| format!("{url}: no answer within {WITHIN:?}"))?
        .with_context(|| url.clone())?;
    println!("{}", String::from_utf8_lossy(&body).trim_end());
    Ok(if status.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where a service that listens there can be reached from the same machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
