//! GET /api/v1/notifications

use crate::{draft, path_of, sent, system, titles};
use serde_json::json;

const URL: &str = "/api/v1/notifications";

#[tokio::test]
async fn each_box_holds_its_own_newest_first() {
    let system = system().await;
    let anna = system.user("anna").await;
    let (one, two) = (sent(&anna, "1").await, sent(&anna, "2").await);
    sent(&anna, "3").await;
    draft(&anna, "4").await;
    assert_eq!(anna.patch(&path_of(&one), json!({"archived": true})).await.status, 200);
    assert_eq!(anna.patch(&path_of(&two), json!({"read": true})).await.status, 200);
    for (query, expected) in [
        ("", &["3", "2"][..]),
        ("?box=inbox", &["3", "2"]),
        ("?box=archived", &["1"]),
        ("?box=all", &["4", "3", "2", "1"]),
        ("?read=true", &["2"]),
        ("?read=false", &["3"]),
        ("?box=all&state=draft", &["4"]),
        ("?box=all&state=draft,sent", &["4", "3", "2", "1"]),
        ("?state=queued", &[]),
        ("?recipient_id=me", &["3", "2"]),
    ] {
        let page = anna.get(&format!("{URL}{query}")).await.expect(200);
        assert_eq!(titles(&page), expected, "{query}");
        assert_eq!(page["counts"], json!({"unread": 1, "total": 2}), "{query}");
    }
}

#[tokio::test]
async fn categories_and_instants_narrow_a_list() {
    let system = system().await;
    let anna = system.user("anna").await;
    let mut made = Vec::new();
    for category in [json!("a"), json!("b"), json!(null)] {
        let body =
            json!({"recipient_id": anna.id(), "title": category.to_string(), "category": category, "send": true});
        made.push(anna.post(URL, body).await.expect(201));
    }
    let middle = made[1]["created_at"].as_str().unwrap();
    for (query, expected) in [
        ("category=a".to_owned(), &["\"a\""][..]),
        ("category=a,none".to_owned(), &["null", "\"a\""]),
        ("category=c".to_owned(), &[]),
        (format!("created_after={middle}"), &["null"]),
        (format!("created_before={middle}"), &["\"a\""]),
    ] {
        let page = anna.get(&format!("{URL}?{query}")).await.expect(200);
        assert_eq!(titles(&page), expected, "{query}");
    }
}

#[tokio::test]
async fn walking_the_pages_shows_each_row_once_while_others_come() {
    let system = system().await;
    let anna = system.user("anna").await;
    for number in 0..7 {
        sent(&anna, &number.to_string()).await;
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = anna.get(&format!("{URL}{query}")).await.expect(200);
        seen.extend(titles(&page).into_iter().map(str::to_owned));
        sent(&anna, "new").await;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn what_the_list_does_not_know_is_refused() {
    let system = system().await;
    let anna = system.user("anna").await;
    sent(&anna, "1").await;
    sent(&anna, "2").await;
    let page = anna.get(&format!("{URL}?limit=1")).await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    for (query, code) in [
        ("boxes=inbox".to_owned(), "unknown_parameter"),
        ("sort=created_at".to_owned(), "unknown_parameter"),
        ("q=x".to_owned(), "unknown_parameter"),
        ("box=outbox".to_owned(), "invalid_parameter"),
        ("read=maybe".to_owned(), "invalid_parameter"),
        ("state=lost".to_owned(), "invalid_parameter"),
        ("recipient_id=anna".to_owned(), "invalid_parameter"),
        ("created_after=yesterday".to_owned(), "invalid_parameter"),
        ("limit=0".to_owned(), "invalid_parameter"),
        ("limit=101".to_owned(), "invalid_parameter"),
        ("cursor=x".to_owned(), "invalid_cursor"),
        (format!("cursor={cursor}&read=true"), "cursor_mismatch"),
    ] {
        anna.get(&format!("{URL}?{query}")).await.expect_problem(400, code);
    }
    let next = anna.get(&format!("{URL}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(titles(&next), ["1"]);
}

#[tokio::test]
async fn administrators_look_into_other_boxes_and_nobody_else_does() {
    let system = system().await;
    let (anna, ben, root) = (system.user("anna").await, system.user("ben").await, system.admin().await);
    sent(&anna, "anna's").await;
    sent(&ben, "ben's").await;
    sent(&root, "root's").await;
    assert_eq!(titles(&root.get(URL).await.expect(200)), ["root's"]);

    let of_anna = format!("{URL}?recipient_id={}", anna.id());
    let page = root.get(&of_anna).await.expect(200);
    assert_eq!((titles(&page), &page["counts"]), (vec!["anna's"], &json!({"unread": 1, "total": 1})));
    let both = root.get(&format!("{URL}?recipient_id={},{}", anna.id(), ben.id())).await.expect(200);
    assert_eq!((titles(&both), &both["counts"]), (vec!["ben's", "anna's"], &json!({"unread": 2, "total": 2})));

    ben.get(&of_anna).await.expect_problem(403, "insufficient_scope");
    ben.get(&format!("{URL}?recipient_id=me,{}", anna.id())).await.expect_problem(403, "insufficient_scope");
    system.anonymous().get(URL).await.expect_problem(401, "unauthorized");
}

#[tokio::test]
async fn in_their_own_box_administrators_see_what_any_recipient_sees() {
    let system = system().await;
    let (root, other) = (system.admin().await, system.admin().await);
    system.injector().user_created(root.id(), "root").await;
    let body = json!({"recipient_id": root.id(), "title": "Surprise"});
    let hidden = other.post(URL, body).await.expect(201);
    let all = root.get(&format!("{URL}?box=all")).await.expect(200);
    assert_eq!(titles(&all), ["Welcome to Cleave"]);
    let of_root = other.get(&format!("{URL}?box=all&recipient_id={}", root.id())).await.expect(200);
    assert_eq!(titles(&of_root), ["Surprise", "Welcome to Cleave"]);
    assert_eq!(other.post(&format!("{}/send", path_of(&hidden)), json!(null)).await.status, 202);
    let all = root.get(&format!("{URL}?box=all")).await.expect(200);
    assert_eq!(titles(&all), ["Surprise", "Welcome to Cleave"]);
}
