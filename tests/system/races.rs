//! Many at once, over HTTP. Rule: of twenty who want the same thing one gets it, twenty times over, and what the databases
//! hold is what the answers said.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::HashSet;
use testkit::{Client, Reply, System, Topology};

/// Side by side.
const AT_ONCE: usize = 20;
/// One after the other.
const ROUNDS: usize = 20;

/// One process on SQLite files, and several on PostgreSQL with a broker.
macro_rules! here_and_apart {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                super::$case(&System::start(app::serve, Topology::EMBEDDED).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn split() {
                if Topology::SPLIT.can_run() {
                    super::$case(&System::start(app::serve, Topology::SPLIT).await).await;
                }
            }
        }
    )+};
}

here_and_apart!(
    of_many_refreshes_with_one_token_one_successor_lives,
    of_many_registrations_of_one_address_one_is_made,
    of_many_patches_of_one_version_one_is_made,
    of_many_posts_with_one_key_one_is_made,
    of_two_administrators_who_remove_each_other_one_is_left,
);

/// Twenty requests, of which each gets its number.
async fn race<F: Future<Output = Reply>>(request: impl Fn(usize) -> F) -> Vec<Reply> {
    join_all((0..AT_ONCE).map(request)).await
}

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} in {value}"))
}

async fn login(system: &System, name: &str) -> Value {
    let body = json!({"login": name, "password": system.password()});
    system.anonymous().post("/api/v1/auth/login", body).await.expect(200)
}

async fn of_many_refreshes_with_one_token_one_successor_lives(system: &System) {
    let (anna, nobody) = (system.user("anna").await, system.anonymous());
    let mut tokens = login(system, "anna").await;
    for round in 0..ROUNDS {
        let used = json!({"refresh_token": tokens["refresh_token"]});
        let replies = race(|_| nobody.post("/api/v1/auth/refresh", used.clone())).await;
        assert_eq!(count(&replies, 200), AT_ONCE, "round {round}: within the grace all of them are answered");
        let successors: HashSet<&str> = replies.iter().map(|reply| text(&reply.body, "refresh_token")).collect();
        assert_eq!(successors.len(), 1, "round {round}: no fork");
        tokens = replies[0].body.clone();
        let live = "SELECT count(*) FROM refresh_token JOIN session ON session.id = session_id
                    WHERE consumed_at IS NULL AND parent_id IS NOT NULL AND revoked_at IS NULL";
        assert_eq!(system.count("user", live).await, 1, "round {round}");
        anna.with_token(text(&tokens, "access_token")).get("/api/v1/users/me").await.expect(200);
    }
    let all = "SELECT count(*) FROM refresh_token WHERE parent_id IS NOT NULL";
    assert_eq!(system.count("user", all).await, i64::try_from(ROUNDS).unwrap(), "one successor a round");
    let ended = "SELECT count(*) FROM session WHERE revoked_at IS NOT NULL";
    assert_eq!(system.count("user", ended).await, 0, "nobody is taken for a thief");
}

async fn of_many_registrations_of_one_address_one_is_made(system: &System) {
    let nobody = system.anonymous();
    for round in 0..ROUNDS {
        let replies = race(|n| {
            let email = if n % 2 == 0 { format!("One{round}@Example.org") } else { format!("one{round}@example.ORG") };
            let body = json!({"username": format!("r{round}-n{n}"), "email": email, "password": system.password()});
            let nobody = nobody.clone();
            async move { nobody.post("/api/v1/auth/register", body).await }
        })
        .await;
        assert_eq!((count(&replies, 201), count(&replies, 409)), (1, AT_ONCE - 1), "round {round}");
        let winner = replies.iter().find(|reply| reply.status == 201).unwrap().body["id"].clone();
        for loser in replies.into_iter().filter(|reply| reply.status == 409) {
            loser.expect_problem(409, "email_taken");
        }
        let made = format!("SELECT id FROM users WHERE email_canonical = 'one{round}@example.org'");
        assert_eq!(system.column("user", &made).await.len(), 1, "round {round}: {winner}");
    }
    let made = i64::try_from(ROUNDS).unwrap();
    let told = "SELECT count(*) FROM outbox WHERE event_type = 'user.created.v1'";
    assert_eq!(system.count("user", told).await, made + 1, "who lost was not heard of; the administrator was there");
    system.settle().await;
    let welcomed = "SELECT count(*) FROM notification WHERE category = 'user.created'";
    assert_eq!(system.count("notification", welcomed).await, made + 1);
}

