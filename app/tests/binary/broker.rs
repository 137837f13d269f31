//! A broker that cannot be used. Rule: one line that names the fix and never the password, and nothing is made.

use crate::running::{cleave, refused};
use std::path::Path;
use testkit::VirtualHost;

fn refusal(directory: &Path, url: &str) -> String {
    let line = refused(cleave(directory).args(["--port", "0"]).env("CLEAVE_BUS", url));
    assert!(!line.contains("sesame") && !directory.join("data").exists(), "{line}");
    line
}

#[test]
fn a_wrong_password_and_a_wrong_virtual_host_are_each_one_line() {
    let Some(host) = VirtualHost::new() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (server, name) = (host.server(), host.name());
    assert_eq!(
        refusal(directory.path(), &format!("amqp://guest:sesame@{server}/{name}")),
        format!(
            "CLEAVE_BUS: the broker at {server} refuses the user guest: correct name and password in the address of the bus"
        )
    );
    let line = refusal(directory.path(), &host.url().replace(name, "nowhere"));
    assert!(line.starts_with(&format!("CLEAVE_BUS: the broker at {server} does not let the user ")), "{line}");
    assert!(line.contains("into the virtual host \"nowhere\": make it and grant access"), "{line}");
}

#[test]
fn a_queue_with_other_arguments_is_one_line_that_names_it() {
    let Some(host) = VirtualHost::new() else { return };
    let queue = format!(
        "rabbit_amqqueue:declare(rabbit_misc:r(<<\"{}\">>, queue, <<\"task.inbox.v1\">>), true, false, [], none, <<\"test\">>).",
        host.name()
    );
    host.control(&["eval", &queue]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let line = refusal(directory.path(), &host.url());
    assert!(
        line.starts_with("CLEAVE_BUS: the queue task.inbox.v1 exists at the broker with other arguments"),
        "{line}"
    );
    assert!(line.contains("move its messages away and delete it, or use another virtual host"), "{line}");
}

#[test]
fn what_is_no_broker_is_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let line = refusal(directory.path(), "amqp://guest:sesame@127.0.0.1:1/%2f");
    assert!(line.starts_with("CLEAVE_BUS: the broker at 127.0.0.1:1 does not answer ("), "{line}");
    let line = refusal(directory.path(), "amqp://guest:sesame@h:port");
    assert!(line.starts_with("CLEAVE_BUS: the address of the broker is no AMQP URL ("), "{line}");
    let forget = |domain: &str| {
        let mut command = cleave(directory.path());
        refused(command.args(["bus", "forget", domain]).env("CLEAVE_BUS", "amqp://guest:sesame@127.0.0.1:1/%2f"))
    };
    assert!(forget("task").starts_with("the broker at 127.0.0.1:1 does not answer ("));
    assert_eq!(forget("tasks"), "no domain is named tasks: say one of user, task, notification");
}
