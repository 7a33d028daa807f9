//! Networks: the unit by which quotas count clients, and counters of things that each network has on this node.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// An IPv4 address, or an IPv6 network.
///
/// A household gets an IPv6 network with a prefix of 64 bits, many get one of 56, and anybody can get one of 48 for
/// nothing. So an IPv6 client counts in all three networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    bits: u128,
    length: u8,
}

/// The lengths of the IPv6 prefixes that are counted, each with its multiple of one client's budget.
const PREFIXES: [(u8, u32); 3] = [(64, 1), (56, 4), (48, 16)];

impl Network {
    /// The narrowest network of a client, which is what one household has.
    pub fn of(client: IpAddr) -> Self {
        match client.to_canonical() {
            IpAddr::V4(address) => Self { bits: address.to_bits().into(), length: 32 },
            IpAddr::V6(address) => Self::prefix(address.to_bits(), PREFIXES[0].0),
        }
    }

    /// All networks that a client counts in, the narrowest first, each with its multiple of one client's budget.
    pub fn all_of(client: IpAddr) -> impl Iterator<Item = (Self, u32)> {
        let (narrow, wider) = match client.to_canonical() {
            IpAddr::V4(_) => (Self::of(client), None),
            IpAddr::V6(address) => (Self::of(client), Some(address.to_bits())),
        };
        let wider = wider
            .into_iter()
            .flat_map(|bits| PREFIXES[1..].iter().map(move |(length, times)| (Self::prefix(bits, *length), *times)));
        std::iter::once((narrow, 1)).chain(wider)
    }

    fn prefix(bits: u128, length: u8) -> Self {
        Self { bits: bits >> (128 - length) << (128 - length), length }
    }
}

/// The text in keys on the bus. The part in braces is the same for all networks of a client, so that a Redis Cluster
/// has their keys in one slot.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == 32 {
            return write!(f, "{{{}}}", std::net::Ipv4Addr::from_bits(u32::try_from(self.bits).unwrap_or_default()));
        }
        write!(f, "{{{:x}}}", self.bits >> 80)?;
        match self.length {
            48 => Ok(()),
            length => write!(f, "{:04x}/{length}", (self.bits >> 64) & 0xffff),
        }
    }
}

/// Counts of something that each client has on this node, with a limit. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Counts {
    limit: usize,
    /// Locked for short steps only.
    held: Arc<Mutex<HashMap<Network, usize>>>,
}

/// One counted thing. Dropping it decrements the counts.
#[derive(Debug)]
pub struct Counted {
    counts: Counts,
    client: IpAddr,
}

impl Counts {
    /// Counts that start at 0; `limit` is the maximum for one client.
    pub fn up_to(limit: usize) -> Self {
        Self { limit, held: Arc::default() }
    }

    /// Counts one more thing of a client. Returns `None` if one of the client's networks has reached its limit.
    pub fn take(&self, client: IpAddr) -> Option<Counted> {
        let mut held = self.held();
        let is_full = |(network, times): (Network, u32)| {
            held.get(&network).is_some_and(|count| *count >= self.limit.saturating_mul(times as usize))
        };
        if Network::all_of(client).any(is_full) {
            return None;
        }
        for (network, _) in Network::all_of(client) {
            *held.entry(network).or_default() += 1;
        }
        drop(held);
        Some(Counted { counts: self.clone(), client })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        // Each change leaves the map consistent, so a panic of another holder does no harm.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut held = self.counts.held();
        for (network, _) in Network::all_of(self.client) {
            if let Some(count) = held.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    held.remove(&network);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(client: &str) -> Vec<String> {
        Network::all_of(client.parse().unwrap()).map(|(network, times)| format!("{network} {times}")).collect()
    }

    #[test]
    fn an_ipv4_client_is_its_address_and_an_ipv6_client_counts_in_three_networks() {
        assert_eq!(networks("203.0.113.7"), ["{203.0.113.7} 1"]);
        assert_eq!(networks("::ffff:203.0.113.7"), ["{203.0.113.7} 1"]);
        let expected = ["{20010db80007}abcd/64 1", "{20010db80007}ab00/56 4", "{20010db80007} 16"];
        assert_eq!(networks("2001:db8:7:abcd::1"), expected);
        assert_eq!(networks("2001:db8:7:abcd:ffff:ffff:ffff:ffff"), expected);
    }

    #[test]
    fn wider_networks_have_wider_budgets() {
        let counts = Counts::up_to(2);
        let client = |n: u16| IpAddr::from([0x2001, 0xdb8, 7, n, 0, 0, 0, 1]);
        let two = [counts.take(client(1)), counts.take(client(1))];
        assert!(two.iter().all(Option::is_some));
        assert!(counts.take(client(1)).is_none(), "the household has two");
        let mut more: Vec<Counted> = (2..256).flat_map(|n| [n, n]).map_while(|n| counts.take(client(n))).collect();
        assert_eq!(more.len() + 2, 2 * 4, "the network of 56 bits has four times that");
        more.extend(
            (256..60_000).step_by(256).flat_map(|n| [n, n, n + 1, n + 1]).filter_map(|n| counts.take(client(n))),
        );
        assert_eq!(more.len() + 2, 2 * 16, "that of 48 bits sixteen times");
        assert!(counts.take(IpAddr::from([0x2001, 0xdb8, 8, 0, 0, 0, 0, 1])).is_some(), "another has its own");
        drop((two, more));
        assert!(counts.held().is_empty());
    }
}
