//! A process of a system that has several: the test's own binary, executed again. Rule: it is told what an operator would
//! tell it, in the operator's words; what only tests may do comes over a socket that no shipped binary has, and the
//! process ends with whoever holds the other end.

use crate::clock::TestClock;
use crate::servers::setting;
use crate::system::{Start, prepare};
use chrono::TimeDelta;
use runtime::{Config, Server, StartError};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The test that such a process runs.
pub(crate) const ENTRY: &str = "process::child";
/// Where the other end of the socket is.
pub(crate) const CONTROL: &str = "CLEAVE_TEST_CONTROL";
/// What the clock shows at the start, in microseconds since 1970.
pub(crate) const CLOCK: &str = "CLEAVE_TEST_CLOCK";
/// What names at the broker begin with.
pub(crate) const PREFIX: &str = "CLEAVE_TEST_BUS_PREFIX";

/// What a process is asked over its socket, a line each; it answers each with a line.
pub(crate) mod order {
    use serde_json::{Value, json};

    pub(crate) fn advance(micros: i64) -> Value {
        json!({ "advance": micros })
    }

    pub(crate) fn wake() -> Value {
        json!("wake")
    }

    pub(crate) fn stop() -> Value {
        json!("stop")
    }
}

/// Is a process of a system where this one was started as such, and returns when that is over; otherwise it returns at
/// once. A test binary whose systems have several processes calls it in a test `process::child`.
///
/// # Panics
/// When the process does not start, or its socket breaks.
pub async fn child(settings: fn() -> Result<Config, StartError>, start: Start) {
    let Some(control) = setting(CONTROL) else { return };
    let (read, mut write) = TcpStream::connect(control).await.expect("whoever started us").into_split();
    let clock = TestClock::at(setting(CLOCK).expect("an instant").parse().expect("microseconds"));
    let mut config = settings().unwrap_or_else(|error| panic!("{error}"));
    prepare(&mut config, Arc::new(clock.clone()));
    config.seams.bus_prefix = setting(PREFIX);
    let server = start(config).await.unwrap_or_else(|error| panic!("{error}"));
    say(&mut write, &json!({ "address": server.address() })).await;
    let mut orders = BufReader::new(read).lines();
    let mut server = Some(server);
    while let Ok(Some(line)) = orders.next_line().await {
        obey(&serde_json::from_str(&line).expect("an order"), &clock, &mut server).await;
        say(&mut write, &json!("done")).await;
    }
}

async fn obey(order: &Value, clock: &TestClock, server: &mut Option<Server>) {
    if let Some(micros) = order["advance"].as_i64() {
        clock.advance(TimeDelta::microseconds(micros));
    } else if *order == order::stop() {
        if let Some(server) = server.take() {
            server.stop().await;
        }
    } else {
        assert_eq!(*order, order::wake(), "an order that is known");
    }
    if let Some(server) = server {
        server.wake_all();
    }
}

async fn say(write: &mut (impl AsyncWriteExt + Unpin), line: &Value) {
    write.write_all(format!("{line}\n").as_bytes()).await.expect("whoever started us");
}
