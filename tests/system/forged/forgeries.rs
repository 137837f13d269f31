//! The forgeries: each is a good token in which one thing is wrong, and all else is signed by the real key where that can
//! be. One list a kind, so that a further one is one line.

use super::key::{Key, encode};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// A token, and what is wrong with it.
pub(super) struct Forgery {
    pub(super) what: String,
    pub(super) token: Vec<u8>,
}

impl Forgery {
    fn new(what: impl Into<String>, token: impl Into<Vec<u8>>) -> Self {
        Self { what: what.into(), token: token.into() }
    }
}

/// All of them: of `claims`, a user's; `admin` are an administrator's, and `trap` is where the forger waits to be asked.
pub(super) fn forgeries(key: &Key, claims: &Value, admin: &Value, trap: SocketAddr) -> Vec<Forgery> {
    [
        algorithms(key, claims),
        shared_secrets(key, claims),
        other_keys(key, claims),
        headers(key, claims, trap),
        key_names(key, claims),
        claim_kinds(key, claims),
        claim_values(key, claims),
        times(key, claims),
        shapes(key, claims),
        stitched(key, claims, admin),
        flips(key, claims),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn with(value: &Value, member: &str, new: Value) -> Value {
    let mut value = value.clone();
    value[member] = new;
    value
}

fn without(value: &Value, member: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(member);
    value
}

fn input(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

/// Under the real key's id: unsigned, signed with nothing, and signed well but said to be something else.
fn algorithms(key: &Key, claims: &Value) -> Vec<Forgery> {
    let spellings =
        ["none", "None", "NONE", "nOnE", "", "ES256 ", "es256", "ES256K", "HS256", "RS256", "PS256", "ES384", "EdDSA"];
    let mut all = Vec::new();
    for alg in spellings {
        let header = with(&key.header(), "alg", json!(alg));
        all.push(Forgery::new(format!("alg {alg:?} with no signature"), format!("{}.", input(&header, claims))));
        all.push(Forgery::new(format!("alg {alg:?} with a good signature"), key.sign(&header, claims)));
    }
    for alg in [Value::Null, json!(["ES256"]), json!(256), json!({"ES256": true})] {
        all.push(Forgery::new(format!("alg {alg}"), key.sign(&with(&key.header(), "alg", alg), claims)));
    }
    all.push(Forgery::new("no alg", key.sign(&without(&key.header(), "alg"), claims)));
    all.push(Forgery::new("no signature", format!("{}.", input(&key.header(), claims))));
    for length in [1, 63, 64, 65, 72] {
        let zeros = encode(vec![0; length]);
        all.push(Forgery::new(
            format!("{length} zeros for a signature"),
            format!("{}.{zeros}", input(&key.header(), claims)),
        ));
    }
    all
}

/// HMAC with what everybody knows.
fn shared_secrets(key: &Key, claims: &Value) -> Vec<Forgery> {
    let point = key.point();
    // SubjectPublicKeyInfo of a P-256 key, up to the point.
    let mut spki =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"
            .to_vec();
    spki.extend_from_slice(point);
    let pem = |line: &str| {
        format!("-----BEGIN PUBLIC KEY-----{line}{}{line}-----END PUBLIC KEY-----{line}", STANDARD.encode(&spki))
    };
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])}).to_string();
    let (unix, windows) = (pem("\n"), pem("\r\n"));
    let secrets: [(&str, &[u8]); 9] = [
        ("PEM", unix.as_bytes()),
        ("PEM with CRLF", windows.as_bytes()),
        ("SPKI in DER", &spki),
        ("point", point),
        ("x and y", &point[1..]),
        ("x", &point[1..33]),
        ("JWK", jwk.as_bytes()),
        ("kid", key.kid.as_bytes()),
        ("empty key", b""),
    ];
    let mut all = Vec::new();
    for (name, secret) in secrets {
        for (alg, hash) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
            let input = input(&with(&key.header(), "alg", json!(alg)), claims);
            let tag = hmac::sign(&hmac::Key::new(hash, secret), input.as_bytes());
            all.push(Forgery::new(format!("{alg} with the public key as {name}"), format!("{input}.{}", encode(tag))));
        }
    }
    all
}

