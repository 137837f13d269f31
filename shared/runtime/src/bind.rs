//! The listening socket. Rule: taken before anything else is touched, so that a taken port is the first thing said.

use crate::config::without_login;
use crate::start_error::StartError;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use tokio::net::{TcpSocket, lookup_host};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Listens on the first address of `host`.
pub(crate) async fn bind(host: &str, port: u16) -> Result<TcpListener, StartError> {
    let addresses = lookup_host((host.trim_matches(['[', ']']), port)).await;
    let address = addresses.ok().and_then(|mut addresses| addresses.next()).ok_or_else(|| {
        let host = without_login(host);
        StartError::new(format!("{host} is neither an address nor a known name: choose another --host (CLEAVE_HOST)"))
    })?;
    listen(address).map_err(|error| {
        StartError::new(match error.kind() {
            ErrorKind::AddrInUse => format!(
                "another process listens on {address}: stop it, or choose another --port (CLEAVE_PORT; 0 picks a free one)"
            ),
            ErrorKind::AddrNotAvailable => {
                format!("{} is no address of this machine: choose another --host (CLEAVE_HOST)", address.ip())
            }
            ErrorKind::PermissionDenied => {
                format!("this user may not listen on port {port}: choose a --port of 1024 or more (CLEAVE_PORT)")
            }
            _ => format!("cannot listen on {address}: {error}; choose another --host or --port"),
        })
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart need not wait until the connections of the last run are forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// `http://host:port` as a client would type it.
pub(crate) fn url(host: &str, address: SocketAddr) -> String {
    match host.parse::<std::net::IpAddr>() {
        Ok(_) => format!("http://{address}"),
        Err(_) => format!("http://{host}:{}", address.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_one_line_that_names_the_fix() {
        let first = bind("127.0.0.1", 0).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let error = bind("127.0.0.1", port).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("another process listens on 127.0.0.1:{port}")), "{error}");
        assert!(error.contains("--port"), "{error}");
    }

    #[tokio::test]
    async fn a_foreign_or_unknown_host_is_refused() {
        let error = bind("192.0.2.1", 0).await.unwrap_err().to_string();
        assert!(error.starts_with("192.0.2.1 is no address of this machine"), "{error}");
        let error = bind("not a host", 0).await.unwrap_err().to_string();
        assert!(error.starts_with("not a host is neither an address nor a known name"), "{error}");
        let error = bind("amqp://anna:hidden@h", 0).await.unwrap_err().to_string();
        assert!(error.starts_with("amqp://…@h is neither"), "{error}");
    }

    #[test]
    fn the_url_keeps_a_name_and_brackets_an_ipv6_address() {
        let v6 = "[::1]:80".parse().unwrap();
        assert_eq!(url("::1", v6), "http://[::1]:80");
        assert_eq!(url("localhost", v6), "http://localhost:80");
    }
}
