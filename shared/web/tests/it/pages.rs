//! Keyset pages on a real database.

mod cursors;

use crate::world::{Reply, World, ask, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Context, Db, DbError, DbOptions, Tx};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Order;
use sea_orm::{ActiveValue::Set, ConnectionTrait, Database};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use tempfile::TempDir;
use web::{At, Listing, NoParams, Problem, SortedListing};

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "item")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    title: String,
    rank: i32,
    due_at: Option<DateTimeUtc>,
    created_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const SORTABLE: &[(&str, Column)] =
    &[("title", Column::Title), ("rank", Column::Rank), ("due_at", Column::DueAt), ("created_at", Column::CreatedAt)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filters {
    rank: Option<i32>,
    title: Option<String>,
}

async fn sorted(db: Data<Db>, listing: SortedListing<Filters>) -> Result<HttpResponse, Problem> {
    let keyset = listing.paging.keyset::<Entity>(SORTABLE, "-created_at", Column::Id)?;
    let mut select = Entity::find();
    if let Some(rank) = listing.filters.rank {
        select = select.filter(Column::Rank.eq(rank));
    }
    if let Some(title) = listing.filters.title {
        select = select.filter(Column::Title.eq(title));
    }
    let rows = db.reader().all(keyset.select(select)).await?;
    web::list(
        &keyset.page(rows, |row| json!({"id": row.id, "due_at": row.due_at, "rank": row.rank, "title": row.title}))?,
    )
}

async fn newest(db: Data<Db>, listing: Listing<NoParams>) -> Result<HttpResponse, Problem> {
    let keyset = listing.paging.ordered_by::<Entity>(Column::CreatedAt, Order::Desc, Column::Id)?;
    let rows = db.reader().all(keyset.select(Entity::find())).await?;
    web::list(&keyset.page(rows, |row| row.id)?)
}

struct Shelf {
    world: World,
    db: Data<Db>,
    _directory: TempDir,
}

struct Put(Vec<Model>);

async fn put(tx: &mut Tx, items: &Put) -> Result<(), DbError> {
    for item in &items.0 {
        tx.push(Entity::insert(ActiveModel {
            id: Set(item.id),
            title: Set(item.title.clone()),
            rank: Set(item.rank),
            due_at: Set(item.due_at),
            created_at: Set(item.created_at),
        }));
    }
    Ok(())
}

fn start() -> DateTime<Utc> {
    "2026-01-02T03:04:05.000006Z".parse().unwrap()
}

/// Many ties in every column, and a due date on two of three.
fn item(n: u32) -> Model {
    let due = (!n.is_multiple_of(3)).then(|| start() + TimeDelta::microseconds(i64::from(n % 5)));
    Model {
        id: Uuid::from_u128(u128::from(n.wrapping_mul(2_654_435_761))),
        title: format!("ä{}'\"%_", n % 4),
        rank: i32::try_from(n % 3).unwrap() - 1,
        due_at: due,
        created_at: start() + TimeDelta::microseconds(i64::from(n / 2)),
    }
}

impl Shelf {
    async fn new(items: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shelf.db");
        let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        let table =
            "CREATE TABLE item (id BLOB PRIMARY KEY, title TEXT NOT NULL, rank INTEGER NOT NULL, due_at INTEGER,
                     created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID";
        connection.execute_unprepared(table).await.unwrap();
        connection.close().await.unwrap();
        let db = Data::new(Db::open(DbOptions::file(path)).await.unwrap());
        let shelf = Self { world: World::new().await, db, _directory: directory };
        shelf.put((0..items).map(item).collect()).await;
        shelf
    }

    async fn put(&self, items: Vec<Model>) {
        self.db.write(&Context::default(), &Put(items), put).await.unwrap();
    }

    async fn get(&self, uri: &str) -> Reply {
        let app = serve!(
            self.world,
            actix_web::web::scope("")
                .app_data(self.db.clone())
                .service(At::new("/items").get(sorted, undescribed()))
                .service(At::new("/newest").get(newest, undescribed())),
        );
        ask(&app, TestRequest::get().uri(uri).to_request()).await
    }

    /// All items, page by page; `between` runs after each page.
    async fn walk(&self, query: &str, mut between: impl AsyncFnMut(usize)) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        for page in 0.. {
            assert!(page < 200, "the walk does not end");
            let reply = self.get(&format!("/items?{query}{cursor}")).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            assert!(reply.header("etag").is_none());
            items.extend(reply.body["items"].as_array().unwrap().clone());
            match reply.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
            between(page).await;
        }
        items
    }

    async fn cursor(&self, query: &str) -> String {
        self.get(&format!("/items?{query}")).await.body["next_cursor"].as_str().unwrap().to_owned()
    }
}

fn ids(items: &[Value]) -> Vec<Uuid> {
    items.iter().map(|item| item["id"].as_str().unwrap().parse().unwrap()).collect()
}

