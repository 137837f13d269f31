//! Consumers with a fault, and their sound twins. Rule: they are mounted like any domain, under the name of one that the
//! table of streams knows.

use contracts::notification::v1::NotificationSent;
use contracts::task::v1::TaskAssigned;
use contracts::user::v1::UserCreated;
use db::Tx;
use futures_util::future::{BoxFuture, ready};
use outbox::{Heard, ListenError, Listeners};
use runtime::{Deps, Module, Mounted};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use std::path::Path;

const NAME: &str = "notification";

struct Messaging;

impl MigratorTrait for Messaging {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migration_messaging::migrations()
    }
}

/// A domain that does nothing but listen.
pub fn consumer(listeners: fn(&Deps) -> Listeners) -> Module {
    Module::new(NAME)
        .migrations::<Messaging>()
        .mount(move |deps| Box::pin(ready(Ok(Mounted::new().listeners(listeners(&deps))))))
}

/// Listeners that are made of one function.
pub struct Sound;

impl Sound {
    pub fn listeners() -> Listeners {
        Listeners::new(NAME).on::<UserCreated, _>(fine)
    }

    pub fn refuses() -> Listeners {
        Listeners::new(NAME).on::<UserCreated, _>(refuse)
    }

    pub fn panics() -> Listeners {
        Listeners::new(NAME).on::<UserCreated, _>(lose_head)
    }

    pub fn knows_everybody() -> Listeners {
        Listeners::new(NAME).on::<TaskAssigned, _>(tell_whom_it_knows)
    }

    pub fn hears_notifications() -> Listeners {
        Listeners::new(NAME).on::<NotificationSent, _>(hear_itself)
    }
}

async fn fine(_: &mut Tx, _: &Heard<UserCreated>) -> Result<(), ListenError> {
    Ok(())
}

async fn refuse(_: &mut Tx, _: &Heard<UserCreated>) -> Result<(), ListenError> {
    Err(ListenError::Permanent("nobody may register today".to_owned()))
}

async fn lose_head(_: &mut Tx, _: &Heard<UserCreated>) -> Result<(), ListenError> {
    panic!("the consumer lost its head")
}

async fn hear_itself(_: &mut Tx, _: &Heard<NotificationSent>) -> Result<(), ListenError> {
    panic!("nobody binds this")
}

/// Believes that who is assigned was heard of before.
async fn tell_whom_it_knows(tx: &mut Tx, heard: &Heard<TaskAssigned>) -> Result<(), ListenError> {
    let known = head::Entity::find()
        .filter(head::Column::AggregateType.eq("user"))
        .filter(head::Column::AggregateId.eq(heard.data.assignee_id.uuid().to_string()));
    match tx.one(known).await? {
        Some(_) => Ok(()),
        None => Err(ListenError::Permanent("assigned to somebody who does not exist".to_owned())),
    }
}

/// The watermark of each aggregate: of whom something was heard.
mod head {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "inbox_head")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub aggregate_type: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub aggregate_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Looks somebody up where they are kept, and not in what it heard.
pub struct OtherTables;

impl OtherTables {
    pub fn listeners() -> Listeners {
        Listeners::new(NAME).on::<UserCreated, _>(look_up)
    }
}

async fn look_up(tx: &mut Tx, heard: &Heard<UserCreated>) -> Result<(), ListenError> {
    tx.one(users::Entity::find_by_id(heard.data.user_id.uuid())).await?;
    Ok(())
}

/// A table of the user domain.
mod users {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An effect that no transaction takes back: a file for each mail.
pub struct Mail;

impl Mail {
    /// A mail for each event, however often it is heard.
    pub fn by_event(deps: &Deps) -> Listeners {
        Self::listeners(deps, |_, heard| heard.envelope.id.to_string())
    }

    /// A mail for each time that it is heard.
    pub fn each_time(deps: &Deps) -> Listeners {
        Self::listeners(deps, |before, _| before.to_string())
    }

    /// How many were sent.
    pub fn sent(directory: &Path) -> usize {
        let files = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
        files.filter(|file| file.file_name().to_string_lossy().starts_with("mail-")).count()
    }

    fn listeners(deps: &Deps, name: fn(usize, &Heard<UserCreated>) -> String) -> Listeners {
        let directory = deps.config.data_dir.clone();
        Listeners::new(NAME).on::<UserCreated, _>(any_time(move |_, heard| {
            Box::pin(ready(Self::send(&directory, |before| name(before, heard))))
        }))
    }

    /// The first time the server hangs up after it has taken the mail.
    fn send(directory: &Path, name: impl FnOnce(usize) -> String) -> Result<(), ListenError> {
        let before = Self::sent(directory);
        std::fs::write(directory.join(format!("mail-{}", name(before))), "").unwrap();
        if before == 0 { Err(ListenError::Retry("the mail server hung up".to_owned())) } else { Ok(()) }
    }
}

/// A closure that works for a transaction of any life.
fn any_time<F>(listener: F) -> F
where
    F: for<'t> Fn(&'t mut Tx, &'t Heard<UserCreated>) -> BoxFuture<'t, Result<(), ListenError>> + Send + Sync,
{
    listener
}
