//! What needs a server of the test's own: it is stopped, has no room, speaks TLS, tells roles apart.

#[path = "private/encryption.rs"]
mod encryption;
#[path = "private/restart.rs"]
mod restart;
#[path = "private/roles.rs"]
mod roles;
#[path = "private/room.rs"]
mod room;

use crate::things::POSTGRES;
use crate::things::testing::{PrivateServer, Scratch};

/// A server with these settings, and a database with the one table.
async fn server_with_table(settings: &[(&str, &str)]) -> Option<(Scratch, PrivateServer)> {
    let server = PrivateServer::start(settings)?;
    let scratch = Scratch::on(&server.url()).await.unwrap();
    scratch.execute(POSTGRES).await;
    Some((scratch, server))
}
