//! The processes of a system, from outside. Rule: they are this test's binary itself, so that they are never older than
//! the test; and none outlives the system.

use crate::child::{CLOCK, CONTROL, ENTRY, order};
use crate::ground::Ground;
use crate::servers::setting;
use crate::topology::{Part, Topology};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a process may take to start, and to obey.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a process that starts.
const LOOK: Duration = Duration::from_millis(5);

/// What all processes of a system are told alike.
pub(crate) struct Common<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) ground: &'a Ground,
    pub(crate) directory: &'a Path,
    pub(crate) public_url: &'a str,
    pub(crate) password: &'a str,
    /// Of the clock.
    pub(crate) micros: i64,
}

/// The processes of a system, in the order of their parts.
#[derive(Default)]
pub(crate) struct Processes {
    running: Vec<Process>,
}

/// A child that does not outlive whoever holds this.
struct Held(Child);

/// One of them.
struct Process {
    part: Part,
    address: SocketAddr,
    child: Held,
    control: Mutex<BufReader<TcpStream>>,
    gone: bool,
}

impl Processes {
    /// Starts all: the domains first, the gateway when it is known where they are. A process that ran before comes back
    /// to its address.
    pub(crate) fn start(&mut self, common: &Common<'_>) {
        let before: Vec<(Part, SocketAddr)> = self.running.drain(..).map(|old| (old.part, old.address)).collect();
        let port = |part: &Part| before.iter().find(|(old, _)| old == part).map_or(0, |(_, address)| address.port());
        let (services, gateways): (Vec<Part>, Vec<Part>) =
            common.topology.processes.iter().partition(|part| !part.is_gateway());
        // Who serves users is asked for keys by all others.
        let (first, rest): (Vec<Part>, Vec<Part>) = services.into_iter().partition(|part| part.serves.contains(&KEYS));
        for together in [first, rest, gateways] {
            let starting: Vec<Begun> = together.iter().map(|part| self.begin(*part, port(part), common)).collect();
            self.running.extend(starting.into_iter().map(Begun::finish));
        }
    }

    /// Starts one again that is gone, at its address.
    pub(crate) fn revive(&mut self, name: &str, common: &Common<'_>) {
        let at = self.running.iter().position(|process| process.part.name == name).expect("a process of that name");
        let (part, port) = (self.running[at].part, self.running[at].address.port());
        assert!(self.running[at].gone, "{name} runs");
        let revived = self.begin(part, port, common).finish();
        self.running[at] = revived;
    }

    /// Ends one as a crash does.
    pub(crate) fn kill(&mut self, name: &str) {
        let process = self.running.iter_mut().find(|process| process.part.name == name);
        process.expect("a process of that name").end();
    }

    /// Stops all in good order, the gateway first.
    pub(crate) fn stop(&mut self) {
        for process in self.running.iter_mut().rev().filter(|process| !process.gone) {
            process.order(&order::stop());
            process.end();
        }
    }

    /// Tells all that run.
    pub(crate) fn order(&self, order: &Value) {
        for process in self.running.iter().filter(|process| !process.gone) {
            process.order(order);
        }
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.running.iter().map(|process| process.address).collect()
    }

    /// Where clients speak to: the gateway, or else the first that runs.
    pub(crate) fn front(&self) -> Option<SocketAddr> {
        let gateway = self.running.iter().find(|process| process.part.is_gateway());
        gateway.or_else(|| self.running.iter().find(|process| !process.gone)).map(|process| process.address)
    }

    pub(crate) fn address(&self, name: &str) -> Option<SocketAddr> {
        self.running.iter().find(|process| process.part.name == name).map(|process| process.address)
    }

