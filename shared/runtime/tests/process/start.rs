//! Starting, and being refused.

use crate::support::{domain, get, own_address, place, refusal, with};
use runtime::{Module, Mounted, StartError};
use std::net::TcpListener;

fn notes() -> Vec<Module> {
    vec![domain("notes", &["/api/v1/notes"])]
}

#[tokio::test]
async fn a_started_process_serves_its_domains_and_says_so() {
    let (_directory, mut config) = place();
    config.notices = vec!["a setting does nothing".to_owned()];
    let data = config.data_dir.clone();
    let mounted = || Mounted::new().notice("the first password is in a file");
    let modules = vec![domain("notes", &["/api/v1/notes"]), with("lists", &["/api/v1/lists"], mounted)];
    let server = runtime::serve(config, modules).await.unwrap();
    assert_eq!(get(&server, "/api/v1/notes").await.body, "notes");
    let screen = server.screen();
    for expected in [
        &format!("Cleave {}\n", env!("CARGO_PKG_VERSION")),
        &format!("notes  {}  4 migrations applied, 4 of them now\n", data.join("notes.db").display()),
        &format!("lists  {}  4 migrations applied, 4 of them now\n", data.join("lists.db").display()),
        "bus    in-process\n",
        &format!("http://{}/docs ", server.address()),
        "a setting does nothing",
        "the first password is in a file",
    ] {
        assert!(screen.contains(expected), "{expected} is not on the screen:\n{screen}");
    }
    let written = std::fs::read_to_string(data.join("cleave.addr")).unwrap();
    assert_eq!(written.trim(), server.address().to_string());
    server.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_said_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_directory, mut config) = place();
    config.port = taken.local_addr().unwrap().port();
    let data = config.data_dir.clone();
    let line = refusal(config, notes()).await;
    assert!(line.starts_with("another process listens on 127.0.0.1:") && line.contains("--port"), "{line}");
    assert!(!data.exists());
}

#[tokio::test]
async fn a_second_process_on_the_same_files_is_refused_and_may_come_after_the_first() {
    let (_directory, config) = place();
    let first = runtime::serve(config.clone(), notes()).await.unwrap();
    let line = refusal(config.clone(), notes()).await;
    assert!(line.starts_with("another process serves the domain notes from"), "{line}");
    assert_eq!(get(&first, "/api/v1/notes").await.status, 200);
    first.stop().await;
    runtime::serve(config, notes()).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_refused() {
    let (directory, mut config) = place();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    config.data_dir = file.join("data");
    let line = refusal(config, notes()).await;
    assert!(line.starts_with("cannot write to the data directory") && line.contains("--data-dir"), "{line}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let (_directory, config) = place();
    std::fs::create_dir_all(&config.data_dir).unwrap();
    let newer = rusqlite::Connection::open(config.data_dir.join("notes.db")).unwrap();
    newer
        .execute_batch(
            "CREATE TABLE seaql_migrations (version TEXT PRIMARY KEY, applied_at INTEGER NOT NULL);
             INSERT INTO seaql_migrations VALUES ('m29990101_000001_future', 0)",
        )
        .unwrap();
    drop(newer);
    let line = refusal(config, notes()).await;
    assert!(
        line.contains("belongs to a newer version of Cleave") && line.contains("m29990101_000001_future"),
        "{line}"
    );
}

#[tokio::test]
async fn without_a_source_of_keys_nothing_is_served() {
    let (_directory, mut config) = place();
    config.seams.key_source = None;
    let line = refusal(config, notes()).await;
    assert!(line.starts_with("no served domain brings the keys") && line.contains("CLEAVE_DOMAINS"), "{line}");
}

#[tokio::test]
async fn who_serves_a_part_without_a_broker_is_told_what_does_not_reach_it() {
    let all = || vec![domain("user", &["/api/v1/users"]), domain("task", &["/api/v1/tasks"])];
    let (_directory, mut config) = place();
    config.domains = vec!["task".to_owned()];
    let server = runtime::serve(config, all()).await.unwrap();
    let expected = "CLEAVE_BUS is in-process: no event leaves this process, and none comes from notification, user. If \
                    that is served anywhere, set CLEAVE_BUS to the broker of all processes";
    assert!(server.screen().contains(expected), "{}", server.screen());
    server.stop().await;
    let (_directory, config) = place();
    let server = runtime::serve(config, [all(), vec![domain("notification", &["/api/v1/n"])]].concat()).await.unwrap();
    assert!(!server.screen().contains("CLEAVE_BUS"), "{}", server.screen());
    server.stop().await;
}

#[tokio::test]
async fn a_domain_that_the_binary_does_not_hold_is_refused() {
    let (_directory, mut config) = place();
    config.domains = vec!["notes".to_owned(), "lists".to_owned()];
    let line = refusal(config, notes()).await;
    assert!(line.starts_with("this binary does not hold the domain lists"), "{line}");
}

#[tokio::test]
async fn a_domain_that_refuses_to_start_leaves_port_and_files_free() {
    let (_directory, mut config) = place();
    own_address(&mut config, 7);
    // A port that this test had a moment ago.
    config.port = TcpListener::bind((config.host.as_str(), 0)).unwrap().local_addr().unwrap().port();
    let refusing = Module::new("lists").mount(|_| Box::pin(async { Err(StartError::new("set\nLISTS")) }));
    let modules = vec![domain("notes", &["/api/v1/notes"]), refusing];
    assert_eq!(refusal(config.clone(), modules).await, "set LISTS");
    runtime::serve(config, notes()).await.unwrap().stop().await;
}

#[tokio::test]
async fn dozens_start_and_stop_side_by_side() {
    let systems = (0..24).map(|_| async {
        let (_directory, config) = place();
        let server = runtime::serve(config, notes()).await.unwrap();
        let answered = get(&server, "/api/v1/notes").await.status;
        server.stop().await;
        answered
    });
    assert_eq!(futures_util::future::join_all(systems).await, [200; 24]);
}
