//! Where domains, databases and events are. Rule: the same domains run in every arrangement; which one it is stands
//! here and nowhere else.

use super::Config;
use crate::module::Module;
use crate::start_error::StartError;
use secrecy::SecretString;
use std::path::PathBuf;

/// A domain that another process serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteDomain {
    /// Its name.
    pub name: String,
    /// Where it is served, each `http://host:port`.
    pub targets: Vec<String>,
}

/// What carries the events.
#[derive(Debug, Clone, Default)]
pub enum BusSetting {
    /// Memory of this process.
    #[default]
    InProcess,
    /// A broker, by its `amqp://` URL.
    RabbitMq(SecretString),
}

/// Where a domain keeps its rows.
#[derive(Debug, Clone)]
pub enum Storage {
    /// A SQLite file.
    File(PathBuf),
    /// A schema of a PostgreSQL database.
    Postgres {
        /// The database.
        url: SecretString,
        /// The schema, named like the domain.
        schema: String,
    },
}

/// The modules of a binary by where they are served.
pub(crate) struct Places {
    pub(crate) mounted: Vec<Module>,
    pub(crate) remote: Vec<(Module, Vec<String>)>,
    pub(crate) absent: Vec<Module>,
}

impl Places {
    /// Those that clients reach here, mounted or not.
    pub(crate) fn documented(&self) -> Vec<&Module> {
        self.mounted.iter().chain(self.remote.iter().map(|(module, _)| module)).collect()
    }
}

impl Config {
    /// Where that domain keeps its rows.
    #[must_use]
    pub fn storage(&self, domain: &str) -> Storage {
        match self.database_urls.get(domain).or(self.database_url.as_ref()) {
            Some(url) => Storage::Postgres { url: url.clone(), schema: domain.to_owned() },
            None => Storage::File(self.data_dir.join(format!("{domain}.db"))),
        }
    }

    /// Takes the modules of the binary apart and refuses what cannot serve.
    pub(crate) fn places(&self, modules: Vec<Module>) -> Result<Places, StartError> {
        let places = self.arrange(modules)?;
        self.refuse(&places).map(|()| places)
    }

    /// Takes the modules of the binary apart, in their order.
    pub(crate) fn arrange(&self, modules: Vec<Module>) -> Result<Places, StartError> {
        let holds = |name: &String| modules.iter().any(|module| module.name() == name.as_str());
        if let Some(unknown) =
            self.domains.iter().chain(self.remote.iter().map(|domain| &domain.name)).find(|n| !holds(n))
        {
            let line = format!("this binary does not hold the domain {unknown}: correct CLEAVE_DOMAINS");
            return Err(StartError::new(line));
        }
        let all = self.domains.is_empty() && self.remote.is_empty();
        let mut places = Places { mounted: Vec::new(), remote: Vec::new(), absent: Vec::new() };
        for module in modules {
            let name = module.name();
            match self.remote.iter().find(|domain| domain.name == name) {
                Some(domain) => places.remote.push((module, domain.targets.clone())),
                None if all || self.domains.iter().any(|mounted| mounted == name) => places.mounted.push(module),
                None => places.absent.push(module),
            }
        }
        Ok(places)
    }

    fn refuse(&self, places: &Places) -> Result<(), StartError> {
        if let (Some((remote, _)), BusSetting::InProcess) = (places.remote.first(), &self.bus) {
            return Err(StartError::new(format!(
                "CLEAVE_DOMAINS says that {} is served elsewhere, and with CLEAVE_BUS=in-process no event would reach \
                 it: set CLEAVE_BUS to the broker of all processes (amqp://user:password@host:5672)",
                remote.name()
            )));
        }
        if let Some(module) = places.mounted.iter().find(|module| module.brings_keys) {
            let elsewhere = matches!(self.storage(module.name()), Storage::Postgres { .. });
            return if elsewhere && self.keys_secret.is_none() {
                Err(StartError::new(format!(
                    "CLEAVE_KEYS_SECRET is missing, and with PostgreSQL it is not made by itself: make it with `openssl \
                     rand -hex 32` and give it to every process that serves {}",
                    module.name()
                )))
            } else {
                Ok(())
            };
        }
        if self.key_addresses(places).is_empty() {
            return if places.mounted.is_empty() || self.seams.key_source.is_some() {
                Ok(())
            } else {
                Err(StartError::new(
                    "no served domain brings the keys that tokens are verified with: add user to CLEAVE_DOMAINS, or \
                     set CLEAVE_USER_URL to where it is served",
                ))
            };
        }
        if self.internal_token.is_none() {
            return Err(StartError::new(
                "CLEAVE_INTERNAL_TOKEN is missing: the user domain is served elsewhere, and shows its revocations to \
                 nobody else; make it with `openssl rand -hex 32` and give it to every process",
            ));
        }
        Ok(())
    }

    /// Where the user domain is served when it is not served here.
    pub(crate) fn key_addresses(&self, places: &Places) -> Vec<String> {
        if !self.user_urls.is_empty() {
            return self.user_urls.clone();
        }
        let remote = places.remote.iter().find(|(module, _)| module.brings_keys);
        remote.map(|(_, targets)| targets.clone()).unwrap_or_default()
    }
}
