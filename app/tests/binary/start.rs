//! How it starts, is refused, and stops. Rule: what an operator sees is asserted word by word.

use crate::running::{cleave, refused, start, start_in};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use testkit::Shipped;

/// The whole answer, as it comes.
fn get(running: &Shipped, path: &str) -> String {
    let mut connection = TcpStream::connect(&running.address).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", running.address).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_tells_its_version_and_its_flags() {
    let directory = tempfile::tempdir().unwrap();
    let version = cleave(directory.path()).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(version.stdout).unwrap(), format!("cleave {}\n", env!("CARGO_PKG_VERSION")));
    let help = cleave(directory.path()).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for flag in
        ["host", "port", "public-url", "data-dir", "database-url", "bus", "domains", "user-url", "rate-limit", "log"]
    {
        assert!(help.contains(&format!("--{flag} ")), "{flag} is missing:\n{help}");
    }
}

#[test]
fn every_subcommand_says_what_it_does_and_takes_what_it_uses() {
    let directory = tempfile::tempdir().unwrap();
    let help = |args: &[&str]| {
        let output = cleave(directory.path()).args(args).arg("--help").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let all = help(&[]);
    assert!(all.contains("users    What concerns accounts\n") && all.contains(".env.example"), "{all}");
    for (args, does, flags) in [
        (&["serve"][..], "Serves until it is told to stop", &["--port", "--bus", "--data-dir"][..]),
        (&["migrate"], "Brings the databases up to date", &[]),
        (&["migrate", "up"], "Applies what is pending", &["--data-dir", "--database-url"]),
        (&["migrate", "status"], "Lists what is pending", &["--data-dir", "--database-url"]),
        (&["users"], "What concerns accounts", &["--data-dir", "--database-url"]),
        (&["users", "create-admin"], "Makes an administrator", &["--username", "--email", "--data-dir"]),
        (&["bus"], "What concerns the broker", &[]),
        (&["bus", "forget"], "Throws away the queues of a domain", &["--bus"]),
    ] {
        let text = help(args);
        assert!(text.starts_with(does), "{args:?}: {text}");
        for flag in flags {
            assert!(text.contains(&format!("{flag} <")), "{args:?} does not name {flag}: {text}");
        }
        let of_the_broker = args.first() == Some(&"serve") || args == ["bus", "forget"];
        assert_eq!(text.contains("--bus <"), of_the_broker, "{args:?}: {text}");
    }
    assert!(help(&["serve"]).contains("0 picks a free one [default: 8000]"));
    assert!(!help(&["bus", "forget"]).contains("in-process"), "that bus has nothing to forget");
}

#[test]
fn a_mistyped_command_line_does_not_repeat_a_password() {
    let directory = tempfile::tempdir().unwrap();
    for args in [&["serve", "postgres://anna:hidden@h/d"][..], &["--databse-url=postgres://anna:hidden@h/d"]] {
        let output = cleave(directory.path()).args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(said.contains("error: unexpected argument") && said.contains("--help"), "{said}");
        assert!(!said.contains("hidden") && !said.contains("anna"), "{said}");
    }
}

#[test]
fn without_any_setting_it_serves_all_domains_and_stops_when_told() {
    for signal in ["TERM", "INT"] {
        let running = start(|_| {});
        for expected in [
            "Cleave ",
            "user          ./data/user.db",
            "task          ./data/task.db",
            "notification  ./data/notification.db",
        ] {
            assert!(running.screen.contains(expected), "{expected} is not on the screen:\n{}", running.screen);
        }
        assert!(running.screen.contains(&format!("http://{}/docs", running.address)));
        assert!(get(&running, "/").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(get(&running, "/health/ready").starts_with("HTTP/1.1 200 OK\r\n"));
        running.signal(signal);
        let (status, directory) = running.end();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(!directory.path().join("data/cleave.addr").exists());
        let logs = fs::read_dir(directory.path().join("data")).unwrap().map(|entry| entry.unwrap());
        let left: u64 = logs
            .filter(|entry| entry.file_name().to_string_lossy().ends_with("-wal"))
            .map(|entry| entry.metadata().unwrap().len())
            .sum();
        assert_eq!(left, 0, "the write-ahead logs are copied back");
    }
}

#[test]
fn the_log_is_json_for_a_machine_and_text_for_a_person() {
    for (format, is_json) in [("auto", true), ("json", true), ("text", false)] {
        let mut running = start(|command| {
            command.env("CLEAVE_LOG_FORMAT", format).stderr(Stdio::piped());
        });
        let answer = get(&running, "/health");
        let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an answer has an id");
        running.signal("TERM");
        let mut log = String::new();
        running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        let line = log.lines().find(|line| line.contains(id)).expect("the request is logged under its id");
        match serde_json::from_str::<serde_json::Value>(line) {
            Ok(entry) => assert!(is_json && entry["status"] == 200 && entry["span"]["request_id"] == id, "{line}"),
            Err(_) => assert!(!is_json && line.contains(" INFO ") && !line.contains('\u{1b}'), "{line}"),
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let running = start(|command| {
        command.env("CLEAVE_DRAIN_DELAY", "1h");
    });
    running.signal("TERM");
    // It goes on serving, and says that it is not ready.
    while get(&running, "/health/ready").starts_with("HTTP/1.1 200") {}
    assert!(get(&running, "/health/live").starts_with("HTTP/1.1 200"));
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(1));
}

#[test]
fn a_broken_setting_is_one_line_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    assert_eq!(refused(cleave(at).env("CLEAVE_PORT", "abc")), "CLEAVE_PORT=abc is not a port (0 to 65535)");
    assert_eq!(refused(cleave(at).args(["serve", "--port", "abc"])), "--port abc is not a port (0 to 65535)");
    assert_eq!(
        refused(cleave(at).env("CLEAVE_PROT", "8000")),
        "CLEAVE_PROT is not a setting of Cleave: remove it, or did you mean CLEAVE_PORT?"
    );
    assert_eq!(
        refused(cleave(at).args(["--bus", "nats://localhost"])),
        "--bus is neither in-process nor the URL of a broker (amqp://user:password@host:5672/vhost)"
    );
    assert_eq!(
        refused(cleave(at).env("CLEAVE_DOMAINS", "user,notification,task=http://127.0.0.1:8002")),
        "CLEAVE_DOMAINS says that task is served elsewhere, and with CLEAVE_BUS=in-process no event would reach it: set \
         CLEAVE_BUS to the broker of all processes (amqp://user:password@host:5672)"
    );
    assert_eq!(
        refused(cleave(at).env("CLEAVE_DOMAINS", "task").env("CLEAVE_USER_URL", "http://127.0.0.1:8001")),
        "CLEAVE_INTERNAL_TOKEN is missing: the user domain is served elsewhere, and shows its revocations to nobody \
         else; make it with `openssl rand -hex 32` and give it to every process"
    );
    assert_eq!(
        refused(cleave(at).env("CLEAVE_DATABASE_URL", "postgres://127.0.0.1:1/none")),
        "CLEAVE_KEYS_SECRET is missing, and with PostgreSQL it is not made by itself: make it with `openssl rand -hex 32` \
         and give it to every process that serves user"
    );
    let line = refused(cleave(at).args(["--port", "0", "--bus", "amqp://guest:hidden@127.0.0.1:1"]));
    assert!(line.starts_with("CLEAVE_BUS: the broker at 127.0.0.1:1 does not answer"), "{line}");
    assert!(!line.contains("hidden") && !at.join("data").exists(), "{line}");
    assert_eq!(
        refused(cleave(at).args(["bus", "forget", "task"])),
        "CLEAVE_BUS is in-process, which keeps nothing for anybody: set it to the broker (amqp://user:password@host)"
    );
    let line = refused(cleave(at).env("CLEAVE_DOMAINS", "task"));
    assert!(line.starts_with("no served domain brings the keys that tokens are verified with: add user"), "{line}");
    fs::write(at.join("cleave.toml"), "registration = \"maybe\"\n").unwrap();
    assert_eq!(refused(&mut cleave(at)), "cleave.toml: registration = \"maybe\" is not one of open, closed");
}

#[test]
fn a_taken_port_is_one_line_that_names_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(
        refused(cleave(directory.path()).args(["--port", &port])),
        format!(
            "another process listens on 127.0.0.1:{port}: stop it, or choose another --port (CLEAVE_PORT; 0 picks a free one)"
        )
    );
}

#[test]
fn a_second_process_on_the_same_files_is_one_line_that_names_the_fix() {
    let running = start(|_| {});
    assert_eq!(
        refused(cleave(running.directory.path()).args(["--port", "0"])),
        "another process serves the domain user from ./data and holds ./data/user.lock: stop it, or choose another \
         --data-dir (CLEAVE_DATA_DIR)"
    );
}

#[test]
fn an_unusable_directory_is_one_line_that_names_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let line = refused(cleave(directory.path()).args(["--port", "0", "--data-dir", "file/data"]));
    assert!(line.starts_with("cannot write to the data directory file/data: "), "{line}");
    assert!(line.ends_with("make it writable, or choose another --data-dir (CLEAVE_DATA_DIR)"), "{line}");
}

