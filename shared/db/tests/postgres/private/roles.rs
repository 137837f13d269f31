//! A role for each domain: it works in its own place, and no other can be seen from there.

use crate::start::migrate;
use crate::things::testing::PrivateServer;
use db::{Context, Db, DbError, DbOptions, OpenError, Server, Tx};
use migration_task::Migrator as TaskTables;
use migration_user::Migrator as UserTables;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue, EntityTrait, QuerySelect, Set};
use tokio_postgres::NoTls;

mod undecodable {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "undecodable")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub consumer: String,
        pub error: String,
        pub headers: Json,
        pub body: Vec<u8>,
        pub received_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

async fn execute(url: &str, sql: &str) {
    let (client, wire) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(wire);
    client.batch_execute(sql).await.unwrap();
}

fn as_role(server: &PrivateServer, role: &str, database: &str) -> String {
    format!("postgres://{role}@{}/{database}", server.address())
}

/// Everything that a domain does to its own tables begins with this.
async fn works(db: &Db) {
    async fn keep(tx: &mut Tx, (): &()) -> Result<(), DbError> {
        let now = tx.now();
        let row = undecodable::ActiveModel {
            id: ActiveValue::NotSet,
            consumer: Set("task".to_owned()),
            error: Set("none".to_owned()),
            headers: Set(serde_json::json!({})),
            body: Set(Vec::new()),
            received_at: Set(now),
        };
        tx.push(undecodable::Entity::insert(row));
        Ok(())
    }
    db.write(&Context::default(), &(), keep).await.unwrap();
    assert_eq!(db.reader().all(undecodable::Entity::find()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_schema_and_a_role_each_a_domain_can_do_nothing_in_anothers_schema() {
    let Some(server) = PrivateServer::start(&[]) else { return };
    let setup = "CREATE ROLE user_role LOGIN; CREATE ROLE task_role LOGIN;
        CREATE SCHEMA \"user\" AUTHORIZATION user_role; CREATE SCHEMA task AUTHORIZATION task_role";
    execute(&server.url(), setup).await;
    let (user, task) = (as_role(&server, "user_role", "postgres"), as_role(&server, "task_role", "postgres"));
    migrate::<UserTables>(&Server::new(&user, "user")).await;
    migrate::<TaskTables>(&Server::new(&task, "task")).await;
    let db = Db::open(DbOptions::postgres(&task, "task")).await.unwrap();
    works(&db).await;
    let others = undecodable::Entity::find().select_only().expr(Expr::cust("(SELECT count(*) FROM \"user\".users)"));
    let read = db.reader().rows::<(i64,)>(others).await;
    assert!(matches!(&read, Err(DbError::Statement(line)) if line.contains("42501")), "{read:?}");
    let opened = Db::open(DbOptions::postgres(&task, "user")).await.err();
    assert!(matches!(&opened, Some(OpenError::Schema { .. })), "{opened:?}");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_database_and_a_role_each_a_domain_is_not_let_into_anothers_database() {
    let Some(server) = PrivateServer::start(&[]) else { return };
    execute(&server.url(), "CREATE ROLE user_role LOGIN; CREATE ROLE task_role LOGIN").await;
    for (database, role) in [("user_data", "user_role"), ("task_data", "task_role")] {
        execute(&server.url(), &format!("CREATE DATABASE {database} OWNER {role}")).await;
        execute(&server.url(), &format!("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")).await;
    }
    let task = as_role(&server, "task_role", "task_data");
    migrate::<TaskTables>(&Server::new(&task, "task")).await;
    let db = Db::open(DbOptions::postgres(&task, "task")).await.unwrap();
    works(&db).await;
    let refused = Db::open(DbOptions::postgres(as_role(&server, "task_role", "user_data"), "user")).await.err();
    assert!(matches!(&refused, Some(OpenError::Connect { reason, .. }) if reason.contains("42501")), "{refused:?}");
    db.close().await;
}
