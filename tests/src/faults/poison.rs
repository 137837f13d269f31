//! A database that refuses some of a listener's rows. Rule: no seam of ours, a fault as it comes; and it can be cured at
//! any moment, as after a mended listener.

use super::caller::Caller;
use super::store::{Store, connect};
use super::watch::Stores;
use reqwest::Method;
use uuid::Uuid;

/// Whose listener fails.
pub const CONSUMER: &str = "notification";
/// The user that may bring dead letters on.
const ADMIN: &str = "admin";

/// Makes the notification database refuse every row about a task whose id ends like that.
///
/// # Panics
/// When the database is away.
pub async fn poison(stores: &Stores, ending: &str) {
    let when = format!("WHEN (NEW.action_url LIKE '/api/v1/tasks/%{ending}')");
    execute(
        &stores[CONSUMER],
        &format!(
            "CREATE TRIGGER poison BEFORE INSERT ON notification {when} BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
        ),
        &format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''poisoned''; END'; \
             CREATE TRIGGER poison BEFORE INSERT ON notification FOR EACH ROW {when} EXECUTE FUNCTION refuse()"
        ),
    )
    .await;
}

/// Ends that.
///
/// # Panics
/// When the database is away, or nothing was poisoned.
pub async fn cure(stores: &Stores) {
    execute(&stores[CONSUMER], "DROP TRIGGER poison", "DROP TRIGGER poison ON notification; DROP FUNCTION refuse()")
        .await;
}

/// The events that were given up.
///
/// # Panics
/// When the database is away.
pub async fn dead_letters(stores: &Stores) -> Vec<Uuid> {
    let store = &stores[CONSUMER];
    let sql = format!("SELECT {} FROM inbox WHERE status = 2 ORDER BY aggregate_seq", store.id("event_id"));
    let rows = store.read(&sql).await.into_iter();
    rows.filter_map(|row| row.into_iter().next().flatten()).map(|id| id.parse().expect("an id")).collect()
}

/// Hands a dead event to its listener again, as an operator does; the status of the answer.
///
/// # Errors
/// No answer came.
pub async fn retry(caller: &Caller, event: Uuid) -> Result<u16, String> {
    let admin = caller.enter(ADMIN).await?;
    let path = format!("/api/v1/ops/{CONSUMER}/dead-letters/{event}/retry");
    caller.write(&admin, Method::POST, &path, None).await.map(|(status, _)| status)
}

async fn execute(store: &Store, on_file: &str, on_postgres: &str) {
    match store {
        Store::File(file) => {
            let connection = rusqlite::Connection::open(file).expect("the database");
            connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a time-out");
            connection.execute_batch(on_file).expect("a statement that the database takes");
        }
        Store::Schema { url, schema } => {
            let client = connect(url).await.expect("the database");
            let sql = format!("SET search_path TO \"{schema}\"; {on_postgres}");
            client.batch_execute(&sql).await.expect("a statement that the database takes");
        }
    }
}
