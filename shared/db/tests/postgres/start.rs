//! Opening and migrating: one line for what is wrong, one process at a time.

use super::{eventually, server_address};
use crate::things::{Kind, Refused, open};
use db::{Context, Db, DbOptions, OpenError, Server, Tx, lock_for_migrations, migration_connection};
use sea_orm::{ActiveValue, EntityTrait, Set};
use sea_orm_migration::MigratorTrait;
use std::sync::Arc;
use tokio::sync::Notify;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_opened_is_one_line_without_a_password() {
    let Some((_, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let elsewhere = place.scratch().url_through(server_address(&place)) + "_not_there";
    for url in [format!("postgres://anna:sesame@{free}/work"), elsewhere, "http://anna:sesame@db/work".to_owned()] {
        let refused = Db::open(DbOptions::postgres(url, "test")).await.err().unwrap();
        let line = refused.to_string();
        assert!(matches!(refused, OpenError::Connect { .. } | OpenError::Address { .. }), "{refused:?}");
        assert!(!line.contains('\n') && !line.contains("sesame"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_at_a_time_may_migrate_a_schema() {
    let Some((_, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let (user, task) = (Server::new(place.scratch().url(), "user"), Server::new(place.scratch().url(), "task"));
    let held = lock_for_migrations(&user).await.unwrap();
    drop(lock_for_migrations(&task).await.unwrap());
    let waiting = tokio::spawn(async move { lock_for_migrations(&user).await.map(drop) });
    let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("nobody waits", async || !place.scratch().column(waits).await.is_empty()).await;
    assert!(!waiting.is_finished());
    drop(held);
    waiting.await.unwrap().unwrap();
    let schemas = "SELECT nspname FROM pg_namespace WHERE nspname IN ('user', 'task') ORDER BY 1";
    assert_eq!(place.scratch().column(schemas).await, [Some("task".to_owned()), Some("user".to_owned())]);
}

/// What `cleave migrate up` does.
pub async fn migrate<M: MigratorTrait>(server: &Server) {
    let lock = lock_for_migrations(server).await.unwrap();
    let connection = migration_connection(server).await.unwrap();
    M::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    drop(lock);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schemas_of_all_domains_are_made_once_also_by_two_at_once() {
    let Some((_, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let server = |domain| Server::new(place.scratch().url(), domain);
    for _ in 0..2 {
        let (user, task, notification) = (server("user"), server("task"), server("notification"));
        tokio::join!(
            migrate::<migration_user::Migrator>(&user),
            migrate::<migration_user::Migrator>(&user),
            migrate::<migration_task::Migrator>(&task),
            migrate::<migration_task::Migrator>(&task),
            migrate::<migration_notification::Migrator>(&notification),
        );
    }
    let known = [
        ("user", "users", migration_user::Migrator::migrations().len()),
        ("task", "task", migration_task::Migrator::migrations().len()),
        ("notification", "notification_view", migration_notification::Migrator::migrations().len()),
    ];
    for (domain, table, migrations) in known {
        let applied = place.scratch().column(&format!("SELECT version FROM \"{domain}\".seaql_migrations")).await;
        assert_eq!(applied.len(), migrations, "{domain}: {applied:?}");
        assert!(place.scratch().column(&format!("SELECT 1 FROM \"{domain}\".{table}")).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocations_become_visible_in_the_order_of_their_numbers() {
    mod revocation {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "revocation")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub n: i64,
            pub session_id: Option<Uuid>,
            pub valid_until: DateTimeUtc,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    }
    async fn revoke(tx: &mut Tx, pauses: &Option<(Arc<Notify>, Arc<Notify>)>) -> Result<(), Refused> {
        let row = revocation::ActiveModel {
            n: ActiveValue::NotSet,
            session_id: Set(Some(tx.new_id())),
            valid_until: Set(tx.now()),
        };
        tx.run(revocation::Entity::insert(row)).await?;
        if let Some((numbered, go)) = pauses {
            numbered.notify_one();
            go.notified().await;
        }
        Ok(())
    }
    let Some((_, place)) = open(Kind::Postgres, |_| {}).await else { return };
    migrate::<migration_user::Migrator>(&Server::new(place.scratch().url(), "user")).await;
    let db = Db::open(DbOptions::postgres(place.scratch().url(), "user")).await.unwrap();
    let (numbered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = tokio::spawn({
        let (db, pauses) = (db.clone(), Some((Arc::clone(&numbered), Arc::clone(&go))));
        async move { db.write(&Context::default(), &pauses, revoke).await }
    });
    numbered.notified().await;
    let second = tokio::spawn({
        let db = db.clone();
        async move { db.write(&Context::default(), &None, revoke).await }
    });
    let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("the second does not wait", async || !place.scratch().column(waits).await.is_empty()).await;
    assert!(db.reader().all(revocation::Entity::find()).await.unwrap().is_empty(), "nothing overtakes the first");
    go.notify_one();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let numbers: Vec<i64> =
        db.reader().all(revocation::Entity::find()).await.unwrap().iter().map(|row| row.n).collect();
    assert_eq!(numbers, [1, 2]);
}