/// The order that the API promises, computed without a database.
fn expected(items: u32, sort: &str) -> Vec<Uuid> {
    let mut rows: Vec<Model> = (0..items).map(item).collect();
    let keys: Vec<(&str, bool)> =
        sort.split(',').map(|key| key.strip_prefix('-').map_or((key, false), |key| (key, true))).collect();
    rows.sort_by(|one, other| {
        for (key, descending) in &keys {
            let order = match *key {
                "title" => one.title.cmp(&other.title),
                "rank" => one.rank.cmp(&other.rank),
                "created_at" => one.created_at.cmp(&other.created_at),
                _ => match (one.due_at, other.due_at) {
                    (Some(one), Some(other)) => one.cmp(&other),
                    // Null is last in both directions: turned round twice below.
                    (one, other) if *descending => one.is_some().cmp(&other.is_some()),
                    (one, other) => other.is_some().cmp(&one.is_some()),
                },
            };
            let order = if *descending { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        let descending = keys.last().unwrap().1;
        if descending { other.id.cmp(&one.id) } else { one.id.cmp(&other.id) }
    });
    rows.into_iter().map(|row| row.id).collect()
}

#[actix_web::test]
async fn every_sort_walks_through_all_rows_in_order_whatever_the_page_size() {
    let shelf = Shelf::new(60).await;
    for sort in [
        "title",
        "-title",
        "due_at",
        "-due_at",
        "-rank,due_at",
        "rank,-due_at",
        "due_at,-title",
        "-due_at,rank,title,-created_at",
    ] {
        for limit in [1, 7, 59, 60, 100] {
            let items = shelf.walk(&format!("sort={sort}&limit={limit}"), async |_| {}).await;
            assert_eq!(ids(&items), expected(60, sort), "sort={sort} limit={limit}");
        }
    }
    assert_eq!(ids(&shelf.walk("limit=9", async |_| {}).await), expected(60, "-created_at"));
}

#[actix_web::test]
async fn a_filter_holds_on_every_page() {
    let shelf = Shelf::new(60).await;
    let items = shelf.walk("rank=0&sort=-due_at&limit=3", async |_| {}).await;
    assert_eq!(items.len(), 20);
    assert!(items.iter().all(|item| item["rank"] == 0));
}

#[actix_web::test]
async fn what_was_there_at_the_start_is_seen_once_while_others_insert() {
    let shelf = Shelf::new(40).await;
    let items = shelf
        .walk("sort=-created_at&limit=5", async |page| {
            let n = 1000 + 10 * u32::try_from(page).unwrap();
            // Some before the place where the walk is, some behind it.
            let new = (n..n + 4)
                .map(|n| Model { created_at: start() + TimeDelta::microseconds(i64::from(n % 25)), ..item(n) });
            shelf.put(new.collect()).await;
        })
        .await;
    let seen = ids(&items);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len(), "a row was seen twice");
    let seen: HashSet<_> = seen.into_iter().collect();
    assert!((0..40).all(|n| seen.contains(&item(n).id)), "a row was not seen");
}

#[actix_web::test]
async fn an_empty_list_and_a_last_page_have_no_cursor() {
    let shelf = Shelf::new(0).await;
    let empty = shelf.get("/items").await;
    assert_eq!(empty.body, json!({"items": [], "next_cursor": null}));
    shelf.put(vec![item(1), item(2)]).await;
    assert!(shelf.get("/items?limit=2").await.body["next_cursor"].is_null());
    assert!(shelf.get("/items?limit=1").await.body["next_cursor"].is_string());
}

#[actix_web::test]
async fn a_sort_that_is_not_offered_is_400() {
    let shelf = Shelf::new(1).await;
    for sort in
        ["", "-", "id", "rank;title", "title,title", "title,-title", "--title", "%2Btitle", "title,", "Title", "1"]
    {
        let reply = shelf.get(&format!("/items?sort={sort}")).await;
        assert_eq!(reply.problem(), (400, "invalid_sort"), "{sort}");
        assert_eq!(reply.body["allowed"], json!(["title", "rank", "due_at", "created_at"]));
    }
    let fixed = shelf.get("/newest?sort=title").await;
    assert_eq!(fixed.problem(), (400, "unknown_parameter"));
    assert_eq!(fixed.body["parameter"], "sort");
}

#[actix_web::test]
async fn a_list_with_one_order_is_walked_too() {
    let shelf = Shelf::new(7).await;
    let first = shelf.get("/newest?limit=4").await;
    let next = first.body["next_cursor"].as_str().unwrap();
    let second = shelf.get(&format!("/newest?limit=4&cursor={next}")).await;
    let seen: Vec<Value> =
        [&first, &second].iter().flat_map(|reply| reply.body["items"].as_array().unwrap().clone()).collect();
    assert_eq!(json!(seen), json!(expected(7, "-created_at")));
}
