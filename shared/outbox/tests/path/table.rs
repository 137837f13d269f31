//! The publisher's aggregate, and what the consumer's listener leaves of each event.

pub mod aggregate {
    use outbox::Living;
    use sea_orm::entity::prelude::*;
    use sea_orm::sea_query::{Expr, OnConflict};
    use sea_orm::{Insert, QueryOrder, QuerySelect, Select, Set};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "aggregate")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub seq: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    pub fn first(id: Uuid) -> Insert<ActiveModel> {
        let keep = OnConflict::column(Column::Id).do_nothing().to_owned();
        Insert::one(ActiveModel { id: Set(id), seq: Set(0) }).on_conflict(keep)
    }

    pub fn delete(id: Uuid) -> sea_orm::DeleteMany<Entity> {
        Entity::delete_many().filter(Column::Id.eq(id))
    }

    pub fn living(living: Living) -> Select<Entity> {
        match living {
            Living::One(id) => Entity::find_by_id(id),
            Living::Page { after, limit } => {
                let find = Entity::find().order_by_asc(Column::Id).limit(limit);
                after.into_iter().fold(find, |find, after| find.filter(Column::Id.gt(after)))
            }
        }
    }

    pub fn update(id: Uuid, seq: i64) -> sea_orm::UpdateMany<Entity> {
        Entity::update_many().col_expr(Column::Seq, Expr::value(seq)).filter(Column::Id.eq(id))
    }
}

pub mod effect {
    use sea_orm::entity::prelude::*;
    use sea_orm::{ActiveValue, Insert, Set};

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
}
