//! `POST /api/v1/auth/login`.

use crate::{is_signed_in, serve, sign_in, system, text, with};
use futures_util::future::join_all;
use serde_json::json;
use testkit::{System, Topology};

#[tokio::test]
async fn username_and_address_sign_in_in_any_case() {
    let system = system().await;
    let anna = system.user("anna").await;
    for login in ["anna", "ANNA", "anna@example.org", "Anna@Example.ORG"] {
        let tokens = sign_in(&system, login).await;
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert_eq!(tokens["refresh_expires_in"], json!(14 * 24 * 3600));
        assert!(text(&tokens, "refresh_token").starts_with("rt_"));
        assert!(is_signed_in(&with(&anna, &tokens)).await);
    }
}

#[tokio::test]
async fn every_refusal_reads_the_same() {
    let system = system().await;
    let admin = system.admin().await;
    let anna = system.user("anna").await;
    let bert = system.user("bert").await;
    let _ = admin.patch(&format!("/api/v1/users/{}", anna.id()), json!({"is_active": false})).await.expect(200);
    let _ = bert.delete_with("/api/v1/users/me", json!({"password": system.password()})).await.expect(204);
    system.user("carl").await;

    let attempts = [
        ("nobody", system.password()),
        ("nobody@example.org", system.password()),
        ("anna", system.password()),
        ("bert", system.password()),
        ("carl", "another long secret"),
        ("carl", ""),
        ("carl", "A long enough secret"),
        ("", ""),
    ];
    let mut seen = Vec::new();
    for (login, password) in attempts {
        let reply = system.anonymous().post("/api/v1/auth/login", json!({"login": login, "password": password})).await;
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        let mut problem = reply.expect_problem(401, "invalid_credentials");
        problem["request_id"] = json!(null);
        seen.push(problem);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_token_says_nothing_of_the_person() {
    use base64::Engine;
    let system = system().await;
    let anna = system.user("anna").await;
    let tokens = sign_in(&system, "anna").await;
    let part = text(&tokens, "access_token").split('.').nth(1).unwrap();
    let claims: serde_json::Value =
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["aud", "auth_time", "client_id", "epoch", "exp", "iat", "iss", "jti", "nbf", "role", "sid", "sub"]
    );
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("cleave"), &json!(anna.id())));
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let system = system().await;
    let anonymous = system.anonymous();
    let form = Some(("application/x-www-form-urlencoded", b"login=anna&password=x".to_vec()));
    anonymous
        .send(reqwest::Method::POST, "/api/v1/auth/login", form)
        .await
        .expect_problem(415, "unsupported_media_type");
    let more = json!({"login": "anna", "password": "x", "otp": "1"});
    anonymous.post("/api/v1/auth/login", more).await.expect_problem(422, "unknown_field");
    anonymous
        .post("/api/v1/auth/login?next=/", json!({"login": "a", "password": "x"}))
        .await
        .expect_problem(400, "unknown_parameter");
}

#[tokio::test]
async fn an_access_token_ends_after_ten_minutes() {
    let system = system().await;
    let anna = system.user("anna").await;
    system.advance(chrono::TimeDelta::seconds(604));
    assert!(is_signed_in(&anna).await);
    system.advance(chrono::TimeDelta::seconds(2));
    assert!(!is_signed_in(&anna).await);
}

#[tokio::test]
async fn a_flood_is_turned_away_and_leaves_nothing_behind() {
    let system = system().await;
    let anonymous = system.anonymous();
    let body = json!({"login": "admin", "password": system.password()});
    let replies = join_all((0..120).map(|_| anonymous.post("/api/v1/auth/login", body.clone()))).await;
    let (mut signed_in, mut turned_away) = (0, 0);
    for reply in replies {
        if reply.status == 200 {
            signed_in += 1;
        } else {
            assert_eq!(reply.header("retry-after"), "1");
            reply.expect_problem(503, "unavailable");
            turned_away += 1;
        }
    }
    assert!(signed_in > 0, "{turned_away} were turned away, and nobody was let in");
    let sessions = system.count("user", "SELECT count(*) FROM session").await;
    assert_eq!(sessions, signed_in, "who was turned away has no session");
    sign_in(&system, "admin").await;
}

#[tokio::test]
async fn the_session_keeps_the_clients_address_as_a_trusted_proxy_tells_it() {
    let stored = async |proxies: &str| {
        let system = System::start_with(serve, Topology::EMBEDDED, |config| {
            config.trusted_proxies = web::TrustedProxies::parse(proxies).unwrap();
        })
        .await;
        let client = system.anonymous().with("x-forwarded-for", "192.0.2.1, 203.0.113.5, 127.0.0.9");
        let body = json!({"login": "admin", "password": system.password()});
        let _ = client.post("/api/v1/auth/login", body).await.expect(200);
        system.column("user", "SELECT ip FROM session").await.remove(0)
    };
    assert_eq!(stored("").await, "127.0.0.1", "nobody is trusted");
    assert_eq!(stored("127.0.0.0/8").await, "203.0.113.5", "the last hop that is not ours");
}