#[test]
fn a_newer_database_is_one_line_that_names_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("data")).unwrap();
    let newer = rusqlite::Connection::open(directory.path().join("data/task.db")).unwrap();
    newer
        .execute_batch(
            "CREATE TABLE seaql_migrations (version TEXT PRIMARY KEY, applied_at INTEGER NOT NULL);
             INSERT INTO seaql_migrations VALUES ('m29990101_000001_future', 0)",
        )
        .unwrap();
    drop(newer);
    assert_eq!(
        refused(cleave(directory.path()).args(["--port", "0"])),
        format!(
            "./data/task.db belongs to a newer version of Cleave than this one ({}), which does not know \
             m29990101_000001_future: start that version, or restore a backup",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn a_file_with_a_damaged_page_is_one_line_that_names_it() {
    let running = start(|_| {});
    running.signal("TERM");
    let (_, directory) = running.end();
    let file = directory.path().join("data/task.db");
    let sound = fs::read(&file).unwrap();
    let database = rusqlite::Connection::open(&file).unwrap();
    let number = |sql: &str| -> usize { database.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize };
    let page_size = number("PRAGMA page_size");
    let first_page = |of: &str| number(&format!("SELECT rootpage FROM sqlite_master WHERE name = '{of}'"));
    let pages = ["outbox", "inbox_due", "task"].map(first_page);
    drop(database);
    for page in pages {
        let mut damaged = sound.clone();
        let begins = (page - 1) * page_size;
        damaged[begins..begins + 64].fill(0xa5);
        fs::write(&file, damaged).unwrap();
        let line = refused(cleave(directory.path()).args(["--port", "0"]));
        assert!(
            line.starts_with("./data/task.db is damaged: ") && line.contains("; restore it from a backup"),
            "{line}"
        );
    }
    // Also where nothing can be read of it at all.
    fs::write(&file, [b"no database at all".as_slice(), &sound[18..]].concat()).unwrap();
    let line = refused(cleave(directory.path()).args(["--port", "0"]));
    assert!(line.contains("./data/task.db") && line.contains("restore it from a backup"), "{line}");
    fs::write(&file, sound).unwrap();
    assert!(get(&start_in(directory, |_| {}), "/health/ready").starts_with("HTTP/1.1 200 OK\r\n"));
}
