//! The servers that tests use and do not start. Rule: one that is missing is one visible line for each test that did not
//! run because of it, or a failure where `CLEAVE_TEST_REQUIRE` names it.

use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long one may take to accept a connection.
const ANSWER: Duration = Duration::from_secs(5);

/// A server that a test needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    Postgres,
    RabbitMq,
}

impl Needed {
    /// Its name, in `CLEAVE_TEST_REQUIRE`; and for people.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Postgres => ("postgres", "PostgreSQL"),
            Self::RabbitMq => ("rabbitmq", "RabbitMQ"),
        }
    }

    fn url(self) -> String {
        let (variable, usual) = match self {
            Self::Postgres => ("CLEAVE_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
            Self::RabbitMq => ("CLEAVE_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672"),
        };
        setting(variable).unwrap_or_else(|| usual.to_owned())
    }
}

/// The URL of the broker.
pub(crate) fn broker() -> String {
    Needed::RabbitMq.url()
}

/// Whether it accepts connections; says so when not.
///
/// # Panics
/// When it does not and has to.
pub(crate) fn is_there(needed: Needed) -> bool {
    let (short, name) = needed.names();
    let url = needed.url();
    let address = address(&url);
    if accepts(&address) {
        return true;
    }
    let required = setting("CLEAVE_TEST_REQUIRE").is_some_and(|all| all.split(',').any(|one| one.trim() == short));
    assert!(!required, "CLEAVE_TEST_REQUIRE names {short}, and no {name} answers at {address}");
    not_run(&format!("no {name} answers at {address}"));
    false
}

/// Says that the present test does not run, and why, in one visible line.
///
/// # Panics
/// When standard error is closed.
pub fn not_run(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Past the harness, which swallows what a passing test prints.
    writeln!(std::io::stderr(), "not run: {test}: {why}").expect("standard error");
}

/// `host:port` of a URL.
fn address(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, address)| address).to_owned()
}

fn accepts(address: &str) -> bool {
    let mut addresses = address.to_socket_addrs().into_iter().flatten();
    addresses.any(|address| TcpStream::connect_timeout(&address, ANSWER).is_ok())
}

/// A variable of the test-suite that is set and not empty.
pub(crate) fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "where the servers of the tests are is no setting of the program")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_what_stands_between_login_and_path() {
        assert_eq!(address("postgres://u:p@db.example:5433/x?y=z"), "db.example:5433");
        assert_eq!(address("amqp://127.0.0.1:5672"), "127.0.0.1:5672");
    }

    #[test]
    fn a_server_that_is_not_there_is_noticed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(accepts(&address));
        drop(listener);
        assert!(!accepts(&address));
    }
}
