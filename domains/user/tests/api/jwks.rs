//! `GET /.well-known/jwks.json`.

use crate::system;

const PATH: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn the_public_key_is_there_for_everybody_and_stays() {
    let mut system = system().await;
    let reply = system.anonymous().get(PATH).await;
    assert_eq!(reply.header("content-type"), "application/jwk-set+json");
    assert_eq!(reply.header("cache-control"), "public, max-age=300");
    let tag = reply.header("etag").to_owned();
    let text = reply.text.clone();
    let document = reply.expect(200);
    assert_eq!(document["keys"].as_array().unwrap().len(), 1);
    assert!(!text.contains("\"d\"") && !text.contains("\"k\""), "{text}");

    let known = system.anonymous().with("If-None-Match", &tag).get(PATH).await;
    assert_eq!((known.status, known.text.as_str(), known.header("etag")), (304, "", tag.as_str()));
    assert_eq!(system.anonymous().with("If-None-Match", "\"other\"").get(PATH).await.status, 200);

    system.restart().await;
    assert_eq!(system.anonymous().get(PATH).await.expect(200), document, "a restart makes no new key");
}
