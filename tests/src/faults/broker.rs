//! A RabbitMQ node of a test's own, which it may stop and kill. Rule: nothing of it is the machine's: its name, ports, cookie,
//! port mapper and data are its own, and gone when the test ends.

use super::held::{Held, free_port, is_missing, program, touch};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the node may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(240);
/// Where Debian and others keep the programs, past the wrappers that want to be another user.
const PLACES: [&str; 3] = ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/sbin"];

/// The node.
pub struct PrivateBroker {
    server: PathBuf,
    control: PathBuf,
    port: u16,
    /// Where nodes find one another: of its own too.
    mapper_port: u16,
    distribution_port: u16,
    mapper: Option<Held>,
    held: Option<Held>,
    // Last: nobody uses it any more.
    directory: TempDir,
}

impl PrivateBroker {
    /// Starts one; none where RabbitMQ is not installed, which a line says.
    ///
    /// # Panics
    /// When it is missing and `CLEAVE_TEST_REQUIRE` names `rabbitmq`, or when it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let places: Vec<&Path> = PLACES.iter().map(Path::new).collect();
        let found = [program("rabbitmq-server", &places), program("rabbitmqctl", &places), program("epmd", &[])];
        let [Some(server), Some(control), Some(mapper)] = found else {
            is_missing(
                "rabbitmq",
                "no RabbitMQ server is installed (rabbitmq-server, rabbitmqctl or epmd was not found)",
            );
            return None;
        };
        let directory = tempfile::Builder::new().prefix("cleave-rabbitmq-").tempdir().expect("a directory");
        let place = directory.path();
        std::fs::create_dir(place.join("home")).expect("a directory");
        std::fs::write(place.join("plugins"), "[].\n").expect("a file");
        touch(&place.join("rabbit.conf"));
        let (port, mapper_port, distribution_port) = (free_port(), free_port(), free_port());
        let mut map = Command::new(mapper);
        map.args(["-port", &mapper_port.to_string(), "-address", "127.0.0.1"]);
        let mapper = Some(Held::start(&map, &place.join("mapper.log")));
        let mut broker = Self { server, control, port, mapper_port, distribution_port, mapper, held: None, directory };
        broker.run();
        Some(broker)
    }

    /// Its address with a virtual host that is made now.
    ///
    /// # Panics
    /// When the node refuses.
    #[must_use]
    pub fn virtual_host(&self, name: &str) -> String {
        self.tell(&["add_vhost", name]);
        self.tell(&["set_permissions", "-p", name, "guest", ".*", ".*", ".*"]);
        format!("amqp://guest:guest@{}/{name}", self.address())
    }

    /// Starts the node; returns when it accepts connections.
    ///
    /// # Panics
    /// When it does not.
    pub fn run(&mut self) {
        let mut server = Command::new(&self.server);
        self.surround(&mut server);
        let held = Held::start(&server, &self.directory.path().join("node.log"));
        let started = Instant::now();
        while !self.accepts() {
            assert!(held.runs(), "RabbitMQ does not start: {}", held.said());
            assert!(started.elapsed() < PATIENCE, "RabbitMQ takes too long: {}", held.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.held = Some(held);
    }

    /// Stops the node in good order.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&mut self) {
        self.end("TERM");
    }

    /// Kills the node.
    ///
    /// # Panics
    /// When it does not end.
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The node's process.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.held.as_ref().expect("a running node").id()
    }

    /// Stops the broker inside the node: `rabbitmqctl stop_app`.
    ///
    /// # Panics
    /// When the node refuses.
    pub fn stop_app(&self) {
        self.tell(&["stop_app"]);
    }

    /// Starts the broker inside the node: `rabbitmqctl start_app`.
    ///
    /// # Panics
    /// When the node refuses.
    pub fn start_app(&self) {
        self.tell(&["start_app"]);
    }

    /// Asks the broker's own tool to do something.
    ///
    /// # Panics
    /// When the node refuses.
    pub fn tell(&self, arguments: &[&str]) {
        let mut control = Command::new(&self.control);
        control.args(["-q", "-n", &self.name()]).args(arguments).stdin(Stdio::null());
        self.surround(&mut control);
        let output = control.output().expect("rabbitmqctl");
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "rabbitmqctl {arguments:?}: {}", said());
    }

    fn end(&mut self, signal: &str) {
        let held = self.held.take().expect("a running node");
        held.signal(signal);
        held.wait(PATIENCE);
        // A killed process of many threads counts as ended before the last of them has let go of its sockets.
        let since = Instant::now();
        while self.accepts() {
            assert!(since.elapsed() < PATIENCE, "RabbitMQ still accepts connections: {}", held.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn accepts(&self) -> bool {
        TcpStream::connect_timeout(&self.address(), Duration::from_secs(1)).is_ok()
    }

    fn name(&self) -> String {
        format!("cleave{}@localhost", self.port)
    }

    /// What makes it a node of its own.
    fn surround(&self, command: &mut Command) {
        let place = self.directory.path();
        let file = |name: &str| place.join(name).into_os_string();
        for (name, value) in [
            ("HOME", file("home")),
            ("RABBITMQ_MNESIA_BASE", file("mnesia")),
            ("RABBITMQ_LOG_BASE", file("log")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", file("plugins")),
            ("RABBITMQ_CONF_ENV_FILE", file("none")),
            ("RABBITMQ_CONFIG_FILE", file("rabbit")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", file("none.config")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", file("generated")),
            ("RABBITMQ_FEATURE_FLAGS_FILE", file("feature-flags")),
            ("RABBITMQ_PID_FILE", file("pid")),
            ("RABBITMQ_NODENAME", self.name().into()),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".into()),
            ("RABBITMQ_NODE_PORT", self.port.to_string().into()),
            ("RABBITMQ_DIST_PORT", self.distribution_port.to_string().into()),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}".into()),
            ("ERL_EPMD_PORT", self.mapper_port.to_string().into()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
            // The script then becomes the node instead of standing between it and our signals.
            ("RUNNING_UNDER_SYSTEMD", "1".into()),
        ] {
            command.env(name, value);
        }
        command.current_dir(place);
    }
}

impl Drop for PrivateBroker {
    fn drop(&mut self) {
        drop(self.held.take());
        drop(self.mapper.take());
    }
}
