//! How often a password may be tried, and an account asked for.

use crate::{is_signed_in, serve, text};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Reply, System, Topology};
use web::{Quota, TrustedProxies};

const LOGIN: &str = "/api/v1/auth/login";
const REGISTER: &str = "/api/v1/auth/register";
const VERIFY: &str = "/api/v1/auth/verify";
const ME: &str = "/api/v1/users/me";
const HOUR: Duration = Duration::from_secs(3600);

/// A system that believes the test who it is.
async fn limited(login: u32, window: Duration, register: u32) -> System {
    System::start_with(serve, Topology::asked(), |config| {
        config.trusted_proxies = TrustedProxies::parse("127.0.0.1").unwrap();
        config.login_limit = Quota::new(login, window).unwrap();
        config.register_limit = Quota::new(register, HOUR).unwrap();
    })
    .await
}

/// Whether what a client says of its address gets through: a gateway before the process believes nobody.
fn is_believed(system: &System) -> bool {
    !system.topology().gateway
}

fn from(system: &System, address: &str) -> Client {
    system.anonymous().with("x-forwarded-for", address)
}

async fn sign_in(client: &Client, password: &str) -> Reply {
    sign_in_as(client, "admin", password).await
}

async fn sign_in_as(client: &Client, login: &str, password: &str) -> Reply {
    client.post(LOGIN, json!({"login": login, "password": password})).await
}

/// A refusal by that limit; in how many seconds to come again.
fn refused(reply: Reply, policy: &str, count: u32, window: u64) -> u64 {
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert_eq!(reply.header("ratelimit-policy"), format!("\"{policy}\";q={count};w={window}"));
    assert_eq!(reply.header("ratelimit"), format!("\"{policy}\";r=0;t={wait}"));
    reply.expect_problem(429, "rate_limited");
    wait
}

#[tokio::test]
async fn a_network_has_so_many_attempts_whatever_the_password_is_asked_for() {
    let system = limited(4, HOUR, 100).await;
    let tokens = sign_in(&system.anonymous(), system.password()).await.expect(200);
    let admin = system.anonymous().with_token(text(&tokens, "access_token"));
    sign_in(&system.anonymous(), "not the password").await.expect_problem(401, "invalid_credentials");
    let told = system.anonymous().post(VERIFY, json!({"token": "x"})).await.expect(200);
    assert_eq!(told, json!({"active": false}));
    admin.delete_with(ME, json!({"password": "not the password"})).await.expect_problem(403, "forbidden");
    let sessions = system.count("user", "SELECT count(*) FROM session").await;
    for reply in [
        sign_in(&system.anonymous(), system.password()).await,
        system.anonymous().post(VERIFY, json!({"token": "x"})).await,
        admin.delete_with(ME, json!({"password": system.password()})).await,
        admin.delete_with(&format!("/api/v1/users/{}", id(&admin).await), json!({"password": system.password()})).await,
    ] {
        assert!((890..=900).contains(&refused(reply, "login", 4, 3600)));
    }
    assert_eq!(system.count("user", "SELECT count(*) FROM session").await, sessions);
    assert!(is_signed_in(&admin).await, "what asks for no password goes on, and nobody was deleted");
}

async fn id(client: &Client) -> String {
    text(&client.get(ME).await.expect(200), "id").to_owned()
}

#[tokio::test]
async fn what_a_stranger_says_of_its_address_makes_nobody_else_of_it() {
    // Behind a gateway, the process believes the gateway, which believes no client.
    let system = System::start_with(serve, Topology::asked(), |config| {
        config.login_limit = Quota::new(10, HOUR).unwrap();
    })
    .await;
    let attempts = (0..50).map(|n| {
        let address = format!("198.51.100.{n}");
        let client = system.anonymous().with("x-forwarded-for", &address).with("x-real-ip", &address);
        let client = client.with("forwarded", &format!("for={address}"));
        async move { client.post(LOGIN, json!({"login": format!("user{n}"), "password": "x"})).await }
    });
    let replies = join_all(attempts).await;
    let refused = replies.iter().filter(|reply| reply.status == 429).count();
    assert_eq!(refused, 40);
    assert!(replies.iter().all(|reply| matches!(reply.status, 401 | 429)));
}

