//! Which addresses belong to everybody, and which to some network of ours.
//!
//! A name that is allowed may stand for any address, and whoever runs its zone decides for which. So what it stands for is
//! looked at after resolving, in every form in which an IPv6 address can carry an IPv4 one. The list is of what is
//! *not* public: IANA's special-purpose registries, as far as a host may answer there, and the addresses at which clouds
//! hand out credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether nothing of a private network can answer at it.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    let this_network = octets[0] == 0;
    // Where providers have their customers, and some clouds their metadata (100.100.100.200).
    let shared = octets[0] == 100 && octets[1] & 0xc0 == 64;
    let protocols = octets[..3] == [192, 0, 0];
    let benchmarks = octets[0] == 198 && octets[1] & 0xfe == 18;
    let reserved = octets[0] >= 240;
    // Link-local has the metadata of most clouds: 169.254.169.254.
    let special = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast();
    !(special || this_network || shared || protocols || benchmarks || reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(within) = v4_within(address) {
        return is_public_v4(within);
    }
    let first = address.segments()[0];
    // What is given out is 2000::/3. Everything else is loopback, ::, local of some kind (fe80::/10, fec0::/10,
    // fc00::/7 with the metadata at fd00:ec2::254), multicast, or nobody's.
    let given_out = first & 0xe000 == 0x2000;
    // Protocols (2001::/23) hold Teredo, whose servers and clients hide IPv4 addresses, ORCHID and benchmarks.
    let protocols = first == 0x2001 && address.segments()[1] < 0x200;
    given_out && !protocols
}

/// The IPv4 address that a connection to this one may end at.
fn v4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // Compatible, ::1 and :: among them; mapped; translated.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            Some(from(high, low))
        }
        // NAT64 by its well-known prefix. Its local one, 64:ff9b:1::/48, is not given out.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(from(high, low)),
        // 6to4.
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_are(public: bool, addresses: &[&str]) {
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(is_public(address), public, "{text}");
        }
    }

    #[test]
    fn addresses_of_private_networks_are_not_public() {
        all_are(
            false,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "127.0.0.1",
                "127.255.255.254",
                "10.0.0.1",
                "172.16.0.1",
                "172.17.0.1",
                "172.31.255.255",
                "192.168.0.1",
                "169.254.169.254",
                "169.254.0.1",
                "100.64.0.1",
                "100.100.100.200",
                "100.127.255.255",
                "192.0.0.192",
                "198.18.0.1",
                "198.19.255.255",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "fe80::1",
                "fec0::1",
                "fc00::1",
                "fd00:ec2::254",
                "ff02::1",
            ],
        );
    }

    #[test]
    fn an_ipv6_address_that_carries_a_private_one_is_not_public() {
        all_are(
            false,
            &[
                "::ffff:127.0.0.1",
                "::ffff:169.254.169.254",
                "::127.0.0.1",
                "::ffff:0:10.0.0.1",
                "64:ff9b::10.0.0.1",
                "64:ff9b::169.254.169.254",
                "64:ff9b:1::1",
                "2002:7f00:1::",
                "2002:a9fe:a9fe::1",
                "2002:c0a8:1::1",
                "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                "2001:10::1",
                "2001:20::1",
            ],
        );
    }

    #[test]
    fn addresses_of_everybody_are_public() {
        all_are(
            true,
            &[
                "1.1.1.1",
                "8.8.8.8",
                "100.63.255.255",
                "100.128.0.1",
                "172.15.0.1",
                "172.32.0.1",
                "151.101.0.223",
                "223.255.255.255",
                "2606:4700::1111",
                "2a04:4e42::223",
                "2001:4860:4860::8888",
                "::ffff:1.1.1.1",
                "64:ff9b::1.1.1.1",
                "2002:101:101::1",
            ],
        );
    }
}
