//! Writes: the runner, If-Match and the idempotency record on a real database.

use crate::world::{Reply, World, anna, ask, ben, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use chrono::TimeDelta;
use contracts::Clock;
use db::{Context, Db, DbError, DbOptions, Tx};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, Database};
use sea_orm_migration::MigratorTrait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use web::{Answer, At, Body, Call, Id, IfMatch, OpenCall, Patch, Problem, ProblemCode, Stale, purge_idempotency};

mod counter {
    //! What the commands change.
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "counter")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) version: i64,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Debug, thiserror::Error)]
enum CountError {
    #[error("refused")]
    Refused,
    #[error("not found")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<CountError> for Problem {
    fn from(error: CountError) -> Self {
        match error {
            CountError::Refused => Self::new(ProblemCode::Conflict),
            CountError::NotFound => Self::new(ProblemCode::NotFound),
            CountError::Stale(stale) => stale.into(),
            CountError::Db(error) => error.into(),
        }
    }
}

struct Create {
    refuse: bool,
    context: Context,
}

struct Count {
    id: Uuid,
    if_match: IfMatch,
}

async fn create(tx: &mut Tx, command: &Create) -> Result<counter::Model, CountError> {
    assert_eq!(tx.context(), &command.context);
    let counter = counter::Model { id: tx.new_id(), version: 1 };
    tx.push(counter::Entity::insert(counter::ActiveModel { id: Set(counter.id), version: Set(1) }));
    if command.refuse { Err(CountError::Refused) } else { Ok(counter) }
}

async fn count(tx: &mut Tx, command: &Count) -> Result<counter::Model, CountError> {
    let mut counter = tx.one(counter::Entity::find_by_id(command.id)).await?.ok_or(CountError::NotFound)?;
    command.if_match.require(counter.version)?;
    counter.version += 1;
    let update = counter::Entity::update_many().col_expr(counter::Column::Version, Expr::value(counter.version));
    tx.push(update.filter(counter::Column::Id.eq(counter.id)));
    Ok(counter)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    #[serde(default)]
    refuse: bool,
    #[serde(default)]
    note: Patch<String>,
}

fn view(counter: &counter::Model) -> Value {
    json!({"id": counter.id, "version": counter.version})
}

async fn post(db: Data<Db>, call: Call, Body(body): Body<CreateBody>) -> Result<HttpResponse, Problem> {
    let _ = body.note.is_absent();
    let command = Create { refuse: body.refuse, context: call.context.clone() };
    web::command(&db, &call, &command, create, |counter| {
        Answer::created(&format!("/counters/{}", counter.id), counter.version, &view(counter))
    })
    .await
}

async fn register(db: Data<Db>, Body(body): Body<CreateBody>, call: OpenCall) -> Result<HttpResponse, Problem> {
    let command = Create { refuse: body.refuse, context: call.context.clone() };
    web::command(&db, &call.with_secret(&[7; 32]), &command, create, |counter| {
        Answer::created(&format!("/counters/{}", counter.id), counter.version, &view(counter))
    })
    .await
}

async fn patch(db: Data<Db>, call: Call, Id(id): Id<contracts::TaskId>) -> Result<HttpResponse, Problem> {
    let command = Count { id: id.uuid(), if_match: call.if_match };
    web::command(&db, &call, &command, count, |counter| Answer::ok(counter.version, &view(counter))).await
}

async fn delete(db: Data<Db>, call: Call, Id(id): Id<contracts::TaskId>) -> Result<HttpResponse, Problem> {
    let command = Count { id: id.uuid(), if_match: call.if_match };
    web::command(&db, &call, &command, count, |_| Answer::no_content()).await
}

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        migration_messaging::migrations()
    }
}

/// A world with a database.
struct Shop {
    world: World,
    db: Data<Db>,
    _directory: TempDir,
}

macro_rules! shop {
    ($shop:expr) => {
        serve!(
            $shop.world,
            actix_web::web::scope("")
                .app_data($shop.db.clone())
                .service(At::new("/counters").post(post, undescribed()))
                .service(At::new("/others").post(post, undescribed()))
                .service(At::new("/register").post(register, undescribed()))
                .service(
                    At::new("/counters/{id}")
                        .patch(patch, undescribed())
                        .put(patch, undescribed())
                        .delete(delete, undescribed()),
                ),
        )
    };
}

impl Shop {
    async fn new() -> Self {
        let world = World::new().await;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop.db");
        let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        Migrator::up(&connection, None).await.unwrap();
        let table = "CREATE TABLE counter (id BLOB PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID";
        connection.execute_unprepared(table).await.unwrap();
        connection.close().await.unwrap();
        let clock: Arc<dyn Clock> = Arc::<crate::world::TestClock>::clone(&world.clock);
        let db = Db::open(DbOptions { clock, ..DbOptions::file(path) }).await.unwrap();
        Self { world, db: Data::new(db), _directory: directory }
    }

