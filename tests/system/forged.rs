//! Forged access tokens, at every process that verifies some. Rule: whatever is wrong with one, the answer is the same 401,
//! nobody is asked about it, and the token that was not touched is good.

mod forgeries;
mod key;

use chrono::TimeDelta;
use contracts::Clock;
use forgeries::{Forgery, forgeries};
use key::{Key, claims_of};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use testkit::{Client, Reply, System, Topology, eventually};

testkit::in_every_topology!(
    every_forgery_gets_the_same_refusal_and_nobody_is_asked_about_it,
    a_token_is_taken_from_its_one_header_alone,
    a_token_of_a_key_that_is_gone_is_worth_nothing,
);

/// What a process does once a minute, or when it is woken.
const SOON: Duration = Duration::from_secs(20);

/// Who is spoken to, and what that one serves.
fn doors(system: &System) -> Vec<(String, Client, &'static str)> {
    let paths = [("user", "/api/v1/users/me"), ("task", "/api/v1/tasks"), ("notification", "/api/v1/notifications")];
    let mut doors: Vec<_> =
        paths.iter().map(|(domain, path)| (format!("the front, {domain}"), system.anonymous(), *path)).collect();
    if !system.topology().processes.is_empty() {
        doors.extend(paths.iter().map(|(domain, path)| ((*domain).to_owned(), system.at(domain), *path)));
    }
    doors
}

/// Nobody may come.
struct Trap(TcpListener);

impl Trap {
    fn set() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        (Self(listener), address)
    }

    fn nobody_came(&self) {
        assert_eq!(self.0.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody asked the forger for keys");
    }
}

/// The refusal without what names the request.
fn refusal(reply: &Reply, what: &str) -> Value {
    assert_eq!(reply.status, 401, "{what}: {}", reply.text);
    assert_eq!(reply.header("www-authenticate"), r#"Bearer error="invalid_token""#, "{what}");
    assert_eq!(reply.header("content-type"), "application/problem+json", "{what}");
    let mut body = reply.body.clone();
    for member in ["request_id", "instance"] {
        assert!(body.as_object_mut().unwrap().remove(member).is_some_and(|text| text.is_string()), "{what}: {body}");
    }
    body
}

async fn every_forgery_gets_the_same_refusal_and_nobody_is_asked_about_it(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, admin) = (system.user("anna").await, system.admin().await);
    let key = Key::of(&system).await;
    let (trap, address) = Trap::set();
    let forgeries = forgeries(&key, &claims_of(anna.token().unwrap()), &claims_of(admin.token().unwrap()), address);
    assert!(forgeries.len() >= 60, "{}", forgeries.len());
    let whole = key.sign(&key.header(), &claims_of(anna.token().unwrap()));

    let mut refusals: Vec<(Value, String)> = Vec::new();
    for (door, client, path) in doors(&system) {
        for token in [anna.token().unwrap(), &whole] {
            client.with_token(token).get(path).await.expect(200);
        }
        for Forgery { what, token } in &forgeries {
            let header = [b"Bearer ", token.as_slice()].concat();
            let reply = client.with_bytes("authorization", &header).get(path).await;
            let what = format!("{what}, at {door}");
            let refusal = refusal(&reply, &what);
            if !refusals.iter().any(|(known, _)| *known == refusal) {
                refusals.push((refusal, what));
            }
        }
        client.with_token(anna.token().unwrap()).get(path).await.expect(200);
    }
    assert_eq!(refusals.len(), 1, "one refusal for all: {refusals:#?}");
    for Forgery { what, token } in forgeries {
        if let Ok(token) = String::from_utf8(token) {
            let verified = system.anonymous().post("/api/v1/auth/verify", json!({"token": token})).await.expect(200);
            assert_eq!(verified, json!({"active": false}), "{what}");
        }
    }
    trap.nobody_came();
}

