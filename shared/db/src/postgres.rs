//! PostgreSQL, over tokio-postgres.
//!
//! Why not sqlx, which sea-orm brings: a future of tokio-postgres may be dropped at any instant, because a task of its
//! own drives the protocol, and requests that do not wait for each other share one round trip.

mod connection;
mod encryption;
mod fold;
mod group;
mod migration;
mod pool;
mod reader;
mod server;
mod signal;
mod sort;
mod transaction;
mod tunnel;
mod value;
mod writer;

pub use migration::{MigrationLock, lock_for_migrations, migration_connection};
pub(crate) use reader::Reader;
pub use server::Server;
pub(crate) use signal::Signal;
pub(crate) use transaction::Transaction;
pub(crate) use writer::Writer;