    fn begin(&self, part: Part, port: u16, common: &Common<'_>) -> Begun {
        let control = TcpListener::bind("127.0.0.1:0").expect("a port");
        control.set_nonblocking(true).expect("a listener");
        let directory = common.directory.join(part.name);
        std::fs::create_dir_all(&directory).expect("a directory");
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args([ENTRY, "--exact", "--nocapture", "--test-threads=1"]);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLEAVE_")) {
            command.env_remove(name);
        }
        command.envs(self.variables(part, port, common, &directory));
        command.env(CONTROL, control.local_addr().expect("an address").to_string());
        command.env(CLOCK, common.micros.to_string());
        // Where no settings file lies.
        command.current_dir(&directory).stdin(Stdio::null()).stdout(Stdio::null());
        // Kept for the message about one that does not start.
        if setting("CLEAVE_TEST_OUTPUT").is_none() {
            command.stderr(std::fs::File::create(directory.join("stderr")).expect("a file"));
        }
        Begun { part, child: Held(command.spawn().expect("this binary again")), control, directory }
    }

    /// What an operator would tell it.
    fn variables(&self, part: Part, port: u16, common: &Common<'_>, directory: &Path) -> Vec<(String, String)> {
        let mut variables = common.ground.variables(part.serves);
        let mut say = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
        say("CLEAVE_PORT", &port.to_string());
        say("CLEAVE_PUBLIC_URL", common.public_url);
        say("CLEAVE_DATA_DIR", &directory.to_string_lossy());
        say("CLEAVE_INTERNAL_TOKEN", &common.ground.secret);
        say("CLEAVE_RATE_LIMIT", "off");
        if part.is_gateway() {
            say("CLEAVE_DOMAINS", &self.targets());
            return variables;
        }
        say("CLEAVE_DOMAINS", &part.serves.join(","));
        say("CLEAVE_TRUSTED_PROXIES", "127.0.0.1");
        say("CLEAVE_SEAL_SECRET", &common.ground.secret);
        if part.serves.contains(&KEYS) {
            say("CLEAVE_KEYS_SECRET", &common.ground.secret);
            say("CLEAVE_ADMIN_PASSWORD", common.password);
        } else {
            say("CLEAVE_USER_URL", &self.urls(KEYS));
        }
        variables
    }

    /// `task=http://…|http://…,user=http://…`.
    fn targets(&self) -> String {
        let mut domains: Vec<&str> =
            self.running.iter().flat_map(|process| process.part.serves.iter().copied()).collect();
        domains.sort_unstable();
        domains.dedup();
        domains.into_iter().map(|domain| format!("{domain}={}", self.urls(domain))).collect::<Vec<_>>().join(",")
    }

    fn urls(&self, domain: &str) -> String {
        let serving = self.running.iter().filter(|process| process.part.serves.contains(&domain));
        serving.map(|process| format!("http://{}", process.address)).collect::<Vec<_>>().join("|")
    }
}

/// The domain that brings the keys.
const KEYS: &str = "user";

/// A process that starts.
struct Begun {
    part: Part,
    child: Held,
    control: TcpListener,
    directory: PathBuf,
}

impl Begun {
    /// Waits until it listens.
    fn finish(mut self) -> Process {
        let started = Instant::now();
        let stream = loop {
            match self.control.accept() {
                Ok((stream, _)) => break stream,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "the socket: {error}"),
            }
            if let Some(status) = self.child.0.try_wait().expect("a child") {
                panic!("{} did not start ({status}): {}", self.part.name, self.said());
            }
            assert!(started.elapsed() < PATIENCE, "{} does not start: {}", self.part.name, self.said());
            std::thread::sleep(LOOK);
        };
        stream.set_nonblocking(false).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut control = BufReader::new(stream);
        let mut line = String::new();
        control.read_line(&mut line).unwrap_or_else(|error| panic!("{} {error}: {}", self.part.name, self.said()));
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            // It writes down why before it is gone.
            let _ = self.child.0.wait();
            panic!("{} did not start: {}", self.part.name, self.said());
        };
        let address = ready["address"].as_str().expect("an address").parse().expect("an address");
        Process { part: self.part, address, child: self.child, control: Mutex::new(control), gone: false }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.directory.join("stderr")).unwrap_or_default()
    }
}

impl Process {
    fn order(&self, order: &Value) {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = control.get_mut().write_all(format!("{order}\n").as_bytes());
        let mut answer = String::new();
        let answered = sent.and_then(|()| control.read_line(&mut answer));
        assert!(answered.is_ok() && answer == "\"done\"\n", "{} did not obey {order}: {answer:?}", self.part.name);
    }

    fn end(&mut self) {
        self.child.end();
        self.gone = true;
    }
}

impl Held {
    fn end(&mut self) {
        // It may be gone by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.end();
    }
}
