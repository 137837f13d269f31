//! A migrated database for each test, and the words that the tests are told in.

use crate::app::{CreateNotification, CreateNotificationError, create_notification};
use crate::domain::{Channel, Content, Notification, Title};
use crate::store::{self, Counts, Filter, InBox, Viewer};
use actix_web::FromRequest;
use actix_web::test::TestRequest;
use chrono::{DateTime, Duration, Utc};
use contracts::user::Role;
use contracts::user::v1::{UserCreated, UserDeleted, UserUpdated};
use contracts::{Clock, Envelope, Event, EventId, NewEnvelope, NotificationId, UserId};
use db::{Context, Db, DbOptions};
use outbox::{Heard, ListenError};
use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::Database;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use web::{Listing, NoParams};

/// A clock that moves one second at each look, so that rows have an order.
#[derive(Debug)]
struct SteppingClock(Mutex<DateTime<Utc>>);

impl Clock for SteppingClock {
    fn now(&self) -> DateTime<Utc> {
        let mut now = self.0.lock().unwrap();
        *now += Duration::seconds(1);
        *now
    }
}

/// E-mail address, display name and activity.
type ProfileRow = (Option<String>, Option<String>, Option<bool>);

/// An administrator who has nothing of their own.
const ROOT: UserId = UserId(Uuid::from_u128(0xFFFF));

pub(super) struct Fixture {
    pub(super) db: Db,
    _directory: TempDir,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notification.db");
        let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        migration_notification::Migrator::up(&connection, None).await.unwrap();
        connection.close().await.unwrap();
        let clock = Arc::new(SteppingClock(Mutex::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap())));
        let db = Db::open(DbOptions { clock, ..DbOptions::file(path) }).await.unwrap();
        Self { db, _directory: directory }
    }

    /// Lets a listener hear an event.
    pub(super) async fn hear<E, F>(&self, listener: F, heard: &Heard<E>) -> Result<(), ListenError>
    where
        E: Event,
        F: for<'t> db::UseCase<'t, Heard<E>, Ok = (), Err = ListenError>,
    {
        self.db.write(&Context::default(), heard, listener).await
    }

    /// Writes to somebody.
    pub(super) async fn create(
        &self,
        by: UserId,
        recipient: UserId,
        send: bool,
    ) -> Result<Notification, CreateNotificationError> {
        let content = Content { category: None, title: Title::of("note"), body: None, action_url: None };
        let command = CreateNotification { by, recipient, content, channels: vec![Channel::InApp], send };
        self.db.write(&Context::default(), &command, create_notification).await
    }

    /// What a user sees of one.
    pub(super) async fn seen_by(&self, user: UserId, id: NotificationId) -> Option<Notification> {
        store::get(self.db.reader(), id, Viewer { user, is_admin: false }).await.unwrap()
    }

    pub(super) async fn counts(&self, user: UserId) -> Counts {
        store::counts(self.db.reader(), &[user]).await.unwrap()
    }

    /// The newest hundred of what is addressed to a user, oldest first.
    pub(super) async fn addressed_to(&self, user: UserId) -> Vec<Notification> {
        let request = TestRequest::with_uri("/?limit=100").to_http_request();
        let listing = Listing::<NoParams>::extract(&request).await.unwrap();
        let filter = Filter {
            viewer: Viewer { user: ROOT, is_admin: true },
            recipients: vec![user],
            in_box: InBox::All,
            read: None,
            categories: None,
            states: None,
            created_after: None,
            created_before: None,
        };
        let mut page = store::page(self.db.reader(), &filter, &listing.paging).await.unwrap();
        page.items.reverse();
        page.items
    }

    /// Sends a user that many.
    pub(super) async fn fill(&self, recipient: UserId, number: usize) {
        for _ in 0..number {
            self.create(recipient, recipient, true).await.unwrap();
        }
    }

    /// E-mail address, display name and activity of a recipient; nothing of a tombstone.
    pub(super) async fn profile(&self, user: UserId) -> Option<ProfileRow> {
        let select = recipient_row::Entity::find_by_id(user.uuid())
            .select_only()
            .columns([recipient_row::Column::Email, recipient_row::Column::DisplayName])
            .column(recipient_row::Column::IsActive);
        let rows = self.db.reader().rows::<ProfileRow>(select).await.unwrap();
        rows.into_iter().next().filter(|row| *row != (None, None, None))
    }

    /// The number of deliveries of all notifications together.
    pub(super) async fn deliveries(&self) -> usize {
        self.db.reader().rows::<(String,)>(delivery_row::Entity::find()).await.unwrap().len()
    }

    /// Type, aggregate and sequence of the events in the outbox.
    pub(super) async fn emitted(&self) -> Vec<(String, String, i64)> {
        self.db.reader().rows(outbox_row::Entity::find()).await.unwrap()
    }
}

/// As much of the recipients as the tests look at.
mod recipient_row {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "recipient")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: Uuid,
        pub(super) email: Option<String>,
        pub(super) display_name: Option<String>,
        pub(super) is_active: Option<bool>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// As much of the deliveries as the tests look at.
mod delivery_row {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) channel: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// As much of the outbox as the tests look at.
mod outbox_row {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "outbox")]
    pub(super) struct Model {
        pub(super) event_type: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) aggregate_id: String,
        pub(super) aggregate_seq: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

/// An event as the inbox hands it over; `number` is its identity.
pub(super) fn heard<E: Event>(number: u128, aggregate_id: Uuid, data: E) -> Heard<E> {
    let json = serde_json::value::to_raw_value(&data).unwrap();
    let envelope = Envelope::new(NewEnvelope {
        id: EventId(Uuid::from_u128(number)),
        domain: E::DOMAIN,
        aggregate: E::AGGREGATE,
        aggregate_id,
        event_type: E::event_type(),
        time: DateTime::UNIX_EPOCH,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
        sequence: 1,
        stream_epoch: 1,
        auth_id: None,
        data: json,
    });
    Heard { envelope, data }
}

pub(super) fn created(number: u128, id: UserId) -> Heard<UserCreated> {
    let data = UserCreated {
        user_id: id,
        username: "anna".to_owned(),
        email: "anna@example.org".to_owned(),
        display_name: Some("Anna".to_owned()),
        timezone: "Europe/Berlin".to_owned(),
        role: Role::User,
        is_active: true,
    };
    heard(number, id.uuid(), data)
}

pub(super) fn updated(number: u128, id: UserId) -> Heard<UserUpdated> {
    let data = UserUpdated {
        user_id: id,
        username: "anna".to_owned(),
        email: "new@example.org".to_owned(),
        display_name: None,
        timezone: "UTC".to_owned(),
        role: Role::User,
        is_active: false,
        changes: Vec::new(),
    };
    heard(number, id.uuid(), data)
}

pub(super) fn deleted(number: u128, id: UserId) -> Heard<UserDeleted> {
    heard(number, id.uuid(), UserDeleted { user_id: id })
}