#[tokio::test]
async fn a_stranger_who_tries_an_account_does_not_keep_its_owner_out() {
    // Each network twice an hour, and the account from everywhere once in five minutes.
    let system = limited(2, HOUR, 100).await;
    if !is_believed(&system) {
        return;
    }
    let home = from(&system, "203.0.113.1");
    sign_in(&home, system.password()).await.expect(200);
    let mut tried = 0;
    for n in 0..5 {
        let reply = sign_in(&from(&system, &format!("198.51.100.{n}")), "not the password").await;
        match reply.status {
            401 => tried += 1,
            _ => assert!((290..=300).contains(&refused(reply, "login", 1, 300))),
        }
    }
    assert_eq!(tried, 1, "one after the other");
    let elsewhere = sign_in(&from(&system, "203.0.113.2"), system.password()).await;
    refused(elsewhere, "login", 1, 300);
    sign_in(&home, system.password()).await.expect(200);
}

#[tokio::test]
async fn a_neighbour_of_the_owner_is_refused_in_the_same_words_at_every_name() {
    // Each network ten times an hour, and a name from everywhere once in a minute.
    let system = limited(10, HOUR, 100).await;
    if !is_believed(&system) {
        return;
    }
    let (home, stranger) = (from(&system, "203.0.113.1"), from(&system, "198.51.100.1"));
    sign_in(&home, system.password()).await.expect(200);
    for login in ["admin", "nobody"] {
        sign_in_as(&stranger, login, "not the password").await.expect_problem(401, "invalid_credentials");
    }
    let mut told = Vec::new();
    for login in ["ADMIN", "nobody"] {
        let reply = sign_in_as(&home, login, "not the password").await;
        let mut body = reply.body.clone();
        body.as_object_mut().unwrap().remove("request_id");
        assert!((50..=60).contains(&refused(reply, "login", 1, 60)), "{login}");
        told.push(body);
    }
    assert_eq!(told[0], told[1]);
    sign_in(&home, system.password()).await.expect(200);
    for login in ["admin@cleave.invalid", "nobody@cleave.invalid"] {
        let reply = sign_in_as(&stranger, login, "not the password").await;
        reply.expect_problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn who_was_signed_in_long_ago_is_at_home_nowhere() {
    let system = limited(10, HOUR, 100).await;
    if !is_believed(&system) {
        return;
    }
    let home = from(&system, "203.0.113.1");
    sign_in(&home, system.password()).await.expect(200);
    system.advance(TimeDelta::days(15));
    sign_in(&from(&system, "198.51.100.1"), "not the password").await.expect_problem(401, "invalid_credentials");
    refused(sign_in(&home, system.password()).await, "login", 1, 60);
}

#[tokio::test]
async fn a_correct_password_from_another_network_gets_in_during_an_attack() {
    // As shipped: ten a minute, thirty failures an hour, one a second.
    let system = limited(10, Duration::from_secs(60), 100).await;
    if !is_believed(&system) {
        return;
    }
    let stranger = from(&system, "198.51.100.1");
    let attack = join_all((0..20).map(|_| sign_in(&stranger, "not the password"))).await;
    assert!(attack.iter().all(|reply| matches!(reply.status, 401 | 429)));
    assert!(attack.iter().filter(|reply| reply.status == 429).count() >= 10);
    let mut waited = 0;
    while sign_in(&from(&system, &format!("2001:db8:0:{waited}::1")), system.password()).await.status == 429 {
        waited += 1;
        assert!(waited < 5, "the owner is locked out");
    }
}

#[tokio::test]
async fn a_network_asks_for_so_many_accounts() {
    let system = limited(1000, HOUR, 2).await;
    let body = |name: &str| json!({"username": name, "email": format!("{name}@x.org"), "password": system.password()});
    let invalid = system.anonymous().post(REGISTER, json!({"username": "A", "email": "x", "password": "y"})).await;
    invalid.expect(422);
    system.anonymous().post(REGISTER, body("anna")).await.expect(201);
    system.anonymous().post(REGISTER, body("anna")).await.expect_problem(409, "username_taken");
    let reply = system.anonymous().post(REGISTER, body("ben")).await;
    assert!((1790..=1800).contains(&refused(reply, "register", 2, 3600)));
    let users = "SELECT count(*) FROM users WHERE username <> 'admin'";
    assert_eq!(system.count("user", users).await, 1);
    if is_believed(&system) {
        from(&system, "203.0.113.5").post(REGISTER, body("ben")).await.expect(201);
    }
    let login: Value = sign_in(&system.anonymous(), system.password()).await.expect(200);
    assert!(login["access_token"].is_string(), "who has an account is not concerned");
}
