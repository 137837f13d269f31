//! What a user domain in another process may answer.

use super::*;
use contracts::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn told(feed: &str) -> Result<(), String> {
    let (token, clock) = (SecretString::from("token"), Arc::new(SystemClock));
    let keys = RemoteKeys::new(vec!["http://h:1".to_owned()], token, "http://here".to_owned(), clock).unwrap();
    keys.take(serde_json::from_str(feed).unwrap(), None, 0).map_err(|error| error.0)
}

/// A user domain that answers each address with these texts in turn, the last one for ever.
async fn domain(keys: &'static [&'static str], feeds: &'static [&'static str]) -> RemoteKeys {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut asked = [0, 0];
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = connection.read(&mut head).await.unwrap();
            let of_keys = head[..length].starts_with(b"GET /.well-known/jwks.json ");
            let (answers, asked) = if of_keys { (keys, &mut asked[0]) } else { (feeds, &mut asked[1]) };
            let answer = answers[(*asked).min(answers.len() - 1)];
            *asked += 1;
            connection.write_all(answer.replace("{long}", &"x".repeat(KEYS_BYTES)).as_bytes()).await.unwrap();
        }
    });
    let (token, clock) = (SecretString::from("token"), Arc::new(SystemClock));
    RemoteKeys::new(vec![address], token, "http://here".to_owned(), clock).unwrap()
}

const FIRST: &str = "HTTP/1.1 200 OK\r\netag: one\r\nconnection: close\r\n\r\nfirst";
const SECOND: &str = "HTTP/1.1 200 OK\r\netag: two\r\nconnection: close\r\n\r\nsecond";
const MOVED: &str = "HTTP/1.1 302 Found\r\nlocation: /internal/elsewhere\r\nconnection: close\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 No\r\nconnection: close\r\n\r\n";
const OF_FIRST: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"last_n\":0,\"keys\":\"one\",\"revocations\":[]}";
const OF_SECOND: &str =
    "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"last_n\":0,\"keys\":\"two\",\"revocations\":[]}";

#[tokio::test]
async fn keys_that_changed_are_fetched_in_the_next_round_and_replace_the_others() {
    let keys = domain(&[FIRST, SECOND], &[OF_FIRST, OF_SECOND]).await;
    keys.listen().await.unwrap();
    assert_eq!(keys.snapshot().await.unwrap().jwks, "first");
    keys.listen().await.unwrap();
    keys.listen().await.unwrap();
    assert_eq!(keys.snapshot().await.unwrap().jwks, "second");
}

#[tokio::test]
async fn keys_that_changed_and_cannot_be_fetched_are_trouble() {
    let keys = domain(&[FIRST, BROKEN], &[OF_FIRST, OF_SECOND]).await;
    keys.listen().await.unwrap();
    keys.listen().await.unwrap();
    for _ in 0..3 {
        let trouble = keys.listen().await.unwrap_err().0;
        assert!(trouble.ends_with("/.well-known/jwks.json answers 500 Internal Server Error"), "{trouble}");
    }
}

#[tokio::test]
async fn a_document_that_is_too_large_or_somewhere_else_is_none() {
    let keys = domain(&[MOVED], &[OF_FIRST]).await;
    let trouble = keys.listen().await.unwrap_err().0;
    assert!(trouble.ends_with("answers 302 Found"), "{trouble}");
    let keys = domain(&["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}!"], &[OF_FIRST]).await;
    assert_eq!(keys.listen().await.unwrap_err().0, "an answer is too large");
    assert!(keys.snapshot().await.is_err());
}

#[test]
fn a_user_domain_that_issues_in_another_name_is_trouble_that_names_the_fix() {
    assert_eq!(told(r#"{"issuer":"http://here","last_n":0,"keys":"k","revocations":[]}"#), Ok(()));
    assert_eq!(told(r#"{"last_n":0,"keys":"k","revocations":[]}"#), Ok(()), "an older version does not say");
    assert_eq!(
        told(r#"{"issuer":"http://there","last_n":0,"keys":"k","revocations":[]}"#).unwrap_err(),
        "the user domain issues tokens as http://there, and CLEAVE_PUBLIC_URL here is http://here: set both to the same"
    );
}
