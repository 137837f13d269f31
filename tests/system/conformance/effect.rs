//! What a listener of the suite leaves: a row for each event, in the order of the commits. Rule: nothing but the inbox
//! keeps an event from having two.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue, Insert, QueryOrder, Select, Set};
use sea_orm_migration::prelude::{ColumnDef, SchemaManager, Table};
use sea_orm_migration::{DbErr as Refused, MigrationName, MigrationTrait, MigratorTrait, async_trait};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "effect")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub n: i64,
    pub subject: Uuid,
    pub seq: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub fn insert(subject: Uuid, seq: i64) -> Insert<ActiveModel> {
    Insert::one(ActiveModel { n: ActiveValue::NotSet, subject: Set(subject), seq: Set(seq) })
}

pub fn of(subject: Uuid) -> Select<Entity> {
    Entity::find().filter(Column::Subject.eq(subject)).order_by_asc(Column::N)
}

/// The messaging tables, and that of the effects.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = migration_messaging::migrations();
        all.push(Box::new(Effects));
        all
    }
}

struct Effects;

impl MigrationName for Effects {
    fn name(&self) -> &'static str {
        "m90000101_000000_effects"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Effects {
    async fn up(&self, manager: &SchemaManager) -> Result<(), Refused> {
        let table = Table::create()
            .table("effect")
            .col(ColumnDef::new("n").big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new("subject").uuid().not_null())
            .col(ColumnDef::new("seq").big_integer().not_null())
            .to_owned();
        manager.create_table(table).await
    }
}

/// The mark of a relay.
pub mod mark {
    use sea_orm::entity::prelude::*;
    use sea_orm::sea_query::Expr;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "outbox")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub published_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    /// As if the process had ended after the bus took the events and before they were marked.
    pub fn forget_all() -> sea_orm::UpdateMany<Entity> {
        Entity::update_many().col_expr(Column::PublishedAt, Expr::cust("NULL"))
    }
}
