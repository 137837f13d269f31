//! `events …`: what an operator asks and does about events, at a running system. Rule: a client of `/api/v1/ops/…` and
//! nothing more, so it sees what an administrator may see and works from wherever HTTP reaches. Exit code 0: done; 1: the
//! server refused, or a domain gave no answer; 2: nobody could be asked.

mod act;
mod ask;
mod show;

use super::say;
use crate::config::Config;
use crate::start_error::StartError;
use ask::{Failed, Server};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::io::{Write, stderr};
use std::process::ExitCode;

/// The server refused, or not all of it answered.
const REFUSED: u8 = 1;

// What was typed behind `events`. Not a doc comment: clap would show it as the help of the command.
#[derive(Args)]
pub(crate) struct Events {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    how: How,
}

// How it is asked.
#[derive(Args)]
struct How {
    /// Where the system is [default: the process that runs on the data directory, else CLEAVE_PUBLIC_URL]
    #[arg(long, global = true)]
    url: Option<String>,
    /// Signs in with that user name or e-mail address; the password is CLEAVE_ADMIN_PASSWORD, or is asked for. Without it
    /// the access token is CLEAVE_TOKEN
    #[arg(long, global = true)]
    login: Option<String>,
    /// Prints the server's JSON
    #[arg(long, global = true)]
    json: bool,
    /// Where a process of this machine keeps its files
    #[arg(long, global = true)]
    data_dir: Option<String>,
}

#[derive(Subcommand)]
enum What {
    /// Lists events and how far they are, newest first
    List(Filters),
    /// Shows one event: how far it is everywhere, and what its request caused
    Show {
        /// Its id
        id: String,
    },
    /// Lists the events that a consumer has given up
    Dead(Page),
    /// Hands a dead event to its consumers again; a failing one is tried now
    Retry(One),
    /// Passes a dead event, so that those behind it go on without its effect
    Skip(One),
    /// Has an event published again; a consumer that gave it up tries it again, and one that has done its work does not
    Replay(One),
    /// Goes on with a domain's database that was put back from a backup: consumers take over how everything is in it
    Restored {
        /// The domain
        domain: String,
    },
}

#[derive(Args)]
struct Filters {
    /// task.completed.v1, or task.completed for every version; several with commas
    #[arg(long = "type")]
    event_type: Option<String>,
    /// task/<id>
    #[arg(long)]
    subject: Option<String>,
    /// What the request of that X-Request-Id caused
    #[arg(long)]
    correlation_id: Option<String>,
    /// pending, failing, published, parked, done, dead, skipped; several with commas
    #[arg(long)]
    status: Option<String>,
    /// Not older than 2026-01-31T12:00:00Z
    #[arg(long)]
    since: Option<String>,
    /// Older than that
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    page: Page,
}

#[derive(Args)]
struct Page {
    /// Only as this domain knows it
    #[arg(long)]
    domain: Option<String>,
    /// 1 to 100
    #[arg(long)]
    limit: Option<String>,
    /// From the page before
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Args)]
struct One {
    /// Its id
    id: String,
    /// Only at this domain [default: every one that it concerns]
    #[arg(long)]
    domain: Option<String>,
}

impl Events {
    /// Where a process of this machine keeps its files.
    pub(crate) fn data_dir(&self) -> Option<String> {
        self.how.data_dir.clone()
    }
}

/// Does it.
pub(crate) async fn events(config: &Config, asked: Events) -> Result<ExitCode, StartError> {
    match answer(config, asked).await {
        Ok(whole) => Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) }),
        Err(Failed::Refused(why)) => {
            // Nobody is left to tell that printing failed.
            let _ = writeln!(stderr(), "{why}");
            Ok(ExitCode::from(REFUSED))
        }
        Err(Failed::NotAsked(error)) => Err(error),
    }
}

/// True when every domain answered.
async fn answer(config: &Config, asked: Events) -> Result<bool, Failed> {
    let Events { what, how } = asked;
    let server = Server::find(config, how.url.as_deref(), how.login.as_deref()).await?;
    let (answer, shown) = match what {
        What::List(filters) => {
            let list = server.get(&list("events", filters.page.domain.as_deref()), &filters.given()).await?;
            let shown = show::events(&list);
            (list, shown)
        }
        What::Dead(page) => {
            let list = server.get(&list("dead-letters", page.domain.as_deref()), &page.given()).await?;
            let shown = show::dead_letters(&list);
            (list, shown)
        }
        What::Show { id } => {
            let event = server.get(&["events", &id], &[]).await?;
            let shown = show::event(&event);
            (event, shown)
        }
        What::Retry(one) => act::act(&server, act::Action::Retry, &one.id, one.domain.as_deref()).await?,
        What::Skip(one) => act::act(&server, act::Action::Skip, &one.id, one.domain.as_deref()).await?,
        What::Restored { domain } => act::restored(&server, &domain).await?,
        What::Replay(one) => act::act(&server, act::Action::Replay, &one.id, one.domain.as_deref()).await?,
    };
    let unanswered = show::unanswered(&answer);
    say(&if how.json { answer.to_string() } else { shown }).map_err(Failed::NotAsked)?;
    if let Some(line) = &unanswered {
        let _ = writeln!(stderr(), "{line}");
    }
    Ok(unanswered.is_none())
}

fn list<'a>(name: &'a str, domain: Option<&'a str>) -> Vec<&'a str> {
    domain.into_iter().chain([name]).collect()
}

type Given<'a> = Vec<(&'static str, &'a str)>;

fn given<'a>(all: impl IntoIterator<Item = (&'static str, &'a Option<String>)>) -> Given<'a> {
    all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
}

impl Page {
    fn given(&self) -> Given<'_> {
        given([("limit", &self.limit), ("cursor", &self.cursor)])
    }
}

impl Filters {
    fn given(&self) -> Given<'_> {
        let own = given([
            ("type", &self.event_type),
            ("subject", &self.subject),
            ("correlation_id", &self.correlation_id),
            ("status", &self.status),
            ("since", &self.since),
            ("until", &self.until),
        ]);
        own.into_iter().chain(self.page.given()).collect()
    }
}

/// A text member, or nothing.
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The members of a list, or none.
fn all<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
