//! Whose request it is. Rule: the other end of the connection, unless that is a proxy of ours; then the last address
//! in `X-Forwarded-For` that is not one. What anybody else claims there is not looked at.

use crate::edge::Edge;
use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The proxies whose `X-Forwarded-For` is believed; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Addresses and networks, with commas: `10.0.0.7, 192.168.0.0/16, fd00::/8`.
    ///
    /// # Errors
    /// The first item that is neither.
    pub fn parse(list: &str) -> Result<Self, String> {
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        let network = |item: &str| item.parse::<IpNet>().or_else(|_| item.parse::<IpAddr>().map(IpNet::from));
        items.map(|item| network(item).map_err(|_| item.to_owned())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether that address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who is behind `peer`, by the `X-Forwarded-For` that it sent.
    #[must_use]
    pub fn client_behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        let lines: Vec<&str> = headers.get_all("x-forwarded-for").map(|line| line.to_str().unwrap_or("?")).collect();
        for hop in lines.iter().flat_map(|line| line.split(',')).rev() {
            // What cannot be read was not written by a proxy of ours: whoever sent it is as far as we can see.
            let Some(address) = address(hop.trim()) else { return client };
            client = address;
            if !self.contains(address) {
                return client;
            }
        }
        client
    }
}

fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().map(|address| address.ip());
    hop.parse::<IpAddr>().or_else(|_| with_port()).ok().map(|address| address.to_canonical())
}

/// The client's address; none where the connection has none.
#[must_use]
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    Some(match request.app_data::<Data<Edge>>() {
        Some(edge) => edge.trusted_proxies.client_behind(peer, request.headers()),
        None => peer.to_canonical(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let edge = Edge { trusted_proxies: TrustedProxies::parse(proxies).unwrap(), ..Edge::default() };
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        let mut request = TestRequest::default().peer_addr(peer).app_data(Data::new(edge));
        for line in forwarded {
            request = request.append_header(("X-Forwarded-For", *line));
        }
        client_address(&request.to_http_request()).unwrap().to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client("", "192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["198.51.100.9"]), "192.0.2.1");
    }

    #[test]
    fn behind_trusted_proxies_the_last_foreign_hop_counts() {
        let proxies = "10.0.0.0/8, ::1";
        assert_eq!(client(proxies, "10.0.0.1", &["203.0.113.5"]), "203.0.113.5");
        assert_eq!(client(proxies, "10.0.0.1", &["1.2.3.4, 203.0.113.5, 10.9.9.9"]), "203.0.113.5");
        assert_eq!(client(proxies, "::1", &["1.2.3.4", "203.0.113.5"]), "203.0.113.5");
        assert_eq!(client(proxies, "10.0.0.1", &["203.0.113.5, 10.0.0.2"]), "203.0.113.5");
        assert_eq!(client(proxies, "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client(proxies, "10.0.0.1", &["10.0.0.3"]), "10.0.0.3", "all of them ours: the first");
    }

    #[test]
    fn what_cannot_be_read_ends_the_search() {
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["203.0.113.5, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["<script>"]), "10.0.0.1");
    }

    #[test]
    fn one_address_has_one_spelling() {
        assert_eq!(client("10.0.0.0/8", "::ffff:10.0.0.1", &["::ffff:203.0.113.5"]), "203.0.113.5");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["203.0.113.5:5000"]), "203.0.113.5");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["[2001:db8::1]:5000"]), "2001:db8::1");
    }

    #[test]
    fn a_list_names_its_first_mistake() {
        assert_eq!(TrustedProxies::parse("10.0.0.1, gateway"), Err("gateway".to_owned()));
        assert_eq!(TrustedProxies::parse("10.0.0.0/33"), Err("10.0.0.0/33".to_owned()));
        assert_eq!(TrustedProxies::parse(" , "), Ok(TrustedProxies::default()));
    }
}
