#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod m20260101_000001_messaging;
mod m20261121_000002_joining;
mod m20261121_000003_stream_epoch;
mod m20261122_000004_indexes;

use sea_orm_migration::prelude::MigrationTrait;

/// The migrations of the messaging tables, oldest first.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m20260101_000001_messaging::Migration),
        Box::new(m20261121_000002_joining::Migration),
        Box::new(m20261121_000003_stream_epoch::Migration),
        Box::new(m20261122_000004_indexes::Migration),
    ]
}
