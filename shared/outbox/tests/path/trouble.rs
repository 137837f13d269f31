//! Several processes on one database, and a database in trouble.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_process_that_does_not_lead_wakes_the_relay_that_does() {
    let Some(mut pair) = Pair::new(Kind::Postgres).await else { return };
    pair.tuning.polling = false;
    pair.start_publisher().await;
    pair.start_consumer().await;
    let other = db::Db::open(pair.place.options("user")).await.unwrap();
    let user = somebody(1);
    // Its clock is not the pair's, which stands still.
    pair.advance(TimeDelta::days(3_650));
    for seq in 1..=5 {
        other.write(&Context::default(), &user, emit_one).await.unwrap();
        pair.heard(user, seq).await;
    }
    assert_eq!(pair.effects(user).await, [1, 2, 4, 5]);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_database_work_each_event_once_and_in_order() {
    let Some(mut pair) = Pair::new(Kind::Postgres).await else { return };
    let mut twin = pair.twin().await;
    for process in [&mut pair, &mut twin] {
        process.start_publisher().await;
        process.start_consumer().await;
    }
    let users: Vec<UserId> = (1..=10).map(somebody).collect();
    join_all(users.iter().flat_map(|user| [pair.emit(*user, 5), twin.emit(*user, 5)])).await;
    for user in &users {
        pair.heard(*user, 10).await;
        assert_eq!(pair.effects(*user).await, [1, 2, 4, 5, 7, 8, 10]);
    }
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
    twin.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_its_sessions_are_killed_nothing_is_lost_and_nothing_happens_twice() {
    const KILL_ALL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let Some(mut pair) = Pair::started(Kind::Postgres).await else { return };
    let users: Vec<UserId> = (1..=5).map(somebody).collect();
    let mut kills = tokio::time::interval(Duration::from_millis(30));
    let mut emitted = vec![0_i64; users.len()];
    for round in 0..40 {
        for (user, emitted) in users.iter().zip(&mut emitted) {
            match pair.user.write(&Context::default(), user, emit_one).await {
                Ok(()) => *emitted += 1,
                Err(error) => assert!(error.is_infrastructure(), "{error:?}"),
            }
        }
        if round % 4 == 0 {
            kills.tick().await;
            pair.place.column("user", KILL_ALL).await;
        }
    }
    for (user, emitted) in users.iter().zip(&emitted) {
        let last = format!("SELECT max(aggregate_seq) FROM outbox WHERE aggregate_id = '{user}'");
        let last = pair.place.column("user", &last).await[0];
        assert!(last >= *emitted, "an acknowledged event is missing");
        pair.heard(*user, last).await;
        let expected: Vec<i64> = (1..=last).filter(|seq| seq % 3 != 0).collect();
        assert_eq!(pair.effects(*user).await, expected);
    }
    let rows = unfinished(&pair.task, "task").await.unwrap();
    assert!(rows.is_empty(), "trouble of the database is no attempt: {rows:?}");
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_trouble_costs_no_attempt_and_loses_nothing() {
    let Some(mut pair) = Pair::started(Kind::Sqlite).await else { return };
    let stranger = rusqlite::Connection::open(pair.place.file("task")).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let user = somebody(1);
    pair.emit(user, 2).await;
    pair.eventually("the trouble is not seen", async || pair.task.trouble().is_some()).await;
    assert_eq!(unpublished(&pair.user).await.unwrap(), 2);
    stranger.execute_batch("ROLLBACK").unwrap();
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user).await, [1, 2]);
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
}
