//! Which hosts may be reached: `pypi.org`, `pypi.org:443`, `*.example.com`, `192.0.2.7:8080`, `[2001:db8::1]:443`.
//!
//! Names are compared as they are sent: in ASCII, lower case, without the dot at their end. A name that is not ASCII is
//! refused rather than converted: two alphabets make two names look alike. A rule without a port means those of the web.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Plain HTTP, and TLS.
const WEB_PORTS: [u16; 2] = [80, 443];

/// The longest name that DNS has.
const MAX_NAME: usize = 253;

/// The longest part of a name between two dots.
const MAX_LABEL: usize = 63;

/// Hosts, and one port or those of the web.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostRule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Hosts {
    /// This one.
    One(Host),
    /// Every name that ends so: a dot, and then a name.
    Below(String),
}

/// One host: a name in the form in which names are compared, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name.
    Name(String),
    /// An address, written as one.
    Address(IpAddr),
}

impl HostRule {
    /// Whether it lets a connection to this port of this host pass.
    #[must_use]
    pub fn allows(&self, host: &Host, port: u16) -> bool {
        self.ports().contains(&port) && self.hosts.have(host)
    }

    /// Whether it lets everything pass that the other one does.
    #[must_use]
    pub fn covers(&self, other: &HostRule) -> bool {
        let hosts = match &other.hosts {
            Hosts::One(host) => self.hosts.have(host),
            Hosts::Below(below) => match &self.hosts {
                Hosts::One(_) => false,
                Hosts::Below(ours) => below.ends_with(ours.as_str()),
            },
        };
        hosts && other.ports().iter().all(|port| self.ports().contains(port))
    }

    /// The host of a url, and the port that the url means.
    ///
    /// # Errors
    ///
    /// What is wrong with the url.
    pub fn of_url(url: &str) -> Result<HostRule, &'static str> {
        let (rest, usual) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (rest, 443),
            (None, Some(rest)) => (rest, 80),
            (None, None) => return Err("it begins with http:// or https://"),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let mut rule: HostRule = authority.parse()?;
        rule.port.get_or_insert(usual);
        Ok(rule)
    }

    fn ports(&self) -> &[u16] {
        self.port
            .as_ref()
            .map_or(&WEB_PORTS[..], std::slice::from_ref)
    }
}

impl Hosts {
    fn have(&self, host: &Host) -> bool {
        match (self, host) {
            (Hosts::One(one), host) => one == host,
            (Hosts::Below(end), Host::Name(name)) => name.ends_with(end.as_str()),
            (Hosts::Below(_), Host::Address(_)) => false,
        }
    }
}

impl FromStr for HostRule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<HostRule, &'static str> {
        let (host, port) = split_port(text)?;
        let hosts = match host.strip_prefix('*') {
            Some(end) => Hosts::Below(end_of_names(end)?),
            None => Hosts::One(host.parse()?),
        };
        Ok(HostRule { hosts, port })
    }
}

/// What follows the `*`.
fn end_of_names(end: &str) -> Result<String, &'static str> {
    let name = end
        .strip_prefix('.')
        .ok_or("a `*` stands before a dot: `*.example.com`")?;
    match name.parse()? {
        Host::Name(name) => Ok(format!(".{name}")),
        Host::Address(_) => Err("a `*` stands before a name"),
    }
}

