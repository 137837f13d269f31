//! The user domain alone, over HTTP. The files are named like the addresses they test.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

#[cfg(target_os = "linux")]
mod binary;
mod first_start;
mod jwks;
mod keys;
mod limits;
mod login;
mod logout;
mod me;
mod outbox;
mod password;
mod refresh;
mod register;
mod sessions;
mod upgrade;
mod user;
mod users;
mod verify;

use runtime::Config;
use serde_json::{Value, json};
use testkit::{Client, Starting, System, Topology};

fn serve(config: Config) -> Starting {
    Box::pin(runtime::serve(config, vec![::user::module()]))
}

async fn system() -> System {
    System::start(serve, Topology::asked()).await
}

/// The tokens of a new session.
async fn sign_in(system: &System, login: &str) -> Value {
    let body = json!({"login": login, "password": system.password()});
    system.anonymous().post("/api/v1/auth/login", body).await.expect(200)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} in {value}"))
}

/// The same person with the access token of these tokens.
fn with(client: &Client, tokens: &Value) -> Client {
    client.with_token(text(tokens, "access_token"))
}

async fn is_signed_in(client: &Client) -> bool {
    let reply = client.get("/api/v1/users/me").await;
    match reply.status {
        200 => true,
        401 => {
            reply.expect_problem(401, "invalid_token");
            false
        }
        other => panic!("{other}"),
    }
}
