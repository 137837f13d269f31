//! A cursor is good for the list that gave it, and for nothing else.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[actix_web::test]
async fn a_cursor_of_another_list_is_a_mismatch() {
    let shelf = Shelf::new(9).await;
    let cursor = shelf.cursor("rank=0&sort=-rank&limit=1").await;
    let same = shelf.get(&format!("/items?cursor={cursor}&sort=-rank&rank=0")).await;
    assert_eq!(same.status, 200, "the order of parameters and the limit do not matter");
    for query in [
        "sort=-rank",
        "sort=-rank&rank=1",
        "sort=rank&rank=0",
        "rank=0",
        "sort=-rank,title&rank=0",
        "sort=-rank&rank=0&title=x",
    ] {
        let reply = shelf.get(&format!("/items?cursor={cursor}&{query}")).await;
        assert_eq!(reply.problem(), (400, "cursor_mismatch"), "{query}");
    }
    assert_eq!(shelf.get(&format!("/newest?cursor={cursor}")).await.problem(), (400, "cursor_mismatch"));
}

#[actix_web::test]
async fn a_cursor_that_was_tampered_with_is_invalid() {
    let shelf = Shelf::new(9).await;
    let cursor = shelf.cursor("sort=-due_at&limit=2").await;
    let get = async |cursor: &str| shelf.get(&format!("/items?sort=-due_at&cursor={cursor}")).await;
    assert_eq!(get(&cursor).await.status, 200);
    for index in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let reply = get(std::str::from_utf8(&bytes).unwrap()).await;
        assert_eq!(reply.problem(), (400, "invalid_cursor"), "character {index}");
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(&cursor).unwrap()).unwrap();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for wrong in [
        String::new(),
        "x".to_owned(),
        "%27%20OR%201=1--".to_owned(),
        format!("{cursor}%3D"),
        cursor[..cursor.len() - 2].to_owned(),
        encode("{}"),
        encode("null"),
        encode(&format!("{text} ")),
        encode(&text.replace("\"k\"", "\"x\":1,\"k\"")),
        "A".repeat(10_000),
        encode(&"[".repeat(3000)),
    ] {
        let reply = get(&wrong).await;
        let spared = wrong == encode(&format!("{text} "));
        assert_eq!(reply.status, if spared { 200 } else { 400 }, "{wrong:.60}");
        assert!(spared || reply.problem() == (400, "invalid_cursor"), "{wrong:.60}");
    }
}

/// Whoever forges the checksum, which is no secret, still only chooses where to go on.
#[actix_web::test]
async fn a_forged_cursor_only_ever_becomes_values_of_the_columns_types() {
    let shelf = Shelf::new(9).await;
    let cursor = shelf.cursor("sort=title&limit=2").await;
    let cursor: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    let forge = |values: Value| {
        let list = cursor["f"].as_str().unwrap();
        let text = serde_json::to_string(&(list, &values)).unwrap();
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let forged = json!({"f": list, "k": values, "c": URL_SAFE_NO_PAD.encode(&sum.as_ref()[..9])});
        URL_SAFE_NO_PAD.encode(forged.to_string())
    };
    let id = item(1).id;
    let get = async |values: Value| shelf.get(&format!("/items?sort=title&cursor={}", forge(values))).await;
    assert_eq!(get(json!(["' OR 1=1 --", id])).await.body["items"].as_array().unwrap().len(), 9);
    assert_eq!(get(json!(["\u{10ffff}", id])).await.body["items"], json!([]));
    for values in [
        json!([]),
        json!(["x"]),
        json!(["x", id, 1]),
        json!([1, id]),
        json!([null, id]),
        json!(["x", null]),
        json!(["x", "y"]),
        json!([["x"], id]),
        json!({"0": "x"}),
    ] {
        assert_eq!(get(values.clone()).await.problem(), (400, "invalid_cursor"), "{values}");
    }
}
