//! Forged, old and foreign tokens: a table of everything that must not be believed.

use crate::world::{ISSUER, Signer, Source, World, anna, ben, signing_input};
use actix_web::web::Data;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use web::{Claims, KeySource, Revoked};

/// A copy of `value` with one member set, or removed for null.
fn with(value: &Value, member: &str, new: Value) -> Value {
    let mut value = value.clone();
    if new.is_null() {
        value.as_object_mut().unwrap().remove(member);
    } else {
        value[member] = new;
    }
    value
}

async fn world() -> (World, Value, Value) {
    let world = World::new().await;
    let (header, claims) = (world.signer.header(), json!(world.claims(anna())));
    (world, header, claims)
}

#[actix_web::test]
async fn a_good_token_is_believed_word_for_word() {
    let (world, header, claims) = world().await;
    assert_eq!(world.verifier.verify(&world.signer.sign(&header, &claims)), Ok(world.claims(anna())));
    let spelt_out = with(&header, "typ", json!("Application/AT+JWT"));
    assert!(world.verifier.verify(&world.signer.sign(&spelt_out, &claims)).is_ok());
    let from_the_future = with(&claims, "a_claim_of_a_later_version", json!(1));
    assert!(world.verifier.verify(&world.signer.sign(&header, &from_the_future)).is_ok());
}

#[actix_web::test]
async fn an_algorithm_other_than_the_keys_is_refused() {
    let (world, header, claims) = world().await;
    for alg in ["none", "None", "nOnE", "", "HS256", "RS256", "PS256", "ES384", "EdDSA", "Ed25519"] {
        let header = with(&header, "alg", json!(alg));
        assert!(world.verifier.verify(&world.signer.sign(&header, &claims)).is_err(), "{alg}");
        let unsigned = format!("{}.", signing_input(&header.to_string(), &claims.to_string()));
        assert!(world.verifier.verify(&unsigned).is_err(), "{alg} without a signature");
    }
    let without = with(&header, "alg", Value::Null);
    assert!(world.verifier.verify(&world.signer.sign(&without, &claims)).is_err());
}

#[actix_web::test]
async fn the_public_key_is_no_shared_secret() {
    let (world, header, claims) = world().await;
    let point = world.signer.public_key();
    let mut der =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"
            .to_vec();
    der.extend_from_slice(point);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let jwk = world.signer.jwk().to_string();
    let input = signing_input(&with(&header, "alg", json!("HS256")).to_string(), &claims.to_string());
    for secret in [point, &point[1..], &der[..], pem.as_bytes(), jwk.as_bytes(), b""] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        assert!(world.verifier.verify(&format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))).is_err());
    }
}

