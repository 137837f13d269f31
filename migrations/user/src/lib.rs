#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod m20260101_000002_user;
mod m20261122_000002_rotation;

use sea_orm_migration::prelude::*;

/// Brings a database of the user domain up to this version.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = migration_messaging::migrations();
        all.push(Box::new(m20260101_000002_user::Migration));
        all.push(Box::new(m20261122_000002_rotation::Migration));
        all
    }
}
