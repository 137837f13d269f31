//! What cannot work is refused at start, in one line.

use crate::world::{ALL, World, timing};
use bus_rabbitmq::{ConnectError, Options, RabbitMq};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use testkit::VirtualHost;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use uuid::Uuid;

async fn refusal(url: String) -> ConnectError {
    let options = Options { url, boot_id: Uuid::from_u128(1), mounted: ALL.to_vec(), prefix: None };
    assert!(!format!("{options:?}").contains("secret"), "the options do not print the password");
    let Err(error) = RabbitMq::connect_with(options, timing()).await else { panic!("a bus was not to be had") };
    let line = error.to_string();
    assert!(!line.contains('\n') && !line.contains("secret"), "one line without the password: {line}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_is_refused() {
    assert!(matches!(refusal("rabbit".to_owned()).await, ConnectError::Url(_)));
    assert!(matches!(refusal("http://localhost".to_owned()).await, ConnectError::Url(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = refusal(format!("amqp://a:secret@{address}/%2f")).await;
    assert!(matches!(error, ConnectError::Unreachable { ref broker, .. } if *broker == address.to_string()), "{error}");
}

/// Answers the first bytes with these, and then nothing.
async fn impostor(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut header = [0; 8];
            client.read_exact(&mut header).await.unwrap();
            client.write_all(&answer).await.unwrap();
            let _ = client.read(&mut header).await;
        }
    });
    format!("amqp://a:secret@{address}/%2f")
}

/// The first frame of a broker of that name and version.
fn introduction(product: &str, version: &str) -> Vec<u8> {
    let long = |text: &str| [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
    let property = |name: &str, value: &str| {
        [&[u8::try_from(name.len()).unwrap()][..], name.as_bytes(), b"S", &long(value)].concat()
    };
    let properties = [property("product", product), property("version", version)].concat();
    let size = u32::try_from(properties.len()).unwrap().to_be_bytes();
    let start = [&[0, 10, 0, 10, 0, 9][..], &size, &properties, &long("PLAIN"), &long("en_US")].concat();
    [&[1, 0, 0][..], &u32::try_from(start.len()).unwrap().to_be_bytes(), &start, &[0xce]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_too_old_or_another_is_refused() {
    for (product, version) in [("RabbitMQ", "3.9.29"), ("Another", "5.0.0")] {
        let error = refusal(impostor(introduction(product, version)).await).await;
        let expected = format!("{product} {version}");
        assert!(matches!(error, ConnectError::NotSupported { ref found, .. } if *found == expected), "{error}");
    }
    let error = refusal(impostor(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await).await;
    assert!(error.to_string().contains("does not speak AMQP"), "{error}");
    let encrypted = impostor(introduction("RabbitMQ", "3.13.0")).await.replace("amqp:", "amqps:");
    let error = refusal(encrypted).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "no TLS, no connection: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_wrong_virtual_host_are_told_apart() {
    let Some(host) = VirtualHost::new() else { return };
    let (server, name) = (host.server(), host.name());
    let error = refusal(format!("amqp://guest:secret@{server}/{name}")).await;
    assert!(matches!(error, ConnectError::Login { ref user, .. } if user == "guest"), "{error}");
    let error = refusal(host.url().replace(name, "nowhere")).await;
    assert!(matches!(error, ConnectError::VirtualHost { ref vhost, .. } if vhost == "nowhere"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_arguments_stops_the_start_and_is_left_alone() {
    let Some(world) = World::new().await else { return };
    let (_connection, channel) = world.channel().await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(20));
    channel.queue_declare("task.inbox.v1".into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
    let publish = BasicPublishOptions::default();
    let old = channel.basic_publish("".into(), "task.inbox.v1".into(), publish, b"old", BasicProperties::default());
    old.await.unwrap().await.unwrap();
    let Err(error) = world.try_process(&ALL, timing()).await else { panic!("it started") };
    assert!(
        matches!(error, ConnectError::Differs { ref object, .. } if object == "the queue task.inbox.v1"),
        "{error}"
    );
    assert!(error.to_string().contains("x-"), "it names the argument: {error}");
    let left =
        channel.queue_declare("task.inbox.v1".into(), QueueDeclareOptions::default().passive(), FieldTable::default());
    assert_eq!(left.await.unwrap().message_count(), 1);
}