#[actix_web::test]
async fn a_header_that_is_not_plain_is_refused() {
    let (world, header, claims) = world().await;
    let stranger = Signer::new("key-1");
    for (member, value) in [
        ("typ", Value::Null),
        ("typ", json!("JWT")),
        ("typ", json!("rt+jwt")),
        ("typ", json!("application/jwt")),
        ("typ", json!("x/at+jwt")),
        ("typ", json!(1)),
        ("kid", Value::Null),
        ("kid", json!("")),
        ("kid", json!("key-2")),
        ("kid", json!("../../../dev/null")),
        ("kid", json!("' OR 1=1--")),
        ("kid", json!("k".repeat(65))),
        ("kid", json!(["key-1"])),
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("crit", json!("exp")),
        ("jwk", stranger.jwk()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x5u")),
        ("x5c", json!(["MAo="])),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
    ] {
        let header = with(&header, member, value);
        assert!(world.verifier.verify(&world.signer.sign(&header, &claims)).is_err(), "{header}");
    }
    assert!(world.verifier.verify(&stranger.sign(&header, &claims)).is_err(), "another key under a known id");
    let brings_its_own = with(&header, "jwk", stranger.jwk());
    assert!(world.verifier.verify(&stranger.sign(&brings_its_own, &claims)).is_err());
}

#[actix_web::test]
async fn a_claim_of_another_kind_is_refused() {
    let (world, header, claims) = world().await;
    for member in claims.as_object().unwrap().keys() {
        let missing = with(&claims, member, Value::Null);
        assert!(world.verifier.verify(&world.signer.sign(&header, &missing)).is_err(), "without {member}");
    }
    for member in ["exp", "nbf", "iat", "auth_time"] {
        for value in [json!("1767323645"), json!(1_767_323_645.5), json!(-1), json!([1_767_323_645])] {
            let wrong = with(&claims, member, value.clone());
            assert!(world.verifier.verify(&world.signer.sign(&header, &wrong)).is_err(), "{member} = {value}");
        }
        let null =
            claims.to_string().replace(&format!("\"{member}\":{}", claims[member]), &format!("\"{member}\":null"));
        assert!(world.verifier.verify(&world.signer.sign_text(&header.to_string(), &null)).is_err(), "{member} null");
    }
    for (member, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{ISSUER}/"))),
        ("iss", json!([ISSUER])),
        ("aud", json!("another")),
        ("aud", json!([])),
        ("aud", json!(["cleave", "another"])),
        ("sub", json!("anna")),
        ("sub", json!(7)),
        ("client_id", json!("third-party")),
        ("role", json!("root")),
        ("epoch", json!("1")),
        ("sid", json!("x")),
        ("jti", json!("x")),
    ] {
        let wrong = with(&claims, member, value.clone());
        assert!(world.verifier.verify(&world.signer.sign(&header, &wrong)).is_err(), "{member} = {value}");
    }
}

#[actix_web::test]
async fn the_injected_clock_decides_what_is_too_old_and_too_new() {
    let (world, _, _) = world().await;
    let good = world.claims(anna());
    let now = good.iat;
    let verdict = |claims: &Claims| world.verifier.verify(&world.sign(claims)).is_ok();
    for (claims, expected) in [
        (Claims { exp: now - 4, iat: now - 100, nbf: now - 100, ..good.clone() }, true),
        (Claims { exp: now - 5, iat: now - 100, nbf: now - 100, ..good.clone() }, false),
        (Claims { iat: now + 5, nbf: now + 5, ..good.clone() }, true),
        (Claims { iat: now + 6, ..good.clone() }, false),
        (Claims { nbf: now + 6, ..good.clone() }, false),
        (Claims { exp: now + 605, ..good.clone() }, true),
        (Claims { exp: now + 606, ..good.clone() }, false),
        (Claims { exp: u64::MAX, ..good.clone() }, false),
        (Claims { exp: now, iat: now + 1, ..good.clone() }, false),
        (Claims { iat: 0, ..good.clone() }, false),
    ] {
        assert_eq!(verdict(&claims), expected, "{claims:?} at {now}");
    }
    let token = world.sign(&good);
    world.clock.advance(TimeDelta::seconds(604));
    assert!(world.verifier.verify(&token).is_ok());
    world.clock.advance(TimeDelta::seconds(1));
    assert!(world.verifier.verify(&token).is_err());
}

#[actix_web::test]
async fn damage_anywhere_is_noticed() {
    let (world, header, claims) = world().await;
    let token = world.signer.sign(&header, &claims);
    let parts: Vec<&str> = token.split('.').collect();
    for (index, part) in parts.iter().enumerate() {
        let mut bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let mut damaged: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        damaged[index] = URL_SAFE_NO_PAD.encode(bytes);
        assert!(world.verifier.verify(&damaged.join(".")).is_err(), "part {index}");
    }
    let exp = claims["exp"].to_string();
    let twice = claims.to_string().replacen('{', &format!("{{\"exp\":{exp},"), 1);
    assert!(world.verifier.verify(&world.signer.sign_text(&header.to_string(), &twice)).is_err(), "a claim twice");
    let twice = header.to_string().replacen('{', "{\"alg\":\"none\",", 1);
    assert!(world.verifier.verify(&world.signer.sign_text(&twice, &claims.to_string())).is_err(), "a header twice");
    for wrong in [
        String::new(),
        "..".to_owned(),
        parts[..2].join("."),
        format!("{token}.{}", parts[2]),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        token.replace('.', " "),
        world.signer.sign_text("not json", "{}"),
        world.signer.sign_text(&header.to_string(), "7"),
        world.signer.sign(&header, &with(&claims, "padding", json!("x".repeat(8192)))),
    ] {
        assert!(world.verifier.verify(&wrong).is_err(), "{wrong:.60}");
    }
}

#[actix_web::test]
async fn a_revoked_session_and_an_old_epoch_end_and_nothing_else_does() {
    let world = World::new().await;
    let (hers, his) = (world.claims(anna()), world.claims(ben()));
    let believed = |claims: &Claims| world.verifier.verify(&world.sign(claims)).is_ok();
    world.revoke(Revoked::Session(hers.sid)).await;
    assert!(!believed(&hers));
    assert!(believed(&Claims { sid: his.sid, ..hers.clone() }), "her other session goes on");
    world.revoke(Revoked::User { id: ben(), min_epoch: 2 }).await;
    assert!(!believed(&his));
    assert!(believed(&Claims { epoch: 2, ..his.clone() }), "a token issued since then is good");
    world.revoke(Revoked::User { id: ben(), min_epoch: 1 }).await;
    assert!(!believed(&his), "an epoch never goes back");

    world.clock.advance(TimeDelta::minutes(12));
    world.load().await;
    assert!(believed(&world.claims(anna())), "what is forgotten has expired by itself");
    assert!(!believed(&hers));
}

/// The signature of a token is verified once; what may change meanwhile is looked at each time.
#[actix_web::test]
async fn a_token_that_was_believed_ends_with_its_session_its_time_and_its_key() {
    let world = World::new().await;
    let believed_before = |claims: &Claims| {
        let token = world.sign(claims);
        assert!(world.verifier.verify(&token).is_ok());
        token
    };
    let (hers, his) = (world.claims(anna()), world.claims(ben()));
    let revoked = believed_before(&hers);
    world.revoke(Revoked::Session(hers.sid)).await;
    assert!(world.verifier.verify(&revoked).is_err());

    let old = believed_before(&his);
    world.clock.advance(TimeDelta::seconds(605));
    assert!(world.verifier.verify(&old).is_err());

    let of_a_gone_key = believed_before(&world.claims(ben()));
    *world.source.keys.lock().unwrap() = vec![Signer::new("key-2").jwk()];
    world.load().await;
    assert!(world.verifier.verify(&of_a_gone_key).is_err());
}

#[actix_web::test]
async fn a_source_that_starts_again_from_nothing_is_heard_from_its_beginning() {
    let world = World::new().await;
    world.revoke(Revoked::User { id: ben(), min_epoch: 2 }).await;
    world.revoke(Revoked::User { id: ben(), min_epoch: 3 }).await;
    world.source.revocations.lock().unwrap().clear();
    world.load().await;
    world.revoke(Revoked::Session(world.claims(anna()).sid)).await;
    assert!(world.verifier.verify(&world.token(anna())).is_err());
}

#[actix_web::test]
async fn only_signing_keys_on_p256_are_taken_and_a_key_that_is_gone_verifies_nothing() {
    let world = World::new().await;
    let next = Signer::new("key-2");
    world.source.keys.lock().unwrap().push(next.jwk());
    world.load().await;
    let claims = json!(world.claims(anna()));
    assert!(world.verifier.verify(&next.sign(&next.header(), &claims)).is_ok());

    let unusable = [
        with(&world.signer.jwk(), "use", json!("enc")),
        with(&world.signer.jwk(), "alg", Value::Null),
        with(&world.signer.jwk(), "alg", json!("ES384")),
        with(&world.signer.jwk(), "kid", Value::Null),
        json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "key-1"}),
        json!({"kty": "from the future", "kid": "key-1"}),
        with(&world.signer.jwk(), "crv", json!("P-999")),
        with(&world.signer.jwk(), "crv", json!("P-384")),
        with(&world.signer.jwk(), "x", Value::Null),
        with(&world.signer.jwk(), "y", json!("!")),
        with(&world.signer.jwk(), "key_ops", json!(7)),
        json!("not a key"),
        Value::Null,
    ];
    for key in unusable {
        *world.source.keys.lock().unwrap() = vec![key.clone(), next.jwk()];
        world.load().await;
        let old = world.signer.sign(&world.signer.header(), &claims);
        assert!(world.verifier.verify(&old).is_err(), "{key}");
    }

    let padding = with(&next.jwk(), "kid", json!("x".repeat(64 * 1024)));
    *world.source.keys.lock().unwrap() = vec![world.signer.jwk(), padding];
    assert!(world.verifier.load(world.source.as_ref()).await.is_err(), "more than 64 KiB");
    *world.source.keys.lock().unwrap() = (0..16).map(|_| next.jwk()).chain([world.signer.jwk()]).collect();
    world.load().await;
    let seventeenth = world.signer.sign(&world.signer.header(), &claims);
    assert!(world.verifier.verify(&seventeenth).is_err(), "more than 16 keys");

    world.source.keys.lock().unwrap().clear();
    assert!(world.verifier.load(world.source.as_ref()).await.is_err(), "no key at all is a fault of the source");
    assert!(world.verifier.verify(&next.sign(&next.header(), &claims)).is_ok(), "what was held before stays");
    assert!(world.source.snapshot().await.is_ok());
}