    fn request(&self, request: TestRequest, key: Option<&str>) -> TestRequest {
        let request = request.insert_header(("authorization", format!("Bearer {}", self.world.token(anna()))));
        match key {
            Some(key) => request.insert_header(("idempotency-key", key)),
            None => request,
        }
    }

    fn post(&self, key: Option<&str>, body: &Value) -> TestRequest {
        self.request(TestRequest::post().uri("/counters"), key).set_json(body)
    }

    async fn send(&self, request: TestRequest) -> Reply {
        let app = shop!(self);
        ask(&app, request.to_request()).await
    }

    async fn counters(&self) -> usize {
        self.db.reader().all(counter::Entity::find()).await.unwrap().len()
    }

    /// The first column of each row of a table, for tables that this test has no entity of.
    async fn records(&self) -> Vec<(String, String, Vec<u8>)> {
        let select = sea_orm::sea_query::Query::select()
            .columns(["caller", "scope", "request_hash"])
            .from("command_dedup")
            .to_owned();
        self.db.reader().rows(Raw(select)).await.unwrap()
    }
}

/// A statement over a table without an entity.
struct Raw(sea_orm::sea_query::SelectStatement);

impl sea_orm::QueryTrait for Raw {
    type QueryStatement = sea_orm::sea_query::SelectStatement;
    fn query(&mut self) -> &mut Self::QueryStatement {
        &mut self.0
    }
    fn as_query(&self) -> &Self::QueryStatement {
        &self.0
    }
    fn into_query(self) -> Self::QueryStatement {
        self.0
    }
}

#[actix_web::test]
async fn a_write_answers_with_location_and_tag() {
    let shop = Shop::new().await;
    let reply = shop.send(shop.post(None, &json!({}))).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(reply.header("location").unwrap(), format!("/counters/{}", reply.body["id"].as_str().unwrap()));
    assert_eq!((reply.header("etag"), reply.header("content-type")), (Some("\"v1\""), Some("application/json")));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!((shop.counters().await, shop.records().await.len()), (1, 0));
}

#[actix_web::test]
async fn the_second_request_with_a_key_gets_the_first_ones_answer() {
    let shop = Shop::new().await;
    let first = shop.send(shop.post(Some("k"), &json!({"note": "x"}))).await;
    let second = shop.send(shop.post(Some("k"), &json!({"note": "x"}))).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    assert_eq!((second.status, second.header("idempotency-replayed")), (201, Some("true")));
    for header in ["location", "etag", "content-type"] {
        assert_eq!(first.header(header), second.header(header), "{header}");
    }
    assert_eq!(first.body, second.body);
    assert_eq!(shop.counters().await, 1);
}

#[actix_web::test]
async fn one_key_belongs_to_one_body_of_one_caller_at_one_address() {
    let shop = Shop::new().await;
    assert_eq!(shop.send(shop.post(Some("k"), &json!({}))).await.status, 201);
    let other_body = shop.send(shop.post(Some("k"), &json!({"note": null}))).await;
    assert_eq!(other_body.problem(), (422, "idempotency_key_reused"));
    assert_eq!(shop.counters().await, 1);
    let other_caller = TestRequest::post().uri("/counters").insert_header(("idempotency-key", "k")).set_json(json!({}));
    let bearer = format!("Bearer {}", shop.world.token(ben()));
    let reply = shop.send(other_caller.insert_header(("authorization", bearer))).await;
    assert_eq!((reply.status, reply.header("idempotency-replayed")), (201, None));
    let other_path = shop.request(TestRequest::post().uri("/others"), Some("k")).set_json(json!({}));
    let reply = shop.send(other_path).await;
    assert_eq!((reply.status, reply.header("idempotency-replayed")), (201, None));
    assert_eq!(shop.counters().await, 3);
}

#[actix_web::test]
async fn what_wrote_nothing_runs_again() {
    let shop = Shop::new().await;
    for _ in 0..2 {
        let reply = shop.send(shop.post(Some("k"), &json!({"refuse": true}))).await;
        assert_eq!((reply.problem(), reply.header("idempotency-replayed")), ((409, "conflict"), None));
    }
    assert_eq!((shop.counters().await, shop.records().await.len()), (0, 0));
    assert_eq!(shop.send(shop.post(Some("k"), &json!({}))).await.status, 201);
}

#[actix_web::test]
async fn many_at_once_with_one_key_write_once() {
    let shop = Shop::new().await;
    let app = shop!(shop);
    let requests = (0..20).map(|_| ask(&app, shop.post(Some("k"), &json!({})).to_request()));
    let replies = futures_util::future::join_all(requests).await;
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == replies[0].body), "{replies:?}");
    let fresh = replies.iter().filter(|reply| reply.header("idempotency-replayed").is_none()).count();
    assert_eq!((fresh, shop.counters().await), (1, 1));
}

