//! The API against its own document: a system of real processes, three users, and schemathesis, which makes requests of what
//! `/openapi.json` says and checks each answer against it. Rule: every check, every phase; and what was sent leaves no event
//! behind that cannot be handled.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program for people, which ends at what it did not expect"
)]

use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;
use testkit::Topology;
use tests::faults::caller::{Caller, PASSWORD};
use tests::faults::fleet::{Fleet, is_one, served};
use tests::faults::round::Servers;
use tests::faults::watch::rest;

const HELP: &str = "\
usage: fuzz --with PROGRAM [--topology NAME] [--seed N]… [--examples N] [--seconds N] [--include OPERATION]…

  --with      schemathesis, 4.32 or later
  --topology  embedded, monolith-pg, monolith-rabbit, embedded-rabbit or split; embedded
  --seed      each in a system of its own; 1
  --examples  requests of an operation and phase at most; 300
  --seconds   goes on until they are over, for each seed, and no longer (4.32.5 may fail at its end by an error of its own)
  --include   operation ids; all of them";

/// Users who must not see what belongs to the other; an administrator reaches what they may not.
const PEERS: [&str; 2] = ["user-0", "user-1"];
/// How long what was sent may go on having effects.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was asked for.
struct Asked {
    program: PathBuf,
    topology: Topology,
    seeds: Vec<u32>,
    examples: u32,
    seconds: Option<u32>,
    include: Vec<String>,
}

fn main() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if is_one() {
        runtime.block_on(served(app::settings, app::serve));
        return ExitCode::SUCCESS;
    }
    match read(std::env::args().skip(1)) {
        Ok(asked) => runtime.block_on(run(&asked)),
        Err(why) => {
            println!("{why}\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let (mut program, mut topology, mut seeds) = (None, Topology::EMBEDDED, Vec::new());
    let (mut examples, mut seconds, mut include) = (300, None, Vec::new());
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{argument} {value} means nothing"));
        match argument.as_str() {
            "--with" => program = Some(PathBuf::from(&value)),
            "--topology" => {
                let known = Topology::ALL.iter().find(|topology| topology.name == value);
                topology = *known.ok_or_else(|| format!("{value} is no topology"))?;
            }
            "--seed" => seeds.push(number()?),
            "--examples" => examples = number()?,
            "--seconds" => seconds = Some(number()?),
            "--include" => include.push(value),
            _ => return Err(format!("{argument} is no option")),
        }
    }
    let program = program.ok_or("--with is missing")?;
    let program = program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?;
    if seeds.is_empty() {
        seeds.push(1);
    }
    Ok(Asked { program, topology, seeds, examples, seconds, include })
}

async fn run(asked: &Asked) -> ExitCode {
    let mut servers = Servers::start(&[asked.topology]).await;
    if !servers.serve(&asked.topology) {
        println!("not run: what {} needs is not installed", asked.topology.name);
        return ExitCode::FAILURE;
    }
    for seed in &asked.seeds {
        let fleet = servers.system(asked.topology).await;
        let passed = attack(&fleet, asked, *seed).await;
        fleet.assert_nobody_ended();
        let settled = rest(&fleet.stores(), PATIENCE).await;
        if let Err(what) = &settled {
            println!("{what}\n{}", fleet.said());
        }
        if !passed || settled.is_err() {
            println!("{}, seed {seed}: failed", asked.topology.name);
            return ExitCode::FAILURE;
        }
        println!("{}, seed {seed}: passed", asked.topology.name);
    }
    ExitCode::SUCCESS
}

async fn attack(fleet: &Fleet, asked: &Asked, seed: u32) -> bool {
    let addresses = fleet.addresses();
    let users = Caller::new(&addresses).register(PEERS.len()).await;
    let address = addresses.first().expect("an address");
    let settings = settings(fleet.directory(), users.first().expect("a user"));
    let mut command = Command::new(&asked.program);
    command.current_dir(fleet.directory()).arg("--config-file").arg(settings).args(["--no-color", "run"]);
    command.arg(format!("http://{address}/openapi.json"));
    command.args(["--phases", "examples,coverage,fuzzing,stateful"]);
    command.args(["--continue-on-failure", "--seed", &seed.to_string(), "--max-examples", &asked.examples.to_string()]);
    if let Some(seconds) = asked.seconds {
        command.args(["--max-time", &seconds.to_string()]);
    }
    for operation in &asked.include {
        command.args(["--include-operation-id", operation]);
    }
    let ended = tokio::task::spawn_blocking(move || command.status()).await.expect("a thread");
    ended.expect("the program runs").success()
}

/// What no document can say: who signs in how, what is no fault, and what `hooks.py` does.
///
/// 412 is the right answer to a random `If-Match`. Everybody may see the name of everybody, so that two users get the same of
/// `GET /users/{id}`; what each of them sees there and nowhere else is asserted by the tests of the system.
const SETTINGS: &str = r#"hooks = "hooks.py"

[auth.wfc]
path = "users.json"
peers = PEERS

[checks]
enabled = true

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]

[[operations]]
include-operation-id = "getUser"
checks.object_level_authorization.enabled = false
"#;
const HOOKS: &str = include_str!("../fuzz/hooks.py");

fn settings(directory: &Path, caller: &str) -> PathBuf {
    let users = PEERS.iter().chain(["admin"].iter()).map(|name| {
        json!({
            "name": name,
            "loginEndpointAuth": {
                "endpoint": "/api/v1/auth/login",
                "verb": "POST",
                "contentType": "application/json",
                "payloadRaw": json!({"login": name, "password": PASSWORD}).to_string(),
                "token": {
                    "extractFrom": "body",
                    "extractSelector": "/access_token",
                    "sendIn": "header",
                    "sendName": "Authorization",
                    "sendTemplate": "Bearer {token}",
                },
            },
        })
    });
    let users = json!({"schemaVersion": "0.2.0", "auth": users.collect::<Vec<_>>()});
    let write = |name: &str, text: String| std::fs::write(directory.join(name), text).expect("a file");
    write("users.json", users.to_string());
    write("caller.json", json!(caller).to_string());
    write("hooks.py", HOOKS.to_owned());
    write("schemathesis.toml", SETTINGS.replace("PEERS", &json!(PEERS).to_string()));
    directory.join("schemathesis.toml")
}
