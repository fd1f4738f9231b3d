//! Without keys, only programs on this machine are let in, and no web page.
//!
//! Listening on loopback keeps other machines out, but not their pages in a browser here: a page can post to
//! `localhost`, and a name that its owner points to 127.0.0.1 (DNS rebinding) even lets it read the answer. So,
//! where no key is asked for, the Host must be this machine's, and so must the Origin, if there is one.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::app::App;
use super::problem::{Kind, Problem};

/// Refuses what a foreign web page may have sent, unless keys are asked for.
pub async fn guard(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if app.keys.is_empty() {
        check(&request, app.server.public_url.as_deref())?;
    }
    Ok(next.run(request).await)
}

fn check(request: &Request, public_url: Option<&str>) -> Result<(), Problem> {
    let public = public_url.and_then(authority_of_url);
    let ours = |authority: &Authority| {
        is_this_machine(authority) || public.as_ref().is_some_and(|public| public == authority)
    };
    match host(request) {
        Some(host) if ours(&host) => {}
        _ => return Err(refusal("its Host is not this machine")),
    }
    match origin(request.headers()) {
        Origin::None => Ok(()),
        Origin::Site(site) if ours(&site) => Ok(()),
        Origin::Site(_) | Origin::Opaque => Err(refusal("it comes from a web page elsewhere")),
    }
}

fn refusal(reason: &str) -> Problem {
    let detail = format!("No API keys are set, so only this machine is served, and {reason}.");
    Problem::new(Kind::Forbidden, detail)
}

/// Where the request says it goes.
pub fn host(request: &Request) -> Option<Authority> {
    host_in(request.headers(), request.uri())
}

/// Where a request with these headers and this target says it goes.
pub fn host_in(headers: &HeaderMap, uri: &Uri) -> Option<Authority> {
    let header = headers.get(HOST).map(|value| value.as_bytes());
    let authority = match header {
        Some(bytes) => Authority::try_from(bytes).ok(),
        None => uri.authority().cloned(),
    };
    authority.filter(|authority| !authority.as_str().contains('@'))
}

enum Origin {
    None,
    Site(Authority),
    Opaque,
}

fn origin(headers: &HeaderMap) -> Origin {
    let Some(value) = headers.get(ORIGIN) else {
        return Origin::None;
    };
    let site = value.to_str().ok().and_then(authority_of_url);
    site.map_or(Origin::Opaque, Origin::Site)
}

fn authority_of_url(url: &str) -> Option<Authority> {
    url.parse::<Uri>().ok()?.into_parts().authority
}

fn is_this_machine(authority: &Authority) -> bool {
    let host = authority.host().to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn refused(host: &str, origin: Option<&str>) -> bool {
        let builder = Request::builder().header(HOST, host);
        let builder = match origin {
            Some(origin) => builder.header(ORIGIN, origin),
            None => builder,
        };
        let request = builder.body(Body::empty()).unwrap();
        check(&request, Some("https://cells.example.org/base")).is_err()
    }

    #[test]
    fn programs_on_this_machine_are_served() {
        for host in [
            "localhost:8080",
            "127.0.0.1",
            "127.8.8.8:1",
            "[::1]:8080",
            "LOCALHOST",
        ] {
            assert!(!refused(host, None), "{host}");
        }
        assert!(!refused("localhost:8080", Some("http://localhost:3000")));
    }

    #[test]
    fn a_rebound_name_is_refused() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "x@localhost",
            "",
        ] {
            assert!(refused(host, None), "{host}");
        }
    }

    #[test]
    fn a_page_elsewhere_is_refused() {
        for origin in [
            "https://evil.example",
            "null",
            "file://",
            "http://localhost.evil.example",
        ] {
            assert!(refused("localhost:8080", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn the_public_url_is_ours() {
        assert!(!refused(
            "cells.example.org",
            Some("https://cells.example.org")
        ));
    }
}
