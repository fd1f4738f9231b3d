//! The head of a proxy request: where to, and what is said there instead of it. Pure.
//!
//! Two forms are understood: `CONNECT host:port`, and a whole `http://` address in the place of a path. Everything that
//! two readers could read in two ways is refused.

use std::fmt::Write;
use std::net::Ipv6Addr;

use cellblock_link::request::ConnectionRequest;
use httparse::{Header, Request, Status};

use super::answer::NoConnection;

/// The longest head, in bytes.
pub(super) const MAX_HEAD: usize = 16 << 10;

/// The most header fields.
const MAX_FIELDS: usize = 100;

/// The longest name that DNS knows.
const LONGEST_HOST: usize = 253;

const HTTP: u16 = 80;

/// Header fields that are for the proxy alone. The body's length is told by other ones, which pass.
const OURS: &[&str] = &[
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Where to.
    pub(super) to: ConnectionRequest,
    /// How.
    pub(super) how: How,
    /// The head's length in bytes: what follows is the body.
    pub(super) length: usize,
}

/// What follows the head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Bytes both ways.
    Tunnel,
    /// One request with this head, and one answer.
    Request { head: String, body: Body },
}

/// How long a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Bytes(u64),
    /// As its chunks say.
    Chunked,
}

/// Reads a head; `None` while it is not complete.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Wish>, NoConnection> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(NoConnection::malformed(error.to_string())),
    };
    let target = request.path.unwrap_or_default();
    let (to, how) = match request.method.unwrap_or_default() {
        "CONNECT" => (authority(target, None)?, How::Tunnel),
        method => plain(method, target, request.version, request.headers)?,
    };
    Ok(Some(Wish { to, how, length }))
}

/// A request with a whole address.
fn plain(
    method: &str,
    target: &str,
    version: Option<u8>,
    fields: &[Header<'_>],
) -> Result<(ConnectionRequest, How), NoConnection> {
    let (host, path) = split(target)?;
    let to = authority(host, Some(HTTP))?;
    let body = body(fields)?;
    let mut head = format!("{method} {path} HTTP/1.{}\r\n", version.unwrap_or(1));
    let _ = write!(head, "Host: {}\r\n", host_field(&to));
    for field in passing(fields) {
        let value = std::str::from_utf8(field.value)
            .map_err(|_| NoConnection::malformed(format!("{} is no UTF-8", field.name)))?;
        let _ = write!(head, "{}: {value}\r\n", field.name);
    }
    head.push_str("Connection: close\r\n\r\n");
    Ok((to, How::Request { head, body }))
}

/// An address's authority, and what its server is asked for.
fn split(target: &str) -> Result<(&str, String), NoConnection> {
    let Some((scheme, rest)) = target.split_once("://") else {
        return Err(NoConnection::malformed(
            "this is a proxy: it takes CONNECT host:port and whole http:// addresses",
        ));
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(NoConnection::malformed(format!(
            "{scheme}:// does not go through a proxy but in a tunnel (CONNECT)"
        )));
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok((host, format!("{slash}{path}")))
}

/// `host:port`, where the port may be missing only if there is one to assume.
fn authority(text: &str, assumed: Option<u16>) -> Result<ConnectionRequest, NoConnection> {
    let malformed = |reason: &str| NoConnection::malformed(format!("{text}: {reason}"));
    if text.contains('@') {
        return Err(malformed("a user name has no place here"));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let closed = bracketed.split_once(']');
            let (host, port) = closed.ok_or_else(|| malformed("the bracket is not closed"))?;
            let address: Ipv6Addr = host.parse().map_err(|_| malformed("no IPv6 address"))?;
            (address.to_string(), port)
        }
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            if !is_name(host) {
                return Err(malformed("no name of a host"));
            }
            (host.to_owned(), port)
        }
    };
    let port = match (port, assumed) {
        ("" | ":", Some(assumed)) => Some(assumed),
        (port, _) => port.strip_prefix(':').and_then(number),
    };
    match port {
        Some(port) if port != 0 => Ok(ConnectionRequest { host, port }),
        _ => Err(malformed("no port of 1 to 65535")),
    }
}

/// Digits and nothing else: not the `+` that the standard library would take too.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Whether it may be a name or an IPv4 address. Who resolves it knows better.
fn is_name(host: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=LONGEST_HOST).contains(&host.len()) && host.bytes().all(known)
}

fn host_field(to: &ConnectionRequest) -> String {
    let host = match to.host.contains(':') {
        true => format!("[{}]", to.host),
        false => to.host.clone(),
    };
    match to.port {
        HTTP => host,
        port => format!("{host}:{port}"),
    }
}

/// The fields that are not for the proxy, by their own names or because `Connection` says so.
fn passing<'a, 'b>(fields: &'a [Header<'b>]) -> impl Iterator<Item = &'a Header<'b>> {
    let named: Vec<String> = values(fields, "connection")
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    fields.iter().filter(move |field| {
        let name = field.name.to_ascii_lowercase();
        // What tells the body's length passes whatever `Connection` says of it.
        let length = ["content-length", "transfer-encoding"].contains(&name.as_str());
        length || !(OURS.contains(&name.as_str()) || named.contains(&name))
    })
}

