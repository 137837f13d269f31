//! How domains and bus are at this moment. Rule: read when somebody asks and never kept, so that what is gone is not shown.

use crate::process::Process;
use crate::server::Domain;
use outbox::{MessagingHealth, TaskHealth};
use prometheus::proto::MetricFamily;
use prometheus::{Error, IntGaugeVec, Opts, Registry};

/// Gauges by domain.
struct Gauges<'a> {
    registry: &'a Registry,
}

/// Name, help, and what it shows of a domain's messaging.
type OfMessaging = (&'static str, &'static str, fn(&MessagingHealth) -> i64);

const OF_MESSAGING: [OfMessaging; 5] = [
    ("cleave_outbox_pending", "Events that not every subscriber has taken.", |messaging| messaging.pending),
    ("cleave_outbox_oldest_pending_seconds", "Age of the oldest of them; 0 without any.", |messaging| {
        messaging.oldest_pending_seconds.unwrap_or_default()
    }),
    ("cleave_inbox_parked", "Events that wait for one before them.", |messaging| messaging.parked),
    ("cleave_inbox_failing", "Events whose listener failed and is tried again.", |messaging| messaging.failing),
    ("cleave_inbox_dead", "Events that were given up.", |messaging| messaging.dead),
];

/// Reads all of it.
pub(super) async fn gather(process: &Process) -> Result<Vec<MetricFamily>, Error> {
    let registry = Registry::new();
    let gauges = Gauges { registry: &registry };
    let mut states = Vec::with_capacity(process.domains.len());
    for domain in &process.domains {
        states.push((domain, domain.messaging.health().await.ok()));
    }
    gauges.database(&states)?;
    for (name, help, value) in OF_MESSAGING {
        let gauge = gauges.add(name, help, &["domain"])?;
        for (domain, messaging) in &states {
            if let Some(messaging) = messaging {
                gauge.with_label_values(&[domain.name]).set(value(messaging));
            }
        }
    }
    gauges.tasks(&states)?;
    let up = gauges.add("cleave_bus_up", "Whether the bus takes events.", &["kind"])?;
    let status = process.bus.status();
    up.with_label_values(&[status.kind]).set(i64::from(status.trouble.is_none()));
    Ok(registry.gather())
}

impl Gauges<'_> {
    fn add(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
        let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.registry.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    fn database(&self, states: &[(&Domain, Option<MessagingHealth>)]) -> Result<(), Error> {
        let writable =
            self.add("cleave_database_writable", "Whether the domain's database takes writes.", &["domain"])?;
        for (domain, _) in states {
            writable.with_label_values(&[domain.name]).set(i64::from(domain.db.trouble().is_none()));
        }
        Ok(())
    }

    fn tasks(&self, states: &[(&Domain, Option<MessagingHealth>)]) -> Result<(), Error> {
        let labels = ["domain", "task"];
        let ticked = "Since the task last looked whether there is anything to do.";
        let ticked = self.add("cleave_task_last_tick_seconds", ticked, &labels)?;
        let restarts = self.add("cleave_task_restarts", "How often the task panicked and began again.", &labels)?;
        for (domain, messaging) in states {
            let Some(messaging) = messaging else { continue };
            for (task, health) in [("relay", Some(messaging.relay)), ("inbox", messaging.inbox)] {
                let Some(TaskHealth { last_tick_seconds, restarts: count }) = health else { continue };
                ticked.with_label_values(&[domain.name, task]).set(whole(last_tick_seconds));
                restarts.with_label_values(&[domain.name, task]).set(whole(count));
            }
        }
        Ok(())
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
