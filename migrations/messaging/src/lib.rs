#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod m20260101_000001_messaging;

use sea_orm_migration::prelude::MigrationTrait;

/// The migrations of the messaging tables, oldest first.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m20260101_000001_messaging::Migration)]
}
