//! The signing keys, as whoever verifies sees them.

use crate::{is_signed_in, serve, sign_in, system, text, with};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;
use testkit::{System, Topology, eventually};

/// A job of the process has to see that it is time.
const SOON: Duration = Duration::from_secs(20);

/// The keys that are published, oldest first.
async fn published(system: &System) -> Vec<String> {
    let document = system.anonymous().get("/.well-known/jwks.json").await.expect(200);
    document["keys"].as_array().unwrap().iter().map(|key| text(key, "kid").to_owned()).collect()
}

fn key_of(tokens: &Value) -> String {
    let header = text(tokens, "access_token").split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    text(&header, "kid").to_owned()
}

async fn are_published(system: &System, count: usize) -> Vec<String> {
    eventually("so many keys", SOON, async || Some(published(system).await).filter(|keys| keys.len() == count)).await
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_until_its_last_token_is_gone() {
    let system = system().await;
    let anna = system.user("anna").await;
    let [first] = published(&system).await.try_into().unwrap();
    system.advance(TimeDelta::days(30) - TimeDelta::minutes(15));
    let [_, second] = are_published(&system, 2).await.try_into().unwrap();
    system.advance(TimeDelta::minutes(14));
    let before = sign_in(&system, "anna").await;
    assert_eq!(key_of(&before), first, "the next one does not sign yet");

    system.advance(TimeDelta::minutes(1));
    eventually("the next one signs", SOON, async || (key_of(&sign_in(&system, "anna").await) == second).then_some(()))
        .await;
    assert_eq!(published(&system).await, [first, second.clone()]);
    assert!(is_signed_in(&with(&anna, &before)).await, "a token from before the change is good after it");

    system.advance(TimeDelta::hours(1));
    assert_eq!(are_published(&system, 1).await, std::slice::from_ref(&second));
    let after = sign_in(&system, "anna").await;
    assert!(key_of(&after) == second && is_signed_in(&with(&anna, &after)).await);
}

#[tokio::test]
async fn a_change_of_keys_survives_a_restart() {
    let mut system = system().await;
    system.advance(TimeDelta::days(30));
    let both = are_published(&system, 2).await;
    system.restart().await;
    assert_eq!(published(&system).await, both);
    system.advance(TimeDelta::minutes(15));
    eventually("the next one signs", SOON, async || {
        (key_of(&sign_in(&system, "admin").await) == both[1]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_row_that_somebody_else_wrote_makes_no_tokens_good() {
    let system = system().await;
    let ours = published(&system).await;
    let jwk = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "theirs",
        "x": URL_SAFE_NO_PAD.encode([1; 32]), "y": URL_SAFE_NO_PAD.encode([2; 32])});
    let sealed = if system.on_postgres() { "'\\x00'" } else { "x'00'" };
    let row = format!(
        "INSERT INTO signing_key SELECT 'theirs', 'retired', '{jwk}', {sealed}, created_at, created_at, created_at
         FROM signing_key"
    );
    system.execute("user", &row).await;
    assert_eq!(published(&system).await, ours);
    assert_eq!(vec![key_of(&sign_in(&system, "admin").await)], ours, "and ours go on");
}

#[tokio::test]
async fn keys_that_cannot_be_trusted_stop_the_start_with_a_line_that_says_why() {
    let mut system = System::start(serve, Topology::EMBEDDED).await;
    system.advance(TimeDelta::days(30));
    are_published(&system, 2).await;
    system.stop().await;
    let file = system.directory().join("user.db");
    let sound = fs::read(&file).unwrap();
    let start = async |sql: &str| {
        fs::write(&file, &sound).unwrap();
        rusqlite::Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        let config = runtime::Config::embedded(system.directory().to_owned());
        runtime::serve(config, vec![user::module()]).await
    };
    let no_curve = "is no P-256 key, or its public part does not belong to it";
    for (sql, expected) in [
        ("UPDATE signing_key SET state = 'retired'", "no signing key is active"),
        (
            "DROP INDEX signing_key_active; UPDATE signing_key SET state = 'active'",
            "more than one signing key is active",
        ),
        ("UPDATE signing_key SET public_jwk = '{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"alg\":\"HS256\"}'", no_curve),
        ("UPDATE signing_key SET public_jwk = replace(public_jwk, 'ES256', 'ES384')", no_curve),
        ("UPDATE signing_key SET public_jwk = replace(public_jwk, 'P-256', 'P-384')", no_curve),
        (
            "UPDATE signing_key SET private_ct = x'00' WHERE state = 'next'",
            "does not open with the present CLEAVE_KEYS_SECRET",
        ),
    ] {
        let error = start(sql).await.err().unwrap_or_else(|| panic!("it started after {sql}")).to_string();
        assert!(error.starts_with("cannot use the signing keys: ") && error.contains(expected), "{sql}: {error}");
        assert_eq!(error.lines().count(), 1);
    }
    start("").await.unwrap().stop().await;
}