async fn of_many_patches_of_one_version_one_is_made(system: &System) {
    let anna = system.user("anna").await;
    let task = anna.post("/api/v1/tasks", json!({"title": "Round -1"})).await.expect(201);
    let path = format!("/api/v1/tasks/{}", text(&task, "id"));
    let mut tag = "\"v1\"".to_owned();
    for round in 0..ROUNDS {
        let careful = anna.with("If-Match", &tag);
        let replies = race(|n| {
            let (careful, path) = (careful.clone(), path.clone());
            async move { careful.patch(&path, json!({"title": format!("Round {round}, number {n}")})).await }
        })
        .await;
        assert_eq!((count(&replies, 200), count(&replies, 412)), (1, AT_ONCE - 1), "round {round}");
        let winner = replies.iter().find(|reply| reply.status == 200).unwrap();
        tag = winner.header("etag").to_owned();
        for loser in replies.iter().filter(|reply| reply.status == 412) {
            assert_eq!(loser.clone().expect_problem(412, "stale")["current_etag"], *tag, "round {round}");
        }
        let stored = anna.get(&path).await.expect(200);
        assert_eq!((&stored["title"], &stored["version"]), (&winner.body["title"], &winner.body["version"]));
    }
    let told = "SELECT count(*) FROM outbox WHERE event_type = 'task.updated.v1'";
    assert_eq!(system.count("task", told).await, i64::try_from(ROUNDS).unwrap(), "one event for each that won");
}

async fn of_many_posts_with_one_key_one_is_made(system: &System) {
    let anna = system.user("anna").await;
    for round in 0..ROUNDS {
        let keyed = anna.with("Idempotency-Key", &format!("round-{round}"));
        let body = json!({"title": format!("Round {round}")});
        let replies = race(|_| keyed.post("/api/v1/tasks", body.clone())).await;
        let made: HashSet<&str> =
            replies.iter().filter(|reply| reply.status == 201).map(|reply| text(&reply.body, "id")).collect();
        let replayed = replies.iter().filter(|reply| reply.header("idempotency-replayed") == "true").count();
        let waited = count(&replies, 409);
        assert_eq!((made.len(), count(&replies, 201) + waited), (1, AT_ONCE), "round {round}: {replies:?}");
        assert_eq!(replayed + waited, AT_ONCE - 1, "round {round}: one carried it out");
    }
    let rounds = i64::try_from(ROUNDS).unwrap();
    assert_eq!(system.count("task", "SELECT count(*) FROM task").await, rounds);
    assert_eq!(system.count("task", "SELECT count(DISTINCT title) FROM task").await, rounds);
    let told = "SELECT count(*) FROM outbox WHERE event_type = 'task.created.v1'";
    assert_eq!(system.count("task", told).await, rounds);
}

/// Somebody's account and a token for it.
struct Admin {
    name: &'static str,
    client: Client,
}

impl Admin {
    fn path(&self) -> String {
        format!("/api/v1/users/{}", self.client.id())
    }

    async fn tag(&self) -> String {
        self.client.get("/api/v1/users/me").await.header("etag").to_owned()
    }

    /// With a token that has the present role.
    async fn anew(&mut self, system: &System) {
        self.client = system.sign_in(self.name, self.client.id()).await;
    }
}

async fn of_two_administrators_who_remove_each_other_one_is_left(system: &System) {
    let mut one = Admin { name: "admin", client: system.admin().await };
    let mut other = Admin { name: "anna", client: system.user("anna").await };
    one.client.patch(&other.path(), json!({"role": "admin"})).await.expect(200);
    other.anew(system).await;
    let working = "SELECT username FROM users WHERE role = 'admin' AND is_active";
    for round in 0..ROUNDS {
        let (tags, paths) = ((one.tag().await, other.tag().await), (one.path(), other.path()));
        // Half of them ask as the one to demote the other, half the other way round.
        let by_one = one.client.with("If-Match", &tags.1);
        let by_other = other.client.with("If-Match", &tags.0);
        let replies = race(|n| {
            let (client, path) = if n % 2 == 0 { (&by_one, &paths.1) } else { (&by_other, &paths.0) };
            let (client, path) = (client.clone(), path.clone());
            async move { client.patch(&path, json!({"role": "user"})).await }
        })
        .await;
        assert_eq!(count(&replies, 200), 1, "round {round}: {replies:?}");
        for reply in &replies {
            // 412 and 409 from who is still an administrator; 401 from who is none any more.
            assert!(matches!(reply.status, 200 | 401 | 409 | 412), "round {round}: {} {}", reply.status, reply.text);
        }
        let left = system.column("user", working).await;
        assert_eq!(left.len(), 1, "round {round}: {left:?}");
        let (stays, removed) = if left[0] == one.name { (&one, &mut other) } else { (&other, &mut one) };
        let refused = stays.client.patch(&stays.path(), json!({"role": "user"})).await;
        refused.expect_problem(409, "last_admin");
        stays.client.patch(&removed.path(), json!({"role": "admin"})).await.expect(200);
        removed.anew(system).await;
    }
    let changes = "SELECT count(*) FROM outbox WHERE event_type = 'user.updated.v1'";
    let rounds = i64::try_from(ROUNDS).unwrap();
    assert_eq!(system.count("user", changes).await, 2 * rounds + 1, "a demotion and a promotion a round");
}
