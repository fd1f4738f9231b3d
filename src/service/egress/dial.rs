//! From a name to a connection: resolved once, every address looked at, and one of those dialled that were.
//!
//! Between a look and a second look-up a name can change its mind (rebinding), so there is no second look-up. A name of which
//! *any* address is private is refused whole: no honest name has both kinds, and which of them a dial ends
//! at is not left to chance.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use prometheus_client::registry::Registry;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::is_public;
use super::meters::Meters;
use super::refusal::Refusal;
use crate::config::host_rule::Host;

/// From a name to its addresses.
const RESOLVE: Duration = Duration::from_secs(5);

/// From an address to a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Addresses of one name that are tried. The rest would only make a dead host take longer.
const MAX_TRIED: usize = 4;

/// Finds the addresses of names.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of a name.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// As this machine does it.
#[derive(Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Makes connections, to public addresses and to those that the operator has listed.
#[derive(Clone)]
pub(in crate::service) struct Dialer {
    resolver: Arc<dyn Resolver>,
    private: Arc<[IpNet]>,
    /// Of everything that goes out.
    pub(super) meters: Meters,
}

impl Dialer {
    pub(in crate::service) fn new(resolver: Arc<dyn Resolver>, private: &[IpNet]) -> Dialer {
        Dialer {
            resolver,
            private: private.into(),
            meters: Meters::new(),
        }
    }

    /// Shows in the registry what is counted.
    pub(in crate::service) fn register_metrics(&self, registry: &mut Registry) {
        self.meters.register(registry);
    }

    /// Connects, within 5 s for the name and 10 s for each of its first addresses.
    pub(super) async fn dial(&self, host: &Host, port: u16) -> Result<TcpStream, Refusal> {
        let addresses = self.addresses(host).await?;
        if let Some(private) = addresses.iter().find(|address| !self.may_dial(**address)) {
            tracing::warn!(%host, address = %private, "a name that is allowed stands for a private address");
            return Err(Refusal::Private);
        }
        for address in addresses.into_iter().take(MAX_TRIED) {
            let connecting = TcpStream::connect(SocketAddr::new(address, port));
            match timeout(CONNECT, connecting).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => tracing::debug!(%host, %address, %error, "not connected"),
                Err(_) => tracing::debug!(%host, %address, "not connected in time"),
            }
        }
        Err(Refusal::Unreachable)
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, Refusal> {
        let name = match host {
            Host::Address(address) => return Ok(vec![*address]),
            Host::Name(name) => name,
        };
        let found = timeout(RESOLVE, self.resolver.resolve(name)).await;
        match found {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) | Err(_) => Err(Refusal::Unknown),
        }
    }

    fn may_dial(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        is_public(address) || self.private.iter().any(|net| net.contains(&plain))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Mutex;

    use tokio::net::TcpListener;

    use super::*;

    /// Answers each time with the next of its answers, and with the last one for ever.
    struct Changing(Mutex<Vec<Vec<IpAddr>>>);

    #[async_trait]
    impl Resolver for Changing {
        async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
            let mut answers = self.0.lock().unwrap();
            let last = answers.len() == 1;
            Ok(if last {
                answers[0].clone()
            } else {
                answers.remove(0)
            })
        }
    }

    fn dialer(answers: &[&[&str]], private: &[&str]) -> Dialer {
        let parse = |answer: &&[&str]| answer.iter().map(|it| it.parse().unwrap()).collect();
        let resolver = Changing(Mutex::new(answers.iter().map(parse).collect()));
        let private: Vec<IpNet> = private.iter().map(|it| it.parse().unwrap()).collect();
        Dialer::new(Arc::new(resolver), &private)
    }

    async fn dial(dialer: &Dialer, host: &str, port: u16) -> Result<TcpStream, Refusal> {
        dialer.dial(&host.parse().unwrap(), port).await
    }

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn a_name_that_stands_for_a_private_address_is_refused() {
        let (_listener, port) = listener().await;
        for private in [
            "127.0.0.1",
            "169.254.169.254",
            "::1",
            "::ffff:127.0.0.1",
            "10.0.0.1",
        ] {
            let dialed = dial(&dialer(&[&[private]], &[]), "rebound.example", port).await;
            assert_eq!(dialed.unwrap_err(), Refusal::Private, "{private}");
        }
    }

    #[tokio::test]
    async fn one_private_address_among_public_ones_is_enough() {
        let dialed = dial(
            &dialer(&[&["192.0.2.1", "127.0.0.1"]], &[]),
            "both.example",
            80,
        )
        .await;
        assert_eq!(dialed.unwrap_err(), Refusal::Private);
    }

    #[tokio::test]
    async fn an_address_that_is_written_is_looked_at_too() {
        let dialed = dial(&dialer(&[&[]], &[]), "169.254.169.254", 80).await;
        assert_eq!(dialed.unwrap_err(), Refusal::Private);
    }

    #[tokio::test]
    async fn what_was_looked_at_is_what_is_dialled() {
        let (_listener, port) = listener().await;
        // Were the name looked up again between the look and the dial, the dial would end at the second answer, where
        // nobody listens.
        let rebinding = dialer(&[&["127.0.0.1"], &["127.9.9.9"]], &["127.0.0.1/32"]);
        let connection = dial(&rebinding, "rebound.example", port).await.unwrap();
        assert_eq!(connection.peer_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
        let again = dial(&rebinding, "rebound.example", port).await;
        assert_eq!(again.unwrap_err(), Refusal::Private, "looked at each time");
    }

    #[tokio::test]
    async fn a_private_address_that_the_operator_lists_is_dialled() {
        let (_listener, port) = listener().await;
        let listed = dialer(&[&["127.0.0.1"]], &["127.0.0.0/8"]);
        assert!(dial(&listed, "inner.example", port).await.is_ok());
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_unreachable() {
        let dialed = dial(&dialer(&[&[]], &[]), "nothing.example", 80).await;
        assert_eq!(dialed.unwrap_err(), Refusal::Unreachable);
    }
}
