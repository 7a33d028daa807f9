//! The client's address: that of the TCP peer, or what the proxies in front wrote into `X-Forwarded-For`. Quotas depend
//! on it.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Once,
};

use axum::{extract::ConnectInfo, http::HeaderMap, http::request::Parts};
use sha2::{Digest, Sha256};

use crate::server::app::App;

/// The client's address of a request.
pub fn client_of(parts: &Parts, app: &App) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip());
    let hops = app.config.proxy_hops;
    doubt(peer, &parts.headers, hops);
    client(peer, &parts.headers, hops)
}

/// The client's address. Without proxies it is the peer's. With `hops` trusted proxies, it is what the outermost of
/// them wrote into the header. Entries further left can be forged by the client.
///
/// An entry that is no address becomes an address of its own (`stand_in`). So clients without an address are not
/// counted as the proxy, and different entries are counted separately.
fn client(peer: IpAddr, headers: &HeaderMap, hops: usize) -> IpAddr {
    if hops == 0 {
        return peer;
    }
    let lines: Vec<_> =
        headers.get_all("x-forwarded-for").iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let entries: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).collect();
    // With fewer entries than proxies the header is not to be trusted, so the peer's address is used.
    let Some(entry) = entries.len().checked_sub(hops).map(|index| entries[index].trim()) else { return peer };
    address(entry).unwrap_or_else(|| {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            tracing::warn!(
                "X-Forwarded-For has something else than an address where PROXY_HOPS looks for the client’s"
            );
        });
        stand_in(entry)
    })
}

/// Parses an address as proxies write it: bare, in quotes, with a port, in brackets, or with a zone.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.strip_prefix('"').and_then(|entry| entry.strip_suffix('"')).unwrap_or(entry).trim();
    let bare = if let Some(bracketed) = entry.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        if !port.is_empty() && !is_port(port.strip_prefix(':')?) {
            return None;
        }
        address
    } else {
        match entry.split_once(':') {
            Some((address, port)) if is_port(port) => address,
            _ => entry,
        }
    };
    // A zone names a network interface of the proxy, so it is dropped.
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse().ok()
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A made-up address for an entry that is none, such as `unknown` or `_hidden` (RFC 7239, section 6). It is derived
/// from the entry, and lies in a range that is routed nowhere (RFC 4193), so it equals no real client.
fn stand_in(entry: &str) -> IpAddr {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(entry.to_ascii_lowercase())[..16]);
    bytes[0] = 0xfd;
    Ipv6Addr::from(bytes).into()
}

/// Logs a warning, once, if the request suggests that `PROXY_HOPS` is wrong.
fn doubt(peer: IpAddr, headers: &HeaderMap, hops: usize) {
    static SAID: Once = Once::new();
    if hops == 0 && headers.contains_key("x-forwarded-for") {
        SAID.call_once(|| {
            tracing::warn!(
                "a request has X-Forwarded-For, and PROXY_HOPS is 0: if a proxy wrote it, all people behind that count as one"
            );
        });
    } else if hops > 0 && is_public(peer) {
        SAID.call_once(|| {
            tracing::warn!(
                "PROXY_HOPS is {hops}, and a request came from a public address: if that is no proxy of yours, clients say \
                 themselves where they come from, and no quota holds"
            );
        });
    }
}

/// Whether an address is public. An own proxy rarely has one.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            // 100.64.0.0/10 is shared by the customers of a network operator (RFC 6598).
            let is_shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
            !(address.is_private() || address.is_loopback() || address.is_link_local() || is_shared)
        }
        IpAddr::V6(address) => !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        lines.iter().map(|line| ("x-forwarded-for".parse().unwrap(), HeaderValue::from_bytes(line).unwrap())).collect()
    }

    fn one(entry: &str) -> IpAddr {
        client(PEER, &headers(&[entry.as_bytes()]), 1)
    }

    #[test]
    fn only_the_trusted_end_of_the_forwarded_list_counts() {
        let headers = headers(&[b"6.6.6.6, 1.2.3.4", b"10.0.0.9"]);
        assert_eq!(client(PEER, &headers, 0), PEER);
        assert_eq!(client(PEER, &headers, 1), IpAddr::from([10, 0, 0, 9]));
        assert_eq!(client(PEER, &headers, 2), IpAddr::from([1, 2, 3, 4]));
        assert_eq!(client(PEER, &headers, 9), PEER, "fewer entries than proxies: somebody is lying");
        let odd = self::headers(&[b"\xff\xfe, 1.2.3.4", b" 10.0.0.9 "]);
        assert_eq!(client(PEER, &odd, 2), IpAddr::from([1, 2, 3, 4]), "what cannot be read does not move the rest");
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        let four: IpAddr = "203.0.113.7".parse().unwrap();
        for entry in
            ["203.0.113.7", "203.0.113.7:51234", "\"203.0.113.7:51234\"", " 203.0.113.7:1 ", "[203.0.113.7]:80"]
        {
            assert_eq!(one(entry), four, "{entry}");
        }
        assert_eq!(one("::ffff:203.0.113.7").to_canonical(), four);
        let six: IpAddr = "2001:db8::1".parse().unwrap();
        for entry in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443", "\"[2001:db8::1]:443\"", "2001:DB8:0::1"] {
            assert_eq!(one(entry), six, "{entry}");
        }
        let local: IpAddr = "fe80::1".parse().unwrap();
        for entry in ["fe80::1%eth0", "[fe80::1%25eth0]:443", "[fe80::1%eth0]"] {
            assert_eq!(one(entry), local, "{entry}");
        }
    }

    #[test]
    fn what_is_no_address_is_nobody_elses() {
        let odd =
            ["unknown", "_hidden", "_other", "", "proxy.example", "1.2.3.4:http", "[1.2.3.4", "300.1.2.3", "[::1]x"];
        let mut seen = std::collections::HashSet::from([PEER]);
        for entry in odd {
            let client = one(entry);
            assert!(seen.insert(client), "{entry}: {client}");
            assert!(!is_public(client));
            assert_eq!(one(entry), client, "the same again is the same");
            let networks = |client| crate::server::app::Network::all_of(client).map(|(network, _)| network);
            assert!(networks(client).all(|network| networks(one("another")).all(|other| other != network)));
        }
        assert_eq!(one("Unknown"), one("unknown"));
    }

    #[test]
    fn the_addresses_of_the_internet_are_told_from_those_of_a_network_of_ones_own() {
        for own in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(own.parse().unwrap()), "{own}");
        }
        for public in ["203.0.113.7", "100.128.0.1", "2001:db8::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    proptest! {
        #[test]
        fn no_header_is_a_fault(line in prop::collection::vec(any::<u8>(), 0..80), hops in 0usize..4) {
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                client(PEER, &HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), value)]), hops);
            }
        }

        #[test]
        fn every_address_is_read_with_and_without_a_port(bits in any::<u128>(), four in any::<u32>(), port in any::<u16>()) {
            for address in [IpAddr::V6(bits.into()), IpAddr::V4(four.into())] {
                prop_assert_eq!(one(&address.to_string()), address);
                prop_assert_eq!(one(&SocketAddr::new(address, port).to_string()), address);
            }
        }
    }
}