/// Signed by the forger's own keys, under the real one's id.
fn other_keys(key: &Key, claims: &Value) -> Vec<Forgery> {
    let random = SystemRandom::new();
    let ec = |algorithm, alg: &str| {
        let input = input(&with(&key.header(), "alg", json!(alg)), claims);
        let signature = EcdsaKeyPair::generate(algorithm).unwrap().sign(&random, input.as_bytes()).unwrap();
        (format!("{alg} by another key"), format!("{input}.{}", encode(signature)))
    };
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa = |padding, alg: &str| {
        let input = input(&with(&key.header(), "alg", json!(alg)), claims);
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(padding, &random, input.as_bytes(), &mut signature).unwrap();
        (format!("{alg} by another key"), format!("{input}.{}", encode(signature)))
    };
    let ed = |alg: &str| {
        let input = input(&with(&key.header(), "alg", json!(alg)), claims);
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let signature = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap().sign(input.as_bytes());
        (format!("{alg} by another key"), format!("{input}.{}", encode(signature)))
    };
    [
        ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256"),
        ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384"),
        ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "ES256"),
        rsa(&RSA_PKCS1_SHA256, "RS256"),
        rsa(&RSA_PSS_SHA256, "PS256"),
        ed("EdDSA"),
        ed("Ed25519"),
    ]
    .into_iter()
    .map(|(what, token)| Forgery::new(what, token))
    .collect()
}

/// What a header must not say, although the real key signed it; and the forger's key, brought along.
fn headers(key: &Key, claims: &Value, trap: SocketAddr) -> Vec<Forgery> {
    let own = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = own.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key.kid,
        "x": encode(&point[1..33]), "y": encode(&point[33..])});
    let url = format!("http://{trap}/keys");
    let brought = [
        ("jwk", jwk.clone()),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!([STANDARD.encode(b"a certificate")])),
    ];
    let mut all = Vec::new();
    for (member, value) in brought {
        let header = with(&key.header(), member, value);
        let input = input(&header, claims);
        let signature = own.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        all.push(Forgery::new(format!("{member}, signed by what it names"), format!("{input}.{}", encode(signature))));
        all.push(Forgery::new(format!("{member}, signed well"), key.sign(&header, claims)));
        let named = with(&header, "kid", json!(url));
        all.push(Forgery::new(format!("{member}, and its address for a kid"), key.sign(&named, claims)));
    }
    for (member, value) in [
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!("exp")),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("typ", json!("JWT")),
        ("typ", json!("")),
        ("typ", json!("rt+jwt")),
        ("typ", json!("refresh")),
        ("typ", json!("at+jwt ")),
        ("typ", json!("application/jwt")),
        ("typ", json!("secevent+jwt")),
        ("typ", json!(["at+jwt"])),
    ] {
        let what = format!("{member} {value}");
        all.push(Forgery::new(what, key.sign(&with(&key.header(), member, value), claims)));
    }
    all.push(Forgery::new("no typ", key.sign(&without(&key.header(), "typ"), claims)));
    all
}

fn key_names(key: &Key, claims: &Value) -> Vec<Forgery> {
    let kids = [
        json!(""),
        json!("unknown"),
        json!("../../../dev/null"),
        json!("/dev/null"),
        json!("' OR 1=1--"),
        json!("x' UNION SELECT 'secret"),
        json!(format!("{}\u{0}", key.kid)),
        json!(format!(" {}", key.kid)),
        json!(format!("{}.", key.kid)),
        json!(key.kid.to_lowercase()),
        json!("k".repeat(10_000)),
        json!("0"),
        json!(0),
        json!([key.kid]),
        json!({"kid": key.kid}),
        Value::Null,
        json!("|curl http://127.0.0.1"),
        json!("\u{202E}"),
    ];
    let mut all: Vec<_> = kids
        .into_iter()
        .map(|kid| {
            let what: String = format!("kid {kid}").chars().take(60).collect();
            Forgery::new(what, key.sign(&with(&key.header(), "kid", kid), claims))
        })
        .collect();
    all.push(Forgery::new("no kid", key.sign(&without(&key.header(), "kid"), claims)));
    all
}