/// The last colon begins a port, unless it is within an IPv6 address.
fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    let Some((host, port)) = text.rsplit_once(':').filter(|_| !text.ends_with(']')) else {
        return Ok((text, None));
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if digits && port > 0 => Ok((host, Some(port))),
        _ => Err("a port is a number from 1 to 65535"),
    }
}

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Host, &'static str> {
        if let Some(address) = address(text) {
            return Ok(Host::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if !name.is_ascii() {
            return Err("a name is ASCII: write `xn--…`");
        }
        if name.is_empty() || name.len() > MAX_NAME || !name.split('.').all(is_label) {
            return Err("it is neither a host's name nor an address");
        }
        // What resolvers take for an address and nobody would recognise as one: `127.1`, `0x7f000001`, `2130706433`.
        let last = name.rsplit('.').next().unwrap_or(name);
        if last.starts_with(|first: char| first.is_ascii_digit()) {
            return Err("it is neither a host's name nor an address");
        }
        Ok(Host::Name(name.to_ascii_lowercase()))
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for HostRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::One(host) => host.fmt(formatter)?,
            Hosts::Below(end) => write!(formatter, "*{end}")?,
        }
        self.port
            .map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => formatter.write_str(name),
            Host::Address(IpAddr::V4(address)) => address.fmt(formatter),
            Host::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> HostRule {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn allows(text: &str, host: &str, port: u16) -> bool {
        rule(text).allows(&host.parse().unwrap(), port)
    }

    #[test]
    fn a_name_is_the_same_in_upper_case_and_with_a_dot() {
        assert!(allows("pypi.org", "PyPI.org.", 443));
        assert!(allows("PYPI.ORG.", "pypi.org", 80));
        assert!(!allows("pypi.org", "pypi.org.evil.net", 443));
        assert!(!allows("pypi.org", "notpypi.org", 443));
    }

    #[test]
    fn a_rule_without_a_port_means_the_web() {
        assert!(!allows("pypi.org", "pypi.org", 22));
        assert!(allows("pypi.org:22", "pypi.org", 22));
        assert!(!allows("pypi.org:22", "pypi.org", 443));
    }

    #[test]
    fn a_star_is_every_name_below_and_not_the_name_itself() {
        assert!(allows("*.example.com", "a.b.example.com", 443));
        assert!(!allows("*.example.com", "example.com", 443));
        assert!(!allows("*.example.com", "badexample.com", 443));
    }

    #[test]
    fn an_address_is_allowed_only_where_it_is_written() {
        assert!(allows("192.0.2.7:8080", "192.0.2.7", 8080));
        assert!(allows("[2001:db8::1]", "[2001:db8:0::1]", 443));
        assert!(allows("2001:db8::1", "2001:db8::1", 443));
        assert!(!allows("*.example.com", "192.0.2.7", 443));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ".",
            "*",
            "*.",
            "**.a",
            "a..b",
            "-a.org",
            "a b.org",
            "a/b",
            "http://a.org",
            "u@a.org",
            "a.org:",
            "a.org:0",
            "a.org:65536",
            "a.org:+80",
            "bücher.de",
            "127.1",
            "0x7f000001",
            "2130706433",
            "a.org\n",
            "[::1",
            "*.127.0.0.1",
            "*a.org",
        ] {
            assert!(text.parse::<HostRule>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_rule_covers_what_is_narrower() {
        assert!(rule("*.example.com").covers(&rule("a.example.com:443")));
        assert!(rule("*.example.com").covers(&rule("*.a.example.com")));
        assert!(!rule("*.a.example.com").covers(&rule("*.example.com")));
        assert!(!rule("a.org:443").covers(&rule("a.org")));
        assert!(!rule("a.org").covers(&rule("a.org:8080")));
    }

    #[test]
    fn a_url_has_a_host_and_a_port() {
        let of = |url: &str| HostRule::of_url(url).map(|rule| rule.to_string());
        assert_eq!(of("https://pypi.org/simple"), Ok("pypi.org:443".to_owned()));
        assert_eq!(
            of("http://10.0.0.7:8081/npm/"),
            Ok("10.0.0.7:8081".to_owned())
        );
        assert!(of("ftp://pypi.org").is_err());
        assert!(of("https://user:secret@pypi.org").is_err());
        assert!(of("https:///simple").is_err());
    }

    #[test]
    fn a_rule_is_shown_as_it_is_read() {
        for text in [
            "pypi.org:443",
            "*.example.com",
            "[2001:db8::1]:80",
            "192.0.2.7",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
    }
}
