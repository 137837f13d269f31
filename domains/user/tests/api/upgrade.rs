//! A file of the version before: what is in it stays.

use migration_user::Migrator;
use rusqlite::Connection;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::Database;

/// Those before sessions could be ended one by one.
const BEFORE: u32 = 5;

#[tokio::test]
async fn sessions_and_their_refresh_tokens_outlive_the_change_of_their_tables() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("user.db");
    let database = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    Migrator::up(&database, Some(BEFORE)).await.unwrap();
    let rows = Connection::open(&path).unwrap();
    let id = "zeroblob(16)";
    rows.execute_batch(&format!(
        "INSERT INTO users VALUES ({id}, 'anna', 'a@x.org', 'a@x.org', NULL, 'UTC', 'user', 1, 0, 'hash', 1, 'anna', 1, 1, 1, 1);
         INSERT INTO session VALUES ({id}, {id}, 1, 2, 3, 4, 'reused', 'Kettle/1.0', '127.0.0.1');
         INSERT INTO refresh_token VALUES ({id}, {id}, zeroblob(32), NULL, 1, 2, NULL, NULL);"
    ))
    .unwrap();
    Migrator::up(&database, None).await.unwrap();
    database.close().await.unwrap();

    rows.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    let number = |sql: &str| rows.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let kept = "SELECT count(*) FROM session JOIN refresh_token ON session_id = session.id
                WHERE revoke_reason = 'reused' AND user_agent = 'Kettle/1.0' AND absolute_exp = 3 AND idle_exp = 2";
    assert_eq!(number(kept), 1);
    rows.execute("UPDATE session SET revoke_reason = 'by_user'", []).unwrap();
    rows.execute("UPDATE session SET revoke_reason = 'nonsense'", []).unwrap_err();
    let indexes = "SELECT count(*) FROM sqlite_master WHERE type = 'index'
                   AND (name LIKE 'session_%' OR name LIKE 'refresh_token_%' OR name LIKE 'signing_key_%')";
    assert_eq!(number(indexes), 7);
    rows.execute("DELETE FROM users", []).unwrap();
    assert_eq!(
        number("SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM refresh_token)"),
        0,
        "they go with it"
    );
}
