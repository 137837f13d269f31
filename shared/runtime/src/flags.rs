//! The command line of every binary. Rule: a flag is kept as text and laid over the other layers; what it means is
//! decided in one place for all of them.

use clap::{Args, Parser, Subcommand};
use std::fmt;

/// Where what has no flag is found; at the end of the help of a process that serves.
const ALL_SETTINGS: &str = "A flag lies over the variable of its name (CLEAVE_DATA_DIR for --data-dir), and that over \
    the line in ./cleave.toml (data_dir = \"…\"). Secrets and the rest have no flag: .env.example names every variable.";

/// Users, tasks and notifications in one process, or in several
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = ALL_SETTINGS)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeFlags,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves until it is told to stop; what happens without a command
    #[command(after_help = ALL_SETTINGS)]
    Serve(ServeFlags),
    /// Brings the databases up to date, or tells how far they are
    Migrate {
        #[command(subcommand)]
        what: Migrate,
    },
    /// Prints the description of the API (OpenAPI 3.1) that /openapi.json answers, and starts nothing
    Openapi,
    /// What became of events, and what to do about those that failed, at a running system
    Events(crate::commands::Events),
    /// What concerns the broker
    Bus {
        #[command(subcommand)]
        what: Bus,
    },
}

#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// Applies what is pending; safe where several processes do so at once
    Up(DatabaseFlags),
    /// Lists what is pending, with exit code 1 if anything is, and changes nothing
    Status(DatabaseFlags),
}

#[derive(Subcommand)]
pub(crate) enum Bus {
    /// Throws away the queues of a domain that will not come back, with what is in them
    Forget {
        /// Its name
        domain: String,
        /// The broker, amqp://user:password@host:5672/vhost; better told as CLEAVE_BUS, which nobody sees in a list of
        /// processes
        #[arg(long = "bus")]
        broker: Option<String>,
    },
}

// Where the rows are, for commands that do not serve. Not a doc comment: clap would show it as the help of the command
// that has the flags.
#[derive(Clone, Default, Args)]
pub(crate) struct DatabaseFlags {
    /// SQLite files, locks and secrets
    #[arg(long, global = true)]
    data_dir: Option<String>,
    /// PostgreSQL database with a schema for each domain [default: SQLite files in the data directory]
    #[arg(long, global = true)]
    database_url: Option<String>,
}

impl DatabaseFlags {
    /// As `serve` would be given them.
    pub(crate) fn of_serve(&self) -> ServeFlags {
        let Self { data_dir, database_url } = self.clone();
        ServeFlags { data_dir, database_url, ..ServeFlags::default() }
    }
}

/// Flags of `serve`. Each lies over the variable `CLEAVE_…` of its name.
#[derive(Clone, Default, Args)]
pub struct ServeFlags {
    /// Name or address to listen on
    #[arg(long)]
    pub host: Option<String>,
    /// Port to listen on; 0 picks a free one
    #[arg(long)]
    pub port: Option<String>,
    /// How clients reach this process [default: http://host:port]
    #[arg(long)]
    pub public_url: Option<String>,
    /// Database files, locks and secrets
    #[arg(long)]
    pub data_dir: Option<String>,
    /// PostgreSQL database with a schema for each domain [default: SQLite files in the data directory]
    #[arg(long)]
    pub database_url: Option<String>,
    /// How events travel: in-process, or amqp://user:password@host:5672
    #[arg(long)]
    pub bus: Option<String>,
    /// Which domains to serve, with commas; task=http://host:8002 is served elsewhere [default: all]
    #[arg(long)]
    pub domains: Option<String>,
    /// Where the user domain is, when it is not served here
    #[arg(long)]
    pub user_url: Option<String>,
    /// How often a network may ask, 100/60s, or off
    #[arg(long)]
    pub rate_limit: Option<String>,
    /// What is logged: error, warn, info, debug, or per crate
    #[arg(long)]
    pub log: Option<String>,
}

impl ServeFlags {
    /// Key and text of each flag that was given.
    pub(crate) fn given(&self) -> Vec<(&'static str, String)> {
        let Self { host, port, public_url, data_dir, database_url, bus, domains, user_url, rate_limit, log } = self;
        [
            ("host", host),
            ("port", port),
            ("public_url", public_url),
            ("data_dir", data_dir),
            ("database_url", database_url),
            ("bus", bus),
            ("domains", domains),
            ("user_url", user_url),
            ("rate_limit", rate_limit),
            ("log", log),
        ]
        .into_iter()
        .filter_map(|(key, text)| text.clone().map(|text| (key, text)))
        .collect()
    }
}

impl fmt::Debug for ServeFlags {
    /// Which are given, and not what they say: URLs hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given: Vec<_> = self.given().into_iter().map(|(key, _)| key).collect();
        f.debug_struct("ServeFlags").field("given", &given).finish_non_exhaustive()
    }
}