#[actix_web::test]
async fn what_a_silent_source_said_is_worth_nothing_after_an_hour() {
    let (world, ..) = world().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(59 * 60)).await;
    assert!(world.verifier.is_loaded() && world.verifier.is_stale());
    tokio::time::advance(Duration::from_secs(2 * 60)).await;
    assert!(!world.verifier.is_loaded());
    world.load().await;
    assert!(world.verifier.is_loaded());
}

#[actix_web::test]
async fn tokens_of_unknown_keys_make_the_source_look_again_now_and_then() {
    let (world, _, claims) = world().await;
    tokio::time::pause();
    let refetched = || world.source.refetched.load(Ordering::SeqCst);
    let follow = world.verifier.get_ref();
    let source: Arc<dyn KeySource> = Arc::<Source>::clone(&world.source);
    let verifier = Data::clone(&world.verifier).into_inner();
    let following = tokio::spawn(verifier.follow(source));
    let stranger = Signer::new("key-2");
    let unknown = || {
        for _ in 0..1000 {
            follow.verify(&stranger.sign(&stranger.header(), &claims)).unwrap_err();
        }
    };
    unknown();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(refetched(), 1);
    for _ in 0..20 {
        unknown();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(refetched(), 1, "once in 30 s");
    for _ in 0..12 {
        unknown();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(refetched(), 2);
    following.abort();
}
