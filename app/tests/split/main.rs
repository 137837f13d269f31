//! Processes that need one another: who serves tasks asks who serves users for keys, and who serves nothing hands
//! everything on. All of them live in the test's own process and speak HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod internal;
mod keys;
mod same;

use runtime::{BusSetting, Config, RemoteDomain};
use std::net::TcpListener;
use std::time::Duration;
use testkit::{System, Topology, eventually};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SOON: Duration = Duration::from_secs(10);

/// A process that serves these domains, all of them for none, and shows its revocations to who knows the token.
async fn serving(domains: &[&str], change: impl FnOnce(&mut Config)) -> System {
    System::start_with(app::serve, Topology::EMBEDDED, |config| {
        config.domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
        config.internal_token = Some(TOKEN.into());
        change(config);
    })
    .await
}

/// A process that serves tasks, and takes its keys from there.
async fn tasks(user_url: &str) -> System {
    serving(&["task"], |config| config.user_urls = vec![user_url.to_owned()]).await
}

/// A process that serves nothing and hands everything on.
async fn gateway(to: &System) -> System {
    serving(&[], |config| {
        for name in ["user", "task", "notification"] {
            config.remote.push(RemoteDomain { name: name.to_owned(), targets: vec![url(to)] });
        }
        // Nobody connects to it: who mounts nothing has no events.
        config.bus = BusSetting::RabbitMq("amqp://nowhere.invalid".into());
    })
    .await
}

fn url(system: &System) -> String {
    format!("http://{}", system.server().address())
}

/// Waits until the process may be sent requests.
async fn ready(system: &System) {
    let nobody = system.anonymous();
    eventually("ready", SOON, async || (nobody.get("/health/ready").await.status == 200).then_some(())).await;
}

/// An address that was free a moment ago, where no test beside this one picks a port.
fn own_address(host: &str) -> (String, u16) {
    (host.to_owned(), TcpListener::bind((host, 0)).unwrap().local_addr().unwrap().port())
}
