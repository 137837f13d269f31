//! What a command line means. Rule: every binary understands the same, and what its domains bring; its help tells what
//! holds in this binary.

use crate::command::DomainCommand;
use crate::commands::Events;
use crate::config::Config;
use crate::flags::{Bus, Command, CommandLine, DatabaseFlags, Migrate, ServeFlags};
use crate::module::Module;
use crate::start_error::StartError;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches};
use std::collections::BTreeMap;

/// What the command line says.
pub(crate) struct Asked {
    pub(crate) flags: ServeFlags,
    pub(crate) what: What,
}

pub(crate) enum What {
    Serve,
    MigrateUp,
    MigrateStatus,
    OpenApi,
    /// At a running system.
    Events(Box<Events>),
    /// That domain, at the broker.
    Forget(String),
    /// A subcommand that a domain brings.
    OfDomain(Box<DomainCommand>),
}

/// A binary that holds one domain is called after it.
pub(crate) fn name(modules: &[Module]) -> String {
    match modules {
        [alone] => format!("cleave-{}", alone.name()),
        _ => "cleave".to_owned(),
    }
}

/// The command line that this binary understands, with what holds where a flag is not given.
fn line(modules: &[Module]) -> Result<clap::Command, StartError> {
    let name = name(modules);
    let mut line = CommandLine::command().display_name(name.clone()).bin_name(name);
    for command in modules.iter().flat_map(|module| &module.commands) {
        line = line.subcommand(DatabaseFlags::augment_args(command.line.clone()));
    }
    if let [_] = modules {
        // There is nothing to choose from.
        line = line.mut_arg("domains", |arg| arg.hide(true));
        line = line.mut_subcommand("serve", |serve| serve.mut_arg("domains", |arg| arg.hide(true)));
    }
    Ok(tell_defaults(line, &Config::defaults(modules)?))
}

/// Said by the help alone: to clap, a flag with a default is one that is given.
fn tell_defaults(line: clap::Command, defaults: &BTreeMap<String, String>) -> clap::Command {
    let told = |arg: clap::Arg| match (defaults.get(arg.get_id().as_str()), arg.get_help()) {
        (Some(default), Some(help)) => {
            let help = format!("{help} [default: {default}]");
            arg.help(help)
        }
        _ => arg,
    };
    line.mut_args(told).mut_subcommands(|command| tell_defaults(command, defaults))
}

/// Reads the command line of this process.
///
/// # Errors
/// What clap says; that help or version was asked for is one of its errors.
pub(crate) fn command_line(modules: &[Module]) -> Result<Asked, clap::Error> {
    let line = line(modules).map_err(|error| clap::Error::raw(ErrorKind::Format, error))?;
    let matches = line.try_get_matches()?;
    if let Some(command) = DomainCommand::of(&matches, modules)? {
        return Ok(Asked { flags: command.place.of_serve(), what: What::OfDomain(Box::new(command)) });
    }
    let CommandLine { command, serve } = CommandLine::from_arg_matches(&matches)?;
    Ok(match command {
        None => Asked { flags: serve, what: What::Serve },
        Some(Command::Serve(flags)) => Asked { flags, what: What::Serve },
        Some(Command::Migrate { what: Migrate::Up(place) }) => Asked { flags: place.of_serve(), what: What::MigrateUp },
        Some(Command::Migrate { what: Migrate::Status(place) }) => {
            Asked { flags: place.of_serve(), what: What::MigrateStatus }
        }
        Some(Command::Openapi) => Asked { flags: ServeFlags::default(), what: What::OpenApi },
        Some(Command::Events(events)) => {
            let flags = ServeFlags { data_dir: events.data_dir(), ..ServeFlags::default() };
            Asked { flags, what: What::Events(Box::new(events)) }
        }
        Some(Command::Bus { what: Bus::Forget { domain, broker } }) => {
            Asked { flags: ServeFlags { bus: broker, ..ServeFlags::default() }, what: What::Forget(domain) }
        }
    })
}
