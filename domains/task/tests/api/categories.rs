//! `/api/v1/categories` and `/api/v1/categories/{id}`.

use crate::{broken, create, known, path, system};
use serde_json::{Value, json};
use testkit::Client;

async fn category(client: &Client, name: &str) -> Value {
    client.post("/api/v1/categories", json!({"name": name})).await.expect(201)
}

fn address(category: &Value) -> String {
    format!("/api/v1/categories/{}", category["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_category_is_made_read_changed_and_deleted() {
    let system = system().await;
    let anna = system.user("anna").await;
    let reply = anna.post("/api/v1/categories", json!({"name": "Home", "color": "#ff8800", "description": "d"})).await;
    assert_eq!(reply.header("etag"), "\"v1\"");
    let location = reply.header("location").to_owned();
    let home = reply.expect(201);
    assert_eq!(location, address(&home));
    assert_eq!(
        home,
        json!({
            "id": home["id"], "name": "Home", "color": "#ff8800", "description": "d", "owner_id": anna.id(),
            "created_at": home["created_at"], "updated_at": home["created_at"], "version": 1,
        })
    );
    assert_eq!(anna.get(&location).await.expect(200), home);
    assert_eq!(anna.with("If-None-Match", "\"v1\"").get(&location).await.status, 304);
    let patched = anna.patch(&location, json!({"color": null})).await.expect(200);
    assert_eq!((&patched["color"], &patched["name"], &patched["version"]), (&Value::Null, &json!("Home"), &json!(2)));
    assert_eq!(anna.patch(&location, json!({"name": "Home"})).await.expect(200), patched);
    let replaced = anna.put(&location, json!({"name": "House"})).await.expect(200);
    assert_eq!((&replaced["name"], &replaced["description"]), (&json!("House"), &Value::Null));
    let stale = anna.with("If-Match", "\"v2\"");
    for reply in [
        stale.put(&location, json!({"name": "c"})).await,
        stale.patch(&location, json!({"name": "c"})).await,
        stale.delete(&location).await,
    ] {
        assert_eq!(reply.expect_problem(412, "stale")["current_etag"], "\"v3\"");
    }
    assert_eq!(anna.with("If-Match", "\"v3\"").delete(&location).await.status, 204);
    anna.get(&location).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_name_is_unique_for_its_owner() {
    let system = system().await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let home = category(&anna, "Home").await;
    let work = category(&anna, "Work").await;
    category(&ben, "Home").await;
    anna.post("/api/v1/categories", json!({"name": "Home"})).await.expect_problem(409, "name_taken");
    anna.patch(&address(&work), json!({"name": "Home"})).await.expect_problem(409, "name_taken");
    anna.put(&address(&work), json!({"name": "Home"})).await.expect_problem(409, "name_taken");
    assert_eq!(anna.get("/api/v1/categories").await.expect(200)["items"], json!([home, work]));
}

#[tokio::test]
async fn a_list_holds_ones_own_by_name() {
    let system = system().await;
    let (anna, root) = (system.user("anna").await, system.admin().await);
    for name in ["b", "C", "a"] {
        category(&anna, name).await;
    }
    let first = anna.get("/api/v1/categories?limit=2").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = anna.get(&format!("/api/v1/categories?limit=2&cursor={cursor}")).await.expect(200);
    let items = first["items"].as_array().unwrap().iter().chain(second["items"].as_array().unwrap());
    assert_eq!(items.map(|item| item["name"].as_str().unwrap()).collect::<Vec<_>>(), ["C", "a", "b"]);
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(root.get("/api/v1/categories").await.expect(200)["items"], json!([]));
    anna.get("/api/v1/categories?sort=name").await.expect_problem(400, "unknown_parameter");
    anna.get("/api/v1/categories?name=a").await.expect_problem(400, "unknown_parameter");
}

#[tokio::test]
async fn a_category_is_its_owners_alone() {
    let system = system().await;
    let (anna, ben, root) = (known(&system, "anna").await, known(&system, "ben").await, system.admin().await);
    let home = category(&anna, "Home").await;
    for reply in [
        ben.get(&address(&home)).await,
        ben.put(&address(&home), json!({"name": "Mine"})).await,
        ben.patch(&address(&home), json!({"name": "Mine"})).await,
        ben.delete(&address(&home)).await,
    ] {
        reply.expect_problem(404, "not_found");
    }
    let body = json!({"title": "a", "category_id": home["id"]});
    let problem = ben.post("/api/v1/tasks", body.clone()).await.expect_problem(422, "unknown_category");
    assert_eq!(broken(&problem), [("/category_id", "unknown_category")]);
    // An administrator files Anna's task under Anna's category, and Ben's not.
    let (of_anna, of_ben) = (create(&anna, json!({"title": "a"})).await, create(&ben, json!({"title": "b"})).await);
    let filed = root.patch(&path(&of_anna), json!({"category_id": home["id"]})).await.expect(200);
    assert_eq!(filed["category_id"], home["id"]);
    let refused = root.patch(&path(&of_ben), json!({"category_id": home["id"]})).await;
    refused.expect_problem(422, "unknown_category");
    assert_eq!(root.get(&address(&home)).await.expect(200), home);
}

#[tokio::test]
async fn a_category_in_use_stays() {
    let system = system().await;
    let anna = system.user("anna").await;
    let home = category(&anna, "Home").await;
    let task = create(&anna, json!({"title": "a", "category_id": home["id"]})).await;
    anna.delete(&address(&home)).await.expect_problem(409, "not_empty");
    anna.delete(&format!("{}?move_to={}", address(&home), home["id"].as_str().unwrap()))
        .await
        .expect_problem(400, "unknown_parameter");
    let listed = anna.get(&format!("/api/v1/tasks?category_id={}", home["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(listed["items"], json!([task]));
    let _ = anna.patch(&path(&task), json!({"category_id": null})).await.expect(200);
    assert_eq!(anna.delete(&address(&home)).await.status, 204);
}

#[tokio::test]
async fn a_category_with_wrong_fields_is_refused() {
    let system = system().await;
    let anna = system.user("anna").await;
    let body = json!({"name": " ", "color": "url(x)", "description": "\u{202e}"});
    let problem = anna.post("/api/v1/categories", body).await.expect_problem(422, "validation_failed");
    assert_eq!(
        broken(&problem),
        [("/name", "blank"), ("/color", "invalid_color"), ("/description", "forbidden_character")]
    );
    anna.post("/api/v1/categories", json!({"name": "a", "owner_id": null})).await.expect_problem(422, "unknown_field");
    assert_eq!(anna.get("/api/v1/categories").await.expect(200)["items"], json!([]));
}