/// The body's length, where all readers of the head agree on it.
fn body(fields: &[Header<'_>]) -> Result<Body, NoConnection> {
    let lengths: Vec<&str> = values(fields, "content-length").collect();
    let encodings: Vec<&str> = values(fields, "transfer-encoding").collect();
    match (&lengths[..], &encodings[..]) {
        ([], []) => Ok(Body::Bytes(0)),
        ([length], []) => number(length)
            .map(Body::Bytes)
            .ok_or_else(|| NoConnection::malformed("Content-Length is no length")),
        ([], [encoding]) if encoding.eq_ignore_ascii_case("chunked") => Ok(Body::Chunked),
        _ => Err(NoConnection::malformed("the body's length is not clear")),
    }
}

/// The values of the fields with this name. One that is no text is taken for an empty one.
fn values<'a>(fields: &'a [Header<'_>], name: &'static str) -> impl Iterator<Item = &'a str> {
    let named = fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.map(|field| std::str::from_utf8(field.value).unwrap_or("").trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(head: &str) -> Wish {
        parse(head.as_bytes()).unwrap().unwrap()
    }

    fn to(host: &str, port: u16) -> ConnectionRequest {
        let host = host.to_owned();
        ConnectionRequest { host, port }
    }

    #[test]
    fn a_tunnel_is_asked_for_with_host_and_port() {
        let head = "CONNECT pypi.org:443 HTTP/1.1\r\nHost: other\r\n\r\n";
        let asked = wish(&format!("{head}early"));
        assert_eq!((asked.to, asked.how), (to("pypi.org", 443), How::Tunnel));
        assert_eq!(asked.length, head.len());
        let asked = wish("CONNECT [2001:DB8::1]:8443 HTTP/1.1\r\n\r\n");
        assert_eq!(asked.to, to("2001:db8::1", 8443));
    }

    #[test]
    fn an_address_becomes_a_path_and_its_host_the_host() {
        let asked = wish(
            "GET HTTP://example.com:8080?a=b#c HTTP/1.1\r\nHost: 169.254.169.254\r\nAccept: */*\r\n\
             Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nProxy-Authorization: Basic eA==\r\n\r\n",
        );
        assert_eq!(asked.to, to("example.com", 8080));
        let head = "GET /?a=b HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n";
        let (head, body) = (head.to_owned(), Body::Bytes(0));
        assert_eq!(asked.how, How::Request { head, body });
    }

    #[test]
    fn a_body_keeps_its_length_whatever_connection_says() {
        let asked = wish(
            "POST http://[::1]/x HTTP/1.1\r\nContent-Length: 3\r\nConnection: content-length\r\n\r\nabc",
        );
        let How::Request { head, body } = asked.how else {
            panic!("{:?}", asked.how)
        };
        assert_eq!((asked.to, body), (to("::1", 80), Body::Bytes(3)));
        assert!(
            head.contains("\r\nHost: [::1]\r\nContent-Length: 3\r\n"),
            "{head}"
        );
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for head in [
            "CONNECT pypi.org HTTP/1.1\r\n\r\n",
            "CONNECT pypi.org:0 HTTP/1.1\r\n\r\n",
            "CONNECT pypi.org:+443 HTTP/1.1\r\n\r\n",
            "CONNECT pypi.org:443:80 HTTP/1.1\r\n\r\n",
            "CONNECT pypi.org:65536 HTTP/1.1\r\n\r\n",
            "CONNECT pypi.org@10.0.0.1:443 HTTP/1.1\r\n\r\n",
            "CONNECT ::1:443 HTTP/1.1\r\n\r\n",
            "CONNECT [::1:443 HTTP/1.1\r\n\r\n",
            "CONNECT [::1]443 HTTP/1.1\r\n\r\n",
            "CONNECT [pypi.org]:443 HTTP/1.1\r\n\r\n",
            "CONNECT :443 HTTP/1.1\r\n\r\n",
            "CONNECT a%2eb:443 HTTP/1.1\r\n\r\n",
            "CONNECT a/b:443 HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: pypi.org\r\n\r\n",
            "GET https://pypi.org/ HTTP/1.1\r\n\r\n",
            "GET ftp://pypi.org/ HTTP/1.1\r\n\r\n",
            "GET http:///path HTTP/1.1\r\n\r\n",
            "GET http://user:word@pypi.org/ HTTP/1.1\r\n\r\n",
            "GET http://pypi.org\\@10.0.0.1/ HTTP/1.1\r\n\r\n",
            "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST http://a/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
            "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST http://a/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01",
        ] {
            assert!(parse(head.as_bytes()).is_err(), "{head}");
        }
    }

    #[test]
    fn a_head_that_has_not_ended_is_waited_for() {
        let head = "CONNECT pypi.org:443 HTTP/1.1\r\nA: b\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(parse(&head.as_bytes()[..end]), Ok(None), "{end}");
        }
    }
}
