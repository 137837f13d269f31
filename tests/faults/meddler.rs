//! Somebody steals, copies and shuffles messages behind the system's back, removes bindings and deletes a queue, under load.
//! Rule: every effect is there once and in order, the lost last event of an aggregate too, soon after the meddling ends
//! and without anybody's doing.

use crate::ALONE;
use crate::place::{asked, place};
use bus_rabbitmq::{Loot, Meddler};
use db::testing::Scratch;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use testkit::{Topology, VirtualHost};
use tests::faults::facts::Facts;
use tests::faults::fleet::{Fleet, HASTY};
use tests::faults::held::{number, setting};
use tests::faults::mind::Dice;
use tests::faults::trial::Trial;
use tokio::task::block_in_place;
use tokio::time::{MissedTickBehavior, interval};

/// Set where everything is as shipped and takes as long.
const SHIPPED: &str = "CLEAVE_TEST_SHIPPED";
/// How soon after the end everything must have had its effect, as shipped.
const REPAIR: Duration = Duration::from_secs(120);
/// Between two raids: often enough to undo what the system binds again.
const BETWEEN: Duration = Duration::from_millis(250);

const TOPOLOGIES: [Topology; 3] = [Topology::MONOLITH_RABBIT, Topology::SPLIT, Topology::EMBEDDED_RABBIT];

/// What was done to one consumer.
#[derive(Default)]
struct Done {
    stolen: BTreeSet<String>,
    copied: usize,
    moved: usize,
}

/// Lets nothing through as it came, for so many raids.
async fn raid(meddler: &Meddler, raids: u64, seed: u64) -> Done {
    let (mut dice, mut done, mut held) = (Dice::new(seed), Done::default(), Vec::<Loot>::new());
    let mut turns = interval(BETWEEN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..raids {
        turns.tick().await;
        meddler.unbind().await.unwrap();
        let mut back = std::mem::take(&mut held);
        for loot in meddler.take().await.unwrap() {
            match dice.below(10) {
                0 | 1 => drop(done.stolen.insert(loot.event)),
                2 | 3 => {
                    done.copied += 1;
                    back.extend([loot.clone(), loot]);
                }
                // Comes with the next ones, or later.
                4 => held.push(loot),
                _ => back.push(loot),
            }
        }
        for last in (1..back.len()).rev() {
            back.swap(last, dice.below(last + 1));
        }
        done.moved += back.len();
        meddler.put(&back).await.unwrap();
    }
    done.stolen.extend(held.into_iter().map(|loot| loot.event));
    done
}

/// Of those events, how many were the last of their aggregates.
fn last_ones(facts: &Facts, stolen: &BTreeSet<String>) -> usize {
    let all = || facts.outboxes.values().flatten();
    let mut newest: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for event in all() {
        let seq = newest.entry((&event.aggregate, &event.of)).or_default();
        *seq = event.seq.max(*seq);
    }
    let stolen: BTreeSet<String> = stolen.iter().map(|event| event.replace('-', "").to_lowercase()).collect();
    let is_last = |event: &&tests::faults::facts::Emitted| {
        stolen.contains(&event.event.to_lowercase())
            && newest[&(event.aggregate.as_str(), event.of.as_str())] == event.seq
    };
    all().filter(is_last).count()
}

/// A system whose messages somebody meddles with; its virtual host and databases are gone with it.
struct Robbed {
    trial: Trial,
    host: VirtualHost,
    _scratches: Vec<Scratch>,
}

impl Robbed {
    async fn begin(topology: &Topology, seed: u64, events: f64) -> Self {
        let host = block_in_place(VirtualHost::new).unwrap();
        let numbers: &[(&str, &str)] = if setting(SHIPPED).is_some() { &[] } else { &[(HASTY, "1")] };
        let (place, scratches) = place(topology).await;
        let fleet = Fleet::start_with(*topology, place, Some(&host.url()), numbers).await;
        Self { trial: Trial::begin(fleet, seed, events).await, host, _scratches: scratches }
    }

    async fn suffer(mut self, seed: u64, raids: u64) {
        let (name, url) = (self.trial.fleet.topology.name, self.host.url());
        let at = async |consumer| Meddler::between(&url, consumer).await.unwrap();
        let (task, notification) = (at("task").await, at("notification").await);
        let (of_task, of_notification) = tokio::join!(raid(&task, raids, seed), raid(&notification, raids, seed + 1));
        // The last raid takes what is left, and the bindings with it.
        let delete = ["delete_queue", "-p", self.host.name(), "notification.inbox.v1"];
        block_in_place(|| self.host.control(&delete)).unwrap();
        self.trial.more(50).await;
        for meddler in [task, notification] {
            meddler.leave().await.unwrap();
        }
        let ended = Instant::now();
        let recovery = self.trial.recover_within(REPAIR).await;
        println!("{name}: {} effects were missing, all were there after {:.1?}", recovery.missing, ended.elapsed());
        assert!(recovery.missing > 0, "{name}");
        let stores = self.trial.fleet.stores();
        let stolen: BTreeSet<String> = of_task.stolen.union(&of_notification.stolen).cloned().collect();
        let (count, copied) =
            (of_task.stolen.len() + of_notification.stolen.len(), of_task.copied + of_notification.copied);
        println!("{name}: stolen {count}, copied {copied}, shuffled {}", of_task.moved + of_notification.moved);
        let (report, fleet) = self.trial.finish_and_keep().await;
        println!("{report}");
        let last = last_ones(&Facts::read(&stores).await, &stolen);
        println!("{name}: {last} of the stolen ones were the last of their aggregates");
        assert!(last > 0, "{name}: no last event was stolen: more raids are needed");
        drop(fleet);
        report.assert_clean(REPAIR);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stolen_copied_and_shuffled_under_load_is_repaired_by_itself() {
    let _alone = ALONE.lock().await;
    let (seed, raids) = (number("CLEAVE_TEST_SEED", 1), number("CLEAVE_TEST_RAIDS", 80));
    let all = setting("CLEAVE_TEST_FAULT_TOPOLOGIES").is_some();
    let topologies = if all { asked(&TOPOLOGIES) } else { vec![Topology::EMBEDDED_RABBIT] };
    for topology in topologies.into_iter().filter(Topology::can_run) {
        Robbed::begin(&topology, seed, 50.0).await.suffer(seed, raids).await;
    }
}