/// Claims that are missing, or of another kind.
fn claim_kinds(key: &Key, claims: &Value) -> Vec<Forgery> {
    let mut all = Vec::new();
    for member in claims.as_object().unwrap().keys() {
        all.push(Forgery::new(format!("no {member}"), key.sign(&key.header(), &without(claims, member))));
        for value in [Value::Null, json!([claims[member]]), json!({"a": claims[member]}), json!(true)] {
            let what = format!("{member} {value}");
            all.push(Forgery::new(what, key.sign(&key.header(), &with(claims, member, value))));
        }
    }
    for member in ["exp", "nbf", "iat", "auth_time"] {
        let number = claims[member].as_i64().unwrap();
        let decimal = f64::from(i32::try_from(number).unwrap()) + 0.5;
        for value in [json!(number.to_string()), json!(decimal), json!(-number), json!("")] {
            let what = format!("{member} {value}");
            all.push(Forgery::new(what, key.sign(&key.header(), &with(claims, member, value))));
        }
        let huge = claims.to_string().replace(&format!("\"{member}\":{number}"), &format!("\"{member}\":1e400"));
        all.push(Forgery::new(format!("{member} 1e400"), key.sign_text(&key.header().to_string(), &huge)));
    }
    all
}

fn claim_values(key: &Key, claims: &Value) -> Vec<Forgery> {
    let issuer = claims["iss"].as_str().unwrap();
    [
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{issuer}/"))),
        ("iss", json!(issuer.to_uppercase())),
        ("iss", json!("")),
        ("iss", json!([issuer, "https://evil.example"])),
        ("aud", json!("another")),
        ("aud", json!("")),
        ("aud", json!("Cleave")),
        ("aud", json!([])),
        ("aud", json!(["another", "cleave"])),
        ("sub", json!("anna")),
        ("sub", json!("")),
        ("sub", json!("' OR 1=1--")),
        ("sub", json!(7)),
        ("sid", json!("none")),
        ("jti", json!("")),
        ("client_id", json!("third-party")),
        ("role", json!("root")),
        ("role", json!("Admin")),
        ("role", json!("")),
        ("role", json!(["admin"])),
        ("epoch", json!("1")),
        ("epoch", json!(1.5)),
        ("epoch", json!(4_294_967_297_i64)),
    ]
    .into_iter()
    .map(|(member, value)| {
        Forgery::new(format!("{member} is {value}"), key.sign(&key.header(), &with(claims, member, value)))
    })
    .collect()
}

/// Too old, too new, too long. Ten seconds more than clocks may differ.
fn times(key: &Key, claims: &Value) -> Vec<Forgery> {
    let now = claims["iat"].as_i64().unwrap();
    let at = |iat: i64, nbf: i64, exp: i64| {
        let claims = with(&with(&with(claims, "iat", json!(iat)), "nbf", json!(nbf)), "exp", json!(exp));
        key.sign(&key.header(), &claims)
    };
    [
        ("expired", at(now - 600, now - 600, now - 15)),
        ("expired long ago", at(1, 1, 601)),
        ("exp 0", at(0, 0, 0)),
        ("not yet valid", at(now, now + 60, now + 600)),
        ("issued in the future", at(now + 60, now, now + 600)),
        ("all in the future", at(now + 60, now + 60, now + 660)),
        ("lives too long", at(now, now, now + 620)),
        ("lives for ever", at(now, now, i64::MAX)),
        ("was issued before there were tokens", at(0, 0, now + 600)),
        ("ends before it begins", at(now, now, now - 1)),
    ]
    .into_iter()
    .map(|(what, token)| Forgery::new(what, token))
    .collect()
}

