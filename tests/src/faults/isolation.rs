//! A role for each domain, which its processes sign in as, so that the server itself refuses whatever is another's. Rule: what
//! was refused is in the server's log, and counts; and so does whatever would not have been refused.

use super::checker::{Harm, Violation};
use super::fleet::{DOMAINS, Place};
use super::postgres::PrivatePostgres;
use super::store::{Row, connect};
use std::collections::BTreeMap;
use tokio_postgres::{Client, SimpleQueryMessage};

/// What every line of the server's log begins with: the state, the role and the database.
pub const LOG_LINES: &str = "log_line_prefix=%e %u@%d ";
/// The state of whoever wants what is not theirs.
const REFUSED: &str = "42501";

/// Domains that share a server, each in a role of its own.
#[derive(Debug)]
pub struct Isolation {
    place: Place,
    /// How long the log was.
    since: usize,
}

/// The role of a domain.
fn role(domain: &str) -> String {
    format!("cleave_{domain}")
}

impl Isolation {
    /// Gives each domain what is its own and nothing else, before the first process starts.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn of(server: &PrivatePostgres, place: &Place) -> Self {
        for domain in DOMAINS {
            let (role, database) = (role(domain), database(place, domain));
            let master = connect(&server.url(&database)).await.expect("PostgreSQL");
            let mut own = format!(
                "DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
                 REVOKE CONNECT ON DATABASE {database} FROM PUBLIC; GRANT CONNECT ON DATABASE {database} TO {role};"
            );
            own += &match place {
                Place::Databases(_) => format!("ALTER DATABASE {database} OWNER TO {role}"),
                _ => format!("CREATE SCHEMA \"{domain}\" AUTHORIZATION {role}"),
            };
            master.batch_execute(&own).await.expect("a superuser");
        }
        Self { place: place.clone(), since: log(server).len() }
    }

    /// What the process that serves a domain is told.
    #[must_use]
    pub fn urls(&self, server: &PrivatePostgres) -> BTreeMap<&'static str, String> {
        let url = |domain| server.url_as(&role(domain), &database(&self.place, domain));
        DOMAINS.into_iter().map(|domain| (domain, url(domain))).collect()
    }

    /// I15: no statement touched what is another domain's, and none could have.
    ///
    /// # Panics
    /// When the server is away.
    pub async fn i15_domains_keep_to_themselves(&self, server: &PrivatePostgres) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut object = |what| found.push(Violation::new("I15", Harm::Unsound, what));
        let log = log(server);
        let refused = log.get(self.since..).unwrap_or_default().lines().filter(|line| line.starts_with(REFUSED));
        refused.take(20).for_each(|line| object(format!("somebody wanted what is another's: {line}")));
        for domain in DOMAINS {
            let master = connect(&server.url(&database(&self.place, domain))).await.expect("PostgreSQL");
            for other in DOMAINS.into_iter().filter(|other| *other != domain) {
                if ask(&master, &self.lets_in(&role(other), domain)).await.concat().concat() != "f" {
                    object(format!("the server would let {other} into what is {domain}'s"));
                }
            }
            let sessions = format!(
                "SELECT DISTINCT usename FROM pg_stat_activity \
                 WHERE datname = current_database() AND application_name = 'cleave-{domain}'"
            );
            let sessions = ask(&master, &sessions).await.concat();
            if sessions != [role(domain)] {
                object(format!("the sessions of {domain} are those of {sessions:?}"));
            }
        }
        found
    }

    /// Whether a role may do anything where a domain's rows are.
    fn lets_in(&self, role: &str, domain: &str) -> String {
        match &self.place {
            Place::Databases(_) => {
                format!("SELECT has_database_privilege('{role}', current_database(), 'CONNECT')")
            }
            _ => format!(
                "SELECT has_schema_privilege('{role}', '{domain}', 'USAGE') \
                 OR has_schema_privilege('{role}', '{domain}', 'CREATE')"
            ),
        }
    }
}

/// The name of the database in which the rows of a domain are.
fn database(place: &Place, domain: &str) -> String {
    let url = match place {
        Place::Files => panic!("files have no roles"),
        Place::Database(url) => url,
        Place::Databases(urls) => &urls[domain],
    };
    url.rsplit('/').next().unwrap_or_default().to_owned()
}

fn log(server: &PrivatePostgres) -> String {
    String::from_utf8_lossy(&std::fs::read(server.log()).unwrap_or_default()).into_owned()
}

async fn ask(client: &Client, sql: &str) -> Vec<Vec<String>> {
    let answer = client.simple_query(sql).await.expect("a superuser");
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => {
            let row: Row = (0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect();
            Some(row.into_iter().flatten().collect())
        }
        _ => None,
    };
    answer.into_iter().filter_map(row).collect()
}
