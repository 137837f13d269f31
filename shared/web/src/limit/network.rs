//! Whom a limit counts as one. Rule: an IPv4 address, or the /64 of an IPv6 address, which is the least that anybody is given.

use std::net::IpAddr;

/// The network of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(u64);

impl Network {
    /// Of that address; all whose address is not known are one.
    #[must_use]
    pub fn of(address: Option<IpAddr>) -> Self {
        Self(match address.map(|address| address.to_canonical()) {
            // 0::/8 is nobody's, so no IPv6 network is the same number.
            Some(IpAddr::V4(address)) => u64::from(address.to_bits()),
            Some(IpAddr::V6(address)) => (address.to_bits() >> 64) as u64,
            None => u64::MAX,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn of(address: &str) -> Network {
        Network::of(Some(address.parse().unwrap()))
    }

    #[test]
    fn an_ipv4_address_is_one_however_it_is_written() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        let many: HashSet<_> = (0..1000).map(|host| of(&format!("2001:db8:1:2::{host:x}"))).collect();
        assert_eq!(many.len(), 1);
        assert_eq!(of("2001:db8:1:2:ffff:ffff:ffff:ffff"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:3::1"), of("2001:db8:1:2::1"));
    }

    #[test]
    fn who_has_no_address_is_nobody_else() {
        assert_ne!(Network::of(None), of("0.0.0.0"));
        assert_ne!(Network::of(None), of("::"));
    }
}
