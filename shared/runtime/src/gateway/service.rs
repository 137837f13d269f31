//! A domain that other processes serve. Rule: its targets take turns, and one that is away is passed over.

use super::budget::Budget;
use super::target::{Permit, Target};
use super::tuning::GatewayTuning;
use crate::module::Module;
use crate::process::Status;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The longest answer of a service about its health, in bytes.
const HEALTH_BYTES: usize = 64 * 1024;

/// A remote domain.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) prefixes: &'static [&'static str],
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) budget: Budget,
    pub(super) tuning: GatewayTuning,
    pub(super) http: Client,
    turn: AtomicUsize,
}

/// What a remote domain says about itself.
pub(crate) struct RemoteHealth {
    pub(crate) status: Status,
    pub(crate) checks: Value,
}

impl Service {
    pub(super) fn new(module: &Module, targets: &[String], tuning: &GatewayTuning, http: Client) -> Self {
        Self {
            name: module.name(),
            prefixes: module.prefixes,
            targets: targets.iter().map(|address| Arc::new(Target::new(address, tuning))).collect(),
            budget: Budget::full(),
            tuning: *tuning,
            http,
            turn: AtomicUsize::new(0),
        }
    }

    /// Leave to ask one of the targets, another than `tried` where there is one; else how long to wait.
    pub(super) fn pick(&self, tried: Option<&Target>) -> Result<Permit, Duration> {
        // A second try is nobody's turn: else a target that fails would get all the first ones.
        let first = self.turn.fetch_add(usize::from(tried.is_none()), Ordering::Relaxed);
        let in_turn = (0..self.targets.len()).filter_map(|step| self.targets.get((first + step) % self.targets.len()));
        let same = |target: &Target| tried.is_some_and(|tried| std::ptr::eq(tried, target));
        let mut wait = None::<Duration>;
        // The one that has failed just now comes last, and before it those that are about to stop.
        let mut in_turn: Vec<_> = in_turn.collect();
        in_turn.sort_by_key(|target| (same(target), !target.is_ready()));
        for target in in_turn {
            match target.admit() {
                Ok(permit) => return Ok(permit),
                Err(longer) => wait = Some(wait.map_or(longer, |shorter| shorter.min(longer))),
            }
        }
        Err(wait.unwrap_or_default())
    }

    /// Where it is served.
    pub(crate) fn addresses(&self) -> String {
        self.targets.iter().map(|target| target.address.as_str()).collect::<Vec<_>>().join("|")
    }

    /// What the best of its targets says, but healthy only where all are; unhealthy where none says anything. All are
    /// asked at once, so that one that says nothing is waited for once.
    pub(crate) async fn health(&self) -> RemoteHealth {
        let reachable = self.targets.iter().filter(|target| target.is_reachable());
        let said: Vec<_> = join_all(reachable.map(|target| self.ask(target))).await.into_iter().flatten().collect();
        let well = said.iter().filter(|(status, _)| *status == Status::Healthy).count();
        let others = if well == self.targets.len() { Status::Healthy } else { Status::Degraded };
        match said.into_iter().min_by_key(|(status, _)| *status) {
            Some((status, checks)) => RemoteHealth { status: status.max(others), checks },
            None => RemoteHealth { status: Status::Unhealthy, checks: Value::Null },
        }
    }

    async fn ask(&self, target: &Target) -> Option<(Status, Value)> {
        let address = format!("{}/health/{}?verbose=true", target.address, self.name);
        let mut answer = self.http.get(address).timeout(self.tuning.check_timeout).send().await.ok()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.ok()? {
            body.extend_from_slice(&chunk);
            if body.len() > HEALTH_BYTES {
                return None;
            }
        }
        let mut body: Value = serde_json::from_slice(&body).ok()?;
        let status = serde_json::from_value(body.get("status")?.clone()).ok()?;
        Some((status, body.get_mut("checks").map(Value::take).unwrap_or_default()))
    }
}
