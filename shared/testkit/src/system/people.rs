//! Who speaks to a system.

use super::{PASSWORD, System};
use crate::client::Client;
use crate::tokens::random_id;
use contracts::UserId;
use contracts::user::Role;
use serde_json::json;
use uuid::Uuid;

impl System {
    /// Somebody without a token.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        self.http.at(&self.address().to_string())
    }

    /// A user with a token: registered and signed in where the user domain is served, else made up.
    pub async fn user(&self, name: &str) -> Client {
        if !self.serves("user") {
            return self.made_up(name, Role::User);
        }
        let anonymous = self.anonymous();
        let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
        let user = anonymous.post("/api/v1/auth/register", body).await.expect(201);
        self.sign_in(name, user["id"].as_str().expect("an id").parse().expect("a UUID")).await
    }

    /// An administrator with a token.
    pub async fn admin(&self) -> Client {
        if !self.serves("user") {
            return self.made_up("admin", Role::Admin);
        }
        let client = self.sign_in("admin", UserId(Uuid::nil())).await;
        let me = client.get("/api/v1/users/me").await.expect(200);
        Client { id: Some(me["id"].as_str().expect("an id").parse().expect("a UUID")), ..client }
    }

    /// A fresh token for a registered user, for instance after the clock was moved.
    pub async fn sign_in(&self, name: &str, id: UserId) -> Client {
        let anonymous = self.anonymous();
        let body = json!({"login": name, "password": PASSWORD});
        let tokens = anonymous.post("/api/v1/auth/login", body).await.expect(200);
        let token = tokens["access_token"].as_str().expect("a token").to_owned();
        Client { token: Some(token), id: Some(id), name: name.to_owned(), ..anonymous }
    }

    /// The password that all its users have.
    #[must_use]
    pub const fn password(&self) -> &'static str {
        PASSWORD
    }

    fn made_up(&self, name: &str, role: Role) -> Client {
        let id = UserId(random_id());
        Client { token: Some(self.tokens.token(id, role)), id: Some(id), name: name.to_owned(), ..self.anonymous() }
    }

    fn serves(&self, domain: &str) -> bool {
        self.stores.iter().any(|store| store.name == domain)
    }
}
