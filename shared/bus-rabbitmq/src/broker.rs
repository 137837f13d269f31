//! What answers at an address. Rule: the broker is asked for its name and version before anything is declared; one
//! that is too old is refused in one line instead of failing later in many.

use crate::error::ConnectError;
use crate::link::dial;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use lapin::protocol::{AMQPClass, connection, parse_class};
use lapin::types::AMQPValue;
use lapin::uri::AMQPUri;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// The oldest that has everything the queues ask for.
const OLDEST: (u32, u32, u32) = (3, 10, 0);
/// These may stop delivering to a single active consumer after a time-out of that consumer.
const STALLING: ((u32, u32, u32), (u32, u32, u32)) = ((4, 3, 0), (4, 3, 5));
/// The client speaks first: AMQP 0.9.1.
const HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// Longest first frame that is read.
const LONGEST: usize = 64 * 1024;

/// What a version is good for.
#[derive(Debug, PartialEq, Eq)]
enum Gate {
    Fine,
    Stalls,
    TooOld,
}

/// Asks who is there, and refuses what cannot serve.
///
/// # Errors
/// [`ConnectError::Unreachable`] and [`ConnectError::NotSupported`].
pub(crate) async fn check(uri: &AMQPUri, within: Duration) -> Result<(), ConnectError> {
    let broker = address(uri);
    let unreachable = |reason: String| ConnectError::Unreachable { broker: broker.clone(), reason };
    let asked = timeout(within, ask(uri)).await.map_err(|_| unreachable(format!("no answer in {within:?}")))?;
    let (product, version) = asked.map_err(|error| unreachable(error.to_string()))?;
    match (product.as_str(), gate(&version)) {
        ("RabbitMQ", Gate::Fine) => Ok(()),
        ("RabbitMQ", Gate::Stalls) => {
            tracing::warn!(
                version,
                "this version of RabbitMQ may stop delivering after a consumer's time-out; the bus reconnects then, but an upgrade to 4.3.6 is better"
            );
            Ok(())
        }
        _ => Err(ConnectError::NotSupported { broker, found: format!("{product} {version}") }),
    }
}

/// `host:port`, as it is named in messages.
pub(crate) fn address(uri: &AMQPUri) -> String {
    format!("{}:{}", uri.authority.host, uri.authority.port)
}

/// The first words of the handshake, and no more: the broker introduces itself before anybody logs in.
async fn ask(uri: &AMQPUri) -> io::Result<(String, String)> {
    let runtime = lapin::runtime::default_runtime().map_err(io::Error::other)?;
    let (mut stream, _) = dial(uri, &runtime).await?;
    stream.write_all(HEADER).await?;
    stream.flush().await?;
    let mut head = [0_u8; 7];
    stream.read_exact(&mut head).await?;
    let [1, 0, 0, size @ ..] = head else { return Err(other("it does not speak AMQP 0.9.1")) };
    let size = usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX);
    if size > LONGEST {
        return Err(other("it does not speak AMQP 0.9.1"));
    }
    let mut body = vec![0; size];
    stream.read_exact(&mut body).await?;
    let Ok((_, AMQPClass::Connection(connection::AMQPMethod::Start(start)))) = parse_class(body.as_slice()) else {
        return Err(other("it does not speak AMQP 0.9.1"));
    };
    let property = |name: &str| match start.server_properties.inner().get(name) {
        Some(AMQPValue::LongString(value)) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        _ => "unknown".to_owned(),
    };
    Ok((property("product"), property("version")))
}

fn other(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn gate(version: &str) -> Gate {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    let mut number = || parts.next().and_then(Result::ok);
    let Some(major) = number() else { return Gate::TooOld };
    let version = (major, number().unwrap_or_default(), number().unwrap_or_default());
    match version {
        version if version < OLDEST => Gate::TooOld,
        version if version >= STALLING.0 && version <= STALLING.1 => Gate::Stalls,
        _ => Gate::Fine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_refused_and_stalling_ones_noticed() {
        for (version, expected) in [
            ("3.9.29", Gate::TooOld),
            ("2.8.4", Gate::TooOld),
            ("unknown", Gate::TooOld),
            ("", Gate::TooOld),
            ("3.10.0", Gate::Fine),
            ("3.10.8", Gate::Fine),
            ("3.13.7", Gate::Fine),
            ("4.0.0-rc.1", Gate::Fine),
            ("4.2.0", Gate::Fine),
            ("4.3.0", Gate::Stalls),
            ("4.3.5", Gate::Stalls),
            ("4.3.6", Gate::Fine),
            ("4.10.0+build.7", Gate::Fine),
        ] {
            assert_eq!(gate(version), expected, "{version}");
        }
    }
}
