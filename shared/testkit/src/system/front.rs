//! The gateway before a system of one process. Rule: it is told what an operator would tell it; its process is the test's.

use super::{PUBLIC_URL, System};
use runtime::{Config, RemoteDomain, Server};

impl System {
    /// A process that serves nothing and hands everything on to that one.
    pub(super) async fn gateway_before(&self, server: &Server) -> Server {
        let target = format!("http://{}", server.address());
        let served: Vec<String> = server.domains().iter().map(|domain| domain.name.to_owned()).collect();
        let mut config = Config::embedded(self.directory.path().join("gateway"));
        config.public_url = Some(PUBLIC_URL.to_owned());
        config.internal_token.clone_from(&self.config.internal_token);
        config.bus = self.config.bus.clone();
        config.seams = self.config.seams.clone();
        if served.iter().any(|name| name == "user") {
            // Who serves the users has the keys.
            config.seams.key_source = None;
        }
        config.remote = served.into_iter().map(|name| RemoteDomain { name, targets: vec![target.clone()] }).collect();
        (self.start)(config).await.unwrap_or_else(|error| panic!("the gateway: {error}"))
    }
}
