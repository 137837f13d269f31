//! Query parameters of the endpoints that have none.

use crate::{draft, path_of, sent, system};
use serde_json::{Value, json};
use testkit::Reply;

fn refused(reply: Reply) {
    let problem = reply.expect_problem(400, "unknown_parameter");
    assert_eq!((&problem["parameter"], &problem["allowed"]), (&json!("dry_run"), &json!([])));
}

#[tokio::test]
async fn a_parameter_that_means_nothing_is_refused_and_nothing_happens() {
    let system = system().await;
    let anna = system.user("anna").await;
    let note = sent(&anna, "x").await;
    let (one, unsent) = (path_of(&note), draft(&anna, "y").await);
    let to_self = json!({"recipient_id": anna.id(), "title": "z"});

    refused(anna.post("/api/v1/notifications?dry_run=1", to_self).await);
    refused(anna.post("/api/v1/notifications/mark?dry_run=1", json!({"action": "read", "all": true})).await);
    refused(anna.get(&format!("{one}?dry_run=1")).await);
    refused(anna.patch(&format!("{one}?dry_run=1"), json!({"read": true})).await);
    refused(anna.delete(&format!("{one}?dry_run=1")).await);
    refused(anna.post(&format!("{}/send?dry_run=1", path_of(&unsent)), Value::Null).await);

    assert_eq!(anna.get(&one).await.expect(200), note);
    assert_eq!(anna.get(&path_of(&unsent)).await.expect(200), unsent);
    let inbox = anna.get("/api/v1/notifications").await.expect(200);
    assert_eq!((&inbox["items"], &inbox["counts"]), (&json!([note]), &json!({"unread": 1, "total": 1})));
}
