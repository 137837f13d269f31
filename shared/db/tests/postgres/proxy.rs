//! A proxy between the driver and the server that can be told to misbehave.

#![expect(clippy::indexing_slicing, reason = "a read is never longer than its buffer")]

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The server carries a COMMIT out, and its answer is lost with the connection.
    LostCommit,
    /// Nothing passes in either direction; the sockets stay open.
    Silence,
    /// Every request takes so much longer.
    Slow(Duration),
}

pub struct Proxy {
    pub address: SocketAddr,
    fault: watch::Sender<Fault>,
}

impl Proxy {
    /// In front of the tests' server.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fault = watch::Sender::new(Fault::None);
        let faults = fault.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, faults.clone()));
            }
        });
        Self { address, fault }
    }

    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn pass(client: TcpStream, server: SocketAddr, faults: watch::Receiver<Fault>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let lost = watch::Sender::new(false);
    let loses = lost.subscribe();
    let mut upward = faults.clone();
    let requests = async {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from_client.read(&mut chunk).await {
            let _ = upward.wait_for(|fault| *fault != Fault::Silence).await;
            let fault = *upward.borrow();
            match fault {
                Fault::LostCommit if holds_commit(&chunk[..read]) => drop(lost.send_replace(true)),
                Fault::Slow(by) => drop(timeout(by, std::future::pending::<()>()).await),
                _ => {}
            }
            if to_server.write_all(&chunk[..read]).await.is_err() {
                return;
            }
        }
    };
    let mut downward = faults;
    let answers = async {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from_server.read(&mut chunk).await {
            let _ = downward.wait_for(|fault| *fault != Fault::Silence).await;
            if *loses.borrow() {
                if holds_commit(&chunk[..read]) {
                    return;
                }
                continue;
            }
            if to_client.write_all(&chunk[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

/// The text of the statement, and the tag of its answer.
fn holds_commit(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|window| window == b"COMMIT\0")
}
