//! How one process of a system is told what it is. Rule: by environment variables alone, as an operator does.

use super::served::SERVE;
use super::{DOMAINS, Fleet, Place};
use crate::faults::caller::PASSWORD;
use std::process::Command;
use testkit::Part;

/// The test that such a process runs.
const ENTRY: &str = "process::served";
/// What signs, seals and lets processes trust one another.
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// All clients come from one address.
const OFTEN: &str = "1000000/60s";
/// The issuer of tokens, the same wherever a process listens.
const PUBLIC_URL: &str = "http://cleave.test";

/// The variable for the URL of a domain's database.
pub(super) fn url_of(domain: &str) -> String {
    format!("CLEAVE_{}_DATABASE_URL", domain.to_uppercase())
}

impl Fleet {
    /// What an operator would start.
    pub(super) fn command(&self, part: Part, port: u16, all: &[(Part, u16)], bus: Option<&str>) -> Command {
        let place = self.directory.path().join(part.name);
        std::fs::create_dir_all(&place).expect("a directory");
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args([ENTRY, "--exact", "--nocapture", "--test-threads=1"]).current_dir(&place);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLEAVE_")) {
            command.env_remove(name);
        }
        command.env("CLEAVE_PORT", port.to_string()).env("CLEAVE_DATA_DIR", &place);
        let urls = |domain: &str| {
            let serving = all.iter().filter(|(part, _)| part.serves.contains(&domain));
            serving.map(|(_, port)| format!("http://127.0.0.1:{port}")).collect::<Vec<_>>().join("|")
        };
        for (name, value) in [
            (SERVE, "1"),
            ("CLEAVE_PUBLIC_URL", PUBLIC_URL),
            ("CLEAVE_INTERNAL_TOKEN", SECRET),
            ("CLEAVE_RATE_LIMIT", "off"),
            ("CLEAVE_LOGIN_LIMIT", OFTEN),
            ("CLEAVE_REGISTER_LIMIT", OFTEN),
        ] {
            command.env(name, value);
        }
        if let Some(bus) = bus {
            command.env("CLEAVE_BUS", bus);
        }
        if part.serves.is_empty() {
            let targets = DOMAINS.map(|domain| format!("{domain}={}", urls(domain)));
            command.env("CLEAVE_DOMAINS", targets.join(","));
            return command;
        }
        command.env("CLEAVE_DOMAINS", part.serves.join(",")).env("CLEAVE_SEAL_SECRET", SECRET);
        command.env("CLEAVE_TRUSTED_PROXIES", "127.0.0.1");
        if part.serves.contains(&DOMAINS[0]) {
            command.env("CLEAVE_KEYS_SECRET", SECRET).env("CLEAVE_ADMIN_PASSWORD", PASSWORD);
        } else {
            command.env("CLEAVE_USER_URL", urls(DOMAINS[0]));
        }
        match &self.place {
            Place::Files => {}
            Place::Database(url) => {
                command.env("CLEAVE_DATABASE_URL", url);
            }
            Place::Databases(urls) => {
                for domain in part.serves {
                    command.env(url_of(domain), &urls[domain]);
                }
            }
        }
        command
    }
}
