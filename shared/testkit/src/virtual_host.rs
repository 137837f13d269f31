//! A virtual host of a test's own. Rule: it is gone when the test is over, and so is everything in it; where there is no
//! broker, the test says so in one visible line.

use crate::servers::{self, Needed};
use std::process::{Command, Stdio};

/// A virtual host at the RabbitMQ that tests use.
pub struct VirtualHost {
    name: String,
    /// `amqp://user:password@host:port`.
    server: String,
}

impl VirtualHost {
    /// Makes one; none when there is no broker, which a line on standard error says.
    ///
    /// # Panics
    /// When there is none and `CLEAVE_TEST_REQUIRE` names `rabbitmq`; or when `rabbitmqctl` does not reach the one
    /// that there is.
    #[must_use]
    pub fn new() -> Option<Self> {
        if !servers::is_there(Needed::RabbitMq) {
            return None;
        }
        let url = servers::broker();
        let (scheme, rest) = url.split_once("://").expect("a URL in CLEAVE_TEST_AMQP_URL");
        let authority = rest.split('/').next().unwrap_or_default();
        let (login, address) = authority.rsplit_once('@').unwrap_or(("guest:guest", authority));
        let user = login.split(':').next().unwrap_or_default();
        let name = format!("cleave-test-{}", crate::tokens::random_id());
        // One call instead of two: each starts a virtual machine.
        let make = format!(
            "N = <<\"{name}\">>, ok = rabbit_vhost:add(N, <<\"test\">>), \
             rabbit_auth_backend_internal:set_permissions(<<\"{user}\">>, N, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>)."
        );
        let host = Self { name, server: format!("{scheme}://{login}@{address}") };
        let made = host.control(&["eval", &make]);
        assert!(made.is_ok(), "a virtual host for the test, made with rabbitmqctl on this machine: {made:?}");
        Some(host)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// Its address with another host and port in it, for a proxy.
    #[must_use]
    pub fn url_at(&self, address: &str) -> String {
        let login = self.server.rsplit_once('@').map_or(self.server.as_str(), |(login, _)| login);
        format!("{login}@{address}/{}", self.name)
    }

    /// `host:port` of the broker itself.
    #[must_use]
    pub fn server(&self) -> &str {
        self.server.rsplit_once('@').map_or("", |(_, address)| address)
    }

    /// Asks the broker's own tool to do something; what it printed.
    ///
    /// # Errors
    /// When it is not there or refuses.
    pub fn control(&self, arguments: &[&str]) -> Result<String, String> {
        let run = Command::new("rabbitmqctl").arg("-q").args(arguments).stdin(Stdio::null()).output();
        let output = run.map_err(|error| format!("rabbitmqctl does not run ({error})"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let error = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "rabbitmqctl refuses ({})",
            error.lines().find(|line| !line.trim().is_empty()).unwrap_or("silently")
        ))
    }
}

impl Drop for VirtualHost {
    fn drop(&mut self) {
        let gone = self.control(&["delete_vhost", &self.name]);
        // A test that fails already has more to say than this.
        assert!(gone.is_ok() || std::thread::panicking(), "the virtual host {} stays: {gone:?}", self.name);
    }
}
