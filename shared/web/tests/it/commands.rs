//! Writes: the runner, If-Match and the idempotency record on a real database.

mod keys;

use crate::world::{Reply, World, anna, ask, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use contracts::Clock;
use db::{Context, Db, DbError, DbOptions, Tx};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, Database};
use sea_orm_migration::MigratorTrait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use web::{Answer, At, Body, Call, Id, IfMatch, OpenCall, Patch, Problem, ProblemCode, Stale};

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
use shop;

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
