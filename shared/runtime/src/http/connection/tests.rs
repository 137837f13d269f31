//! When a connection ends by itself, and when it does not.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::advance;

const PATIENCE: Patience =
    Patience { head: Duration::from_secs(5), idle: Duration::from_secs(15), unread: Duration::from_secs(60) };
const LITTLE: usize = 8;

impl Insist for DuplexStream {
    fn insist(&self, _: &[u8]) -> Option<usize> {
        None
    }
}

fn pair() -> (Connection<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(LITTLE);
    (Connection::new(ours, PATIENCE), theirs)
}

/// Whether the connection has ended at this time; without a pause, as actix-http asks whenever it is woken.
async fn has_ended(connection: &mut Connection<DuplexStream>) -> bool {
    let mut buffer = [0; LITTLE];
    let reading = tokio::time::timeout(Duration::from_millis(1), connection.read(&mut buffer)).await;
    reading.is_ok_and(|read| read.is_err_and(|error| error.kind() == ErrorKind::TimedOut))
}

/// Whether one more byte of an answer finds that the client reads nothing.
async fn is_given_up(connection: &mut Connection<DuplexStream>) -> bool {
    let writing = tokio::time::timeout(Duration::from_millis(1), connection.write_u8(0)).await;
    writing.is_ok_and(|wrote| wrote.is_err_and(|error| error.kind() == ErrorKind::TimedOut))
}

async fn seconds(count: u64) {
    advance(Duration::from_secs(count)).await;
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_later_request_has_its_time_from_its_first_byte() {
    let (mut connection, mut client) = pair();
    drop(connection.phase().begin());
    seconds(12).await;
    assert!(!has_ended(&mut connection).await, "nothing has come yet");
    client.write_all(b"G").await.unwrap();
    assert!(!has_ended(&mut connection).await);
    for _ in 0..4 {
        seconds(1).await;
        client.write_all(b"x").await.unwrap();
        assert!(!has_ended(&mut connection).await);
    }
    seconds(1).await;
    assert!(has_ended(&mut connection).await, "another byte each second does not help");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_seen_to_follow_has_the_time_of_an_idle_connection() {
    let (mut connection, _client) = pair();
    drop(connection.phase().begin());
    for _ in 0..14 {
        assert!(!has_ended(&mut connection).await);
        seconds(1).await;
    }
    assert!(!has_ended(&mut connection).await);
    seconds(1).await;
    assert!(has_ended(&mut connection).await);
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_has_all_the_time() {
    let (mut connection, mut client) = pair();
    let serving = connection.phase().begin();
    for _ in 0..20 {
        client.write_all(b"x").await.unwrap();
        seconds(60).await;
        assert!(!has_ended(&mut connection).await);
    }
    drop(serving);
    seconds(4).await;
    assert!(!has_ended(&mut connection).await, "and the time begins with its answer");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_read_slowly_has_all_the_time() {
    let (mut connection, mut client) = pair();
    drop(connection.phase().begin());
    connection.write_all(&[0; LITTLE]).await.unwrap();
    let more = tokio::time::timeout(Duration::from_millis(1), connection.write_all(&[0; LITTLE])).await;
    assert!(more.is_err(), "the client has not read");
    seconds(59).await;
    assert!(!has_ended(&mut connection).await);
    client.read_exact(&mut [0; LITTLE]).await.unwrap();
    connection.write_all(&[0; LITTLE]).await.unwrap();
    seconds(14).await;
    assert!(!has_ended(&mut connection).await, "the time of an idle connection begins when all is read");
    seconds(2).await;
    assert!(has_ended(&mut connection).await);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_which_nothing_is_read_has_a_minute_from_the_last_byte_that_was() {
    let (mut connection, mut client) = pair();
    let _serving = connection.phase().begin();
    connection.write_all(&[0; LITTLE]).await.unwrap();
    for _ in 0..5 {
        assert!(!is_given_up(&mut connection).await);
        seconds(58).await;
        assert!(!is_given_up(&mut connection).await);
        client.read_u8().await.unwrap();
        connection.write_u8(0).await.unwrap();
    }
    assert!(!is_given_up(&mut connection).await);
    seconds(60).await;
    assert!(is_given_up(&mut connection).await);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_not_waited_for_by_who_has_no_more_to_do() {
    let (mut connection, _client) = pair();
    // Nothing else wakes it: its own time does.
    let writing = tokio::time::timeout(Duration::from_secs(61), connection.write_all(&[0; 2 * LITTLE]));
    assert_eq!(writing.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn the_bytes_of_a_head_are_watched_and_those_of_a_body_are_not() {
    let (mut connection, mut client) = pair();
    for (sent, expected) in [
        ("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n\n\n\n", "\n\n\n"),
        ("GET / HTTP/1.1\nx: y\r\n\r\n", "GET / HTTP/1.1\0x: y\r\n\r\n"),
    ] {
        let mut read = vec![0; sent.len()];
        let (sending, reading) = tokio::join!(client.write_all(sent.as_bytes()), connection.read_exact(&mut read));
        assert!(sending.is_ok() && reading.is_ok());
        assert!(String::from_utf8(read).unwrap().ends_with(expected), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_head_is_not_ours() {
    let (mut connection, mut client) = pair();
    client.write_all(b"G").await.unwrap();
    assert!(!has_ended(&mut connection).await);
    seconds(60).await;
    assert!(!has_ended(&mut connection).await);
}