/// What is no token of three parts in base64url of JSON.
fn shapes(key: &Key, claims: &Value) -> Vec<Forgery> {
    let (header, body) = (key.header().to_string(), claims.to_string());
    let token = key.sign_text(&header, &body);
    let [h, c, s] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let twice = |text: &str, member: &str, value: &str| text.replacen('{', &format!("{{\"{member}\":{value},"), 1);
    let role = twice(&body, "role", "\"admin\"");
    let latin = [body.as_bytes(), b" "]
        .concat()
        .iter()
        .map(|byte| if *byte == b' ' { 0xE4 } else { *byte })
        .collect::<Vec<_>>();
    let mut all: Vec<Forgery> = [
        ("two parts", format!("{h}.{c}")),
        ("one part", h.to_owned()),
        ("four parts", format!("{token}.{s}")),
        ("five parts", format!("{h}.{c}.{s}.{s}.{s}")),
        ("an empty part before", format!(".{token}")),
        ("an empty part after", format!("{token}.")),
        ("three empty parts", "..".to_owned()),
        ("no header", format!(".{c}.{s}")),
        ("no claims", format!("{h}..{s}")),
        ("padding", format!("{token}=")),
        ("padding of the header", format!("{h}=.{c}.{s}")),
        ("a space inside", format!("{h}. {c}.{s}")),
        ("a tab inside", format!("{h}.\t{c}.{s}")),
        ("a second token", format!("{token} {token}")),
        ("a comma and a second token", format!("{token},{token}")),
        ("quotes", format!("\"{token}\"")),
        ("Bearer twice", format!("Bearer {token}")),
        ("cut by one", token[..token.len() - 1].to_owned()),
        ("cut by half", token[..token.len() / 2].to_owned()),
        ("the first letter gone", token[1..].to_owned()),
        ("not base64", format!("{h}.{}.{s}", c.replace('e', "!"))),
        ("the other alphabet", format!("{h}.{c}.{}", "+/+/".repeat(21) + "+/")),
        ("alg twice in the header", key.sign_text(&twice(&header, "alg", "\"none\""), &body)),
        ("kid twice in the header", key.sign_text(&twice(&header, "kid", "\"unknown\""), &body)),
        ("role twice", key.sign_text(&header, &role)),
        ("exp twice", key.sign_text(&header, &twice(&body, "exp", "9999999999"))),
        ("a header that is a list", key.sign_text("[]", &body)),
        ("a header that is no JSON", key.sign_text("{", &body)),
        ("claims that are a list", key.sign_text(&header, "[]")),
        ("claims that are a number", key.sign_text(&header, "7")),
        ("claims that are no JSON", key.sign_text(&header, "{")),
        ("claims that are empty", key.sign_text(&header, "")),
        ("something behind the claims", key.sign_text(&header, &format!("{body}{{}}"))),
        ("more than 4 KiB", key.sign(&key.header(), &with(claims, "x", json!("x".repeat(3_100))))),
        ("more than 8 KiB", key.sign(&key.header(), &with(claims, "x", json!("x".repeat(6_200))))),
        ("an opaque token", format!("rt_{}", encode([7; 32]))),
        ("a word", "undefined".to_owned()),
    ]
    .into_iter()
    .map(|(what, token)| Forgery::new(what, token))
    .collect();
    all.push(Forgery::new("claims that are not UTF-8", key.sign_parts(&format!("{h}.{}", encode(latin)))));
    all.push(Forgery::new(
        "a header that is not UTF-8",
        key.sign_parts(&format!("{}.{c}", encode(b"{\"alg\":\"\xff\"}"))),
    ));
    all.push(Forgery::new("bytes that are not UTF-8", [token.as_bytes(), b"\xff"].concat()));
    all.push(Forgery::new("letters outside ASCII", format!("{token}\u{E9}")));
    all
}

/// Parts of good tokens in the wrong place.
fn stitched(key: &Key, claims: &Value, admin: &Value) -> Vec<Forgery> {
    let (mine, theirs) = (key.sign(&key.header(), claims), key.sign(&key.header(), admin));
    let (mine, theirs): (Vec<&str>, Vec<&str>) = (mine.split('.').collect(), theirs.split('.').collect());
    let mut promoted = claims.clone();
    promoted["role"] = json!("admin");
    vec![
        Forgery::new("the claims of another token", format!("{}.{}.{}", mine[0], theirs[1], mine[2])),
        Forgery::new("the signature of another token", format!("{}.{}.{}", mine[0], mine[1], theirs[2])),
        Forgery::new(
            "another role under the old signature",
            format!("{}.{}.{}", mine[0], encode(promoted.to_string()), mine[2]),
        ),
        Forgery::new("the parts in another order", format!("{}.{}.{}", mine[1], mine[0], mine[2])),
    ]
}

/// One bit in each part: first, middle and last byte.
fn flips(key: &Key, claims: &Value) -> Vec<Forgery> {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let token = key.sign(&key.header(), claims);
    let parts: Vec<&str> = token.split('.').collect();
    let mut all = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let whole = URL_SAFE_NO_PAD.decode(part).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            for bit in [0, 7] {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                let mut flipped: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
                flipped[index] = encode(bytes);
                all.push(Forgery::new(format!("bit {bit} of byte {at} of part {index}"), flipped.join(".")));
            }
        }
    }
    all
}
