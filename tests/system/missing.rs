//! A server that is missing is seen. Rule: a line for each test that did not run because of it, and a failure where the
//! variable asks for one; this binary is its own example.

use std::net::TcpListener;
use std::process::{Command, Output};

const CASE: &str = "walkthrough::monolith_rabbit::who_registers_is_welcomed";

/// Runs the case as if nothing answered at that variable's address.
fn run_without(variable: &str, url: &str, required: &str) -> Output {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([CASE, "--exact", "--test-threads=2"]);
    command.env(variable, url.replace("{}", &nobody.to_string())).env("CLEAVE_TEST_REQUIRE", required);
    command.output().unwrap()
}

#[test]
fn without_a_server_a_line_says_what_did_not_run_unless_it_has_to() {
    for (variable, url, short, name) in [
        ("CLEAVE_TEST_POSTGRES_URL", "postgres://postgres@{}/postgres", "postgres", "PostgreSQL"),
        ("CLEAVE_TEST_AMQP_URL", "amqp://guest:guest@{}", "rabbitmq", "RabbitMQ"),
    ] {
        let passed = run_without(variable, url, "");
        let said = String::from_utf8_lossy(&passed.stderr);
        assert!(passed.status.success(), "{said}");
        let told = said.lines().filter(|line| line.starts_with(&format!("not run: {CASE}: no {name}"))).count();
        assert_eq!(told, 1, "{said}");
        let failed = run_without(variable, url, short);
        let said = String::from_utf8_lossy(&failed.stdout);
        assert!(!failed.status.success(), "{said}");
        assert!(said.contains(&format!("CLEAVE_TEST_REQUIRE names {short}, and no {name} answers")), "{said}");
    }
}