async fn a_token_is_taken_from_its_one_header_alone(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let token = anna.token().unwrap();
    for (_, nobody, path) in doors(&system) {
        let unknown = nobody.get(&format!("{path}?access_token={token}")).await;
        assert!(matches!(unknown.status, 400 | 401), "{}", unknown.text);
        let cookie = nobody.with("cookie", &format!("access_token={token}; Authorization=Bearer {token}"));
        cookie.get(path).await.expect_problem(401, "unauthorized");
        let form = Some(("application/x-www-form-urlencoded", format!("access_token={token}").into_bytes()));
        let posted = nobody.send(reqwest::Method::POST, path, form).await;
        assert!(matches!(posted.status, 401 | 405), "{}", posted.text);
        let twice = nobody.with_token(token).with("authorization", &format!("Bearer {token}")).get(path).await;
        refusal(&twice, "two headers");
        let basic = nobody.with("authorization", &format!("Basic {token}")).get(path).await;
        assert_eq!(basic.header("www-authenticate"), "Bearer", "no error is named where no token was shown");
        basic.expect_problem(401, "unauthorized");
        for scheme in ["bearer", "BEARER", "bEaReR"] {
            nobody.with("authorization", &format!("{scheme} {token}")).get(path).await.expect(200);
        }
    }
}

async fn a_token_of_a_key_that_is_gone_is_worth_nothing(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let (old, claims) = (Key::of(&system).await, claims_of(anna.token().unwrap()));
    let keys = async |count: usize| {
        eventually("so many keys", SOON, async || {
            let document = system.anonymous().get("/.well-known/jwks.json").await.expect(200);
            (document["keys"].as_array().unwrap().len() == count).then_some(())
        })
        .await;
    };
    system.advance(TimeDelta::days(30));
    keys(2).await;
    system.advance(TimeDelta::minutes(15));
    eventually("another key signs", SOON, async || (Key::of(&system).await.kid != old.kid).then_some(())).await;
    let fresh = |claims: &Value| {
        let now = system.clock().now().timestamp();
        let mut claims = claims.clone();
        (claims["iat"], claims["nbf"], claims["exp"]) = (json!(now), json!(now), json!(now + 600));
        claims
    };
    for (door, client, path) in doors(&system) {
        let retired = client.with_token(&old.sign(&old.header(), &fresh(&claims)));
        let known = async || (retired.get(path).await.status == 200).then_some(());
        eventually(&format!("{door}: a retired key still verifies"), SOON, known).await;
    }
    system.advance(TimeDelta::hours(1));
    keys(1).await;
    for (door, client, path) in doors(&system) {
        let gone = client.with_token(&old.sign(&old.header(), &fresh(&claims)));
        eventually("it is known that the key is gone", SOON, async || {
            (gone.get(path).await.status == 401).then_some(())
        })
        .await;
        refusal(&gone.get(path).await, &door);
        let new = Key::of(&system).await;
        client.with_token(&new.sign(&new.header(), &fresh(&claims))).get(path).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_tokens_of_unknown_keys_make_a_service_fetch_the_keys_once_at_most() {
    if !Topology::SPLIT.can_run() {
        return;
    }
    let system = System::start(app::serve, Topology::SPLIT).await;
    let (anna, admin) = (system.user("anna").await, system.admin().await);
    let (key, users) = (Key::of(&system).await, system.at("user").with_token(admin.token().unwrap()));
    let fetched = async || {
        let text = users.get("/metrics").await.text;
        let series = r#"cleave_http_requests_total{method="GET",route="/.well-known/jwks.json",status="200"}"#;
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<f64>().ok()).unwrap()
    };
    let before = fetched().await;
    let claims = claims_of(anna.token().unwrap());
    for n in 0..1_000 {
        let mut header = key.header();
        header["kid"] = json!(format!("unknown-{n}"));
        let forged = system.at("task").with_token(&key.sign(&header, &claims));
        refusal(&forged.get("/api/v1/tasks").await, "an unknown key");
    }
    let asked = fetched().await - before;
    assert!(asked <= 1.0, "{asked} fetches");
    system.at("task").with_token(anna.token().unwrap()).get("/api/v1/tasks").await.expect(200);
}