#[actix_web::test]
async fn a_key_is_forgotten_after_a_day_with_or_without_the_clean_up() {
    let shop = Shop::new().await;
    assert_eq!(shop.send(shop.post(Some("k"), &json!({}))).await.status, 201);
    shop.world.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    let within = shop.send(shop.post(Some("k"), &json!({}))).await;
    assert_eq!(within.header("idempotency-replayed"), Some("true"));
    shop.world.clock.advance(TimeDelta::seconds(1));
    let after = shop.send(shop.post(Some("k"), &json!({"note": "another body"}))).await;
    assert_eq!((after.status, after.header("idempotency-replayed")), (201, None));
    assert_eq!((shop.counters().await, shop.records().await.len()), (2, 1));
    assert_eq!(purge_idempotency(&shop.db, shop.world.clock.now()).await.unwrap(), 0, "not yet a day old");
    let tomorrow = shop.world.clock.now() + TimeDelta::seconds(1);
    assert_eq!(purge_idempotency(&shop.db, tomorrow).await.unwrap(), 1);
    assert_eq!(shop.records().await.len(), 0);
}

#[actix_web::test]
async fn a_malformed_key_is_400_and_put_and_delete_do_not_look_at_it() {
    let shop = Shop::new().await;
    for key in ["", "a b", "ä", &"x".repeat(256)] {
        let reply = shop.send(shop.post(Some(key), &json!({}))).await;
        assert_eq!(reply.problem(), (400, "invalid_header"), "{key:?}");
    }
    let twice = shop.post(Some("a"), &json!({})).append_header(("idempotency-key", "b"));
    assert_eq!(shop.send(twice).await.problem(), (400, "invalid_header"));
    assert_eq!(shop.counters().await, 0);
    let created = shop.send(shop.post(Some(&"x".repeat(255)), &json!({}))).await;
    let path = created.header("location").unwrap().to_owned();
    for version in 2..4 {
        let put = shop.send(shop.request(TestRequest::put().uri(&path), Some("k"))).await;
        assert_eq!((put.status, &put.body["version"]), (200, &json!(version)));
    }
    assert_eq!(shop.send(shop.request(TestRequest::delete().uri(&path), Some("a b"))).await.status, 204);
}

#[actix_web::test]
async fn a_patch_with_a_key_counts_once() {
    let shop = Shop::new().await;
    let path = shop.send(shop.post(None, &json!({}))).await.header("location").unwrap().to_owned();
    for replayed in [None, Some("true")] {
        let reply = shop.send(shop.request(TestRequest::patch().uri(&path), Some("k"))).await;
        assert_eq!((reply.status, &reply.body["version"]), (200, &json!(2)));
        assert_eq!((reply.header("etag"), reply.header("idempotency-replayed")), (Some("\"v2\""), replayed));
    }
}

#[actix_web::test]
async fn a_stale_if_match_is_412_with_the_present_tag() {
    let shop = Shop::new().await;
    let path = shop.send(shop.post(None, &json!({}))).await.header("location").unwrap().to_owned();
    let patch = |tag: &str| shop.request(TestRequest::patch().uri(&path), None).insert_header(("if-match", tag));
    assert_eq!(shop.send(patch("\"v1\"")).await.status, 200);
    let stale = shop.send(patch("\"v1\"")).await;
    assert_eq!(stale.problem(), (412, "stale"));
    assert_eq!(stale.body["current_etag"], "\"v2\"");
    assert_eq!(shop.send(patch("v2")).await.problem(), (400, "invalid_header"));
    assert_eq!(shop.send(patch("*")).await.body["version"], 3);
}

#[actix_web::test]
async fn a_request_with_a_password_is_remembered_under_a_secret() {
    let shop = Shop::new().await;
    let send = |note: &str| {
        let body = json!({"note": note});
        TestRequest::post().uri("/register").insert_header(("idempotency-key", "k")).set_json(body)
    };
    let first = shop.send(send("hunter2")).await;
    let second = shop.send(send("hunter2")).await;
    assert_eq!((first.status, second.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.body, second.body);
    // The hash of the body stands for the caller, so another body is another caller.
    let other = shop.send(send("hunter3")).await;
    assert_eq!((other.status, other.header("idempotency-replayed")), (201, None));
    let records = shop.records().await;
    assert_eq!(records.len(), 2);
    let plain =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, json!({"note": "hunter2"}).to_string().as_bytes());
    for (caller, scope, hash) in records {
        assert!(caller.starts_with("request:") && scope == "POST /register", "{caller} {scope}");
        assert_ne!(hash, plain.as_ref(), "a plain hash could be guessed at");
    }
}
