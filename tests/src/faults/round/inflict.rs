//! How a fault is done, and undone. Rule: whatever it holds is let go when it ends, also when the round ends in the middle; what
//! this machine cannot do is not counted.

use super::{Roads, Servers};
use crate::faults::disk::Tracer;
use crate::faults::hold::{Starved, Still};
use crate::faults::limits::Limit;
use crate::faults::nemesis::Fault;
use crate::faults::store::{Store, connect};
use crate::faults::stranger::{AtFile, AtServer};
use crate::faults::trial::Trial;
use crate::faults::wire::Weather;
use tokio::task::block_in_place;

/// What the broker says to have enough of, as it comes from the shelf.
const MEMORY: &str = "0.4";
const DISK: &str = "50MB";
/// More than any machine has.
const NO_DISK: &str = "1000000GB";

/// A fault that is on.
pub(super) struct Inflicted {
    pub(super) fault: Fault,
    hold: Hold,
}

/// What is held meanwhile; most of it heals by being dropped.
enum Hold {
    Nothing,
    Limit(Limit),
    Starved(Starved),
    Still(Still),
    Tracer(Tracer),
    AtFile(AtFile),
    AtServer(AtServer),
}

/// Whom it happens to.
pub(super) struct Victims<'a> {
    pub(super) servers: &'a mut Servers,
    pub(super) roads: &'a Roads,
    pub(super) trial: &'a mut Trial,
}

impl Victims<'_> {
    /// Begins a fault; none where this machine cannot do it, which a line has said.
    pub(super) async fn begin(&mut self, fault: Fault) -> Option<Inflicted> {
        let hold = match fault {
            Fault::PostgresFull => Hold::AtServer(AtServer::crowd(self.servers.postgres()).await),
            Fault::IdleTransaction => {
                let store = self.trial.fleet.stores().into_values().next();
                let Some(Store::Schema { url, .. }) = store else { panic!("no server has the rows") };
                Hold::AtServer(AtServer::idle(&url).await)
            }
            _ => block_in_place(|| self.grip(fault))?,
        };
        Some(Inflicted { fault, hold })
    }

    /// What is done without waiting for anybody else's task.
    fn grip(&mut self, fault: Fault) -> Option<Hold> {
        let fleet = &mut self.trial.fleet;
        Some(match fault {
            Fault::Kill(process) => {
                fleet.kill(process);
                Hold::Nothing
            }
            Fault::Stop(process) => Hold::Still(Still::all(&[fleet.process(process)])),
            Fault::Starve(process) => Hold::Starved(Starved::of(fleet.process(process))?),
            Fault::FewDescriptors(process) => Hold::Limit(Limit::of_descriptors(fleet.process(process))?),
            Fault::LittleMemory(process) => Hold::Limit(Limit::of_memory(fleet.process(process))?),
            Fault::ShortFiles(process) => Hold::Limit(Limit::of_files(fleet.process(process))?),
            Fault::SlowFiles(process, by) => Hold::Tracer(Tracer::delaying(&[fleet.process(process)], by)?),
            Fault::FileLock(domain) => Hold::AtFile(AtFile::lock(&fleet.stores()[domain])),
            Fault::LongReader(domain) => Hold::AtFile(AtFile::read(&fleet.stores()[domain])),
            Fault::PostgresHang => Hold::Still(Still::all(&self.servers.postgres().processes())),
            Fault::PostgresSlow(by) => Hold::Tracer(Tracer::delaying(&self.servers.postgres().processes(), by)?),
            Fault::BrokerHang => Hold::Still(Still::all(&[self.servers.broker().process()])),
            fault => {
                self.command(fault);
                Hold::Nothing
            }
        })
    }

    /// What a server, or the way to it, is told.
    fn command(&mut self, fault: Fault) {
        match fault {
            Fault::PostgresStop => self.servers.postgres_mut().stop_immediate(),
            Fault::PostgresKill => self.servers.postgres_mut().kill(),
            Fault::BrokerStop => self.servers.broker_mut().stop(),
            Fault::BrokerKill => self.servers.broker_mut().kill(),
            Fault::BrokerStopApp => self.servers.broker().stop_app(),
            Fault::MemoryAlarm => self.servers.broker().tell(&["set_vm_memory_high_watermark", "0"]),
            Fault::DiskAlarm => self.servers.broker().tell(&["set_disk_free_limit", NO_DISK]),
            Fault::PostgresNetwork(weather) => self.roads.postgres().set(weather),
            Fault::BrokerNetwork(weather) => self.roads.broker().set(weather),
            // All the others come in blows, or were done already.
            _ => {}
        }
    }

    /// One of many small blows, where it comes in any.
    pub(super) async fn strike(&self, inflicted: &mut Inflicted) {
        match (inflicted.fault, &mut inflicted.hold) {
            (Fault::Terminate, _) => {
                let client = connect(&self.servers.postgres().url("postgres")).await.expect("PostgreSQL");
                let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
                client.batch_execute(sql).await.expect("a superuser");
            }
            (Fault::LittleMemory(_), _) => self.trial.ask_for_much(),
            (Fault::PostgresFull, Hold::AtServer(crowd)) => crowd.push_in().await,
            (Fault::PostgresReset, _) => self.roads.postgres().reset(),
            (Fault::BrokerReset, _) => self.roads.broker().reset(),
            (Fault::CloseConnections, _) => {
                block_in_place(|| self.servers.broker().tell(&["close_all_connections", "a fault"]));
            }
            _ => {}
        }
    }

    /// Ends a fault; `dead` are the processes that have to be started again.
    pub(super) async fn end(&mut self, inflicted: Inflicted, dead: &mut Vec<&'static str>) {
        let Inflicted { fault, hold } = inflicted;
        block_in_place(|| match hold {
            Hold::Limit(limit) => limit.lift(),
            Hold::Tracer(tracer) => drop(tracer.stop()),
            Hold::Starved(starved) => drop(starved),
            Hold::Still(still) => drop(still),
            Hold::AtFile(stranger) => drop(stranger),
            Hold::AtServer(strangers) => drop(strangers),
            Hold::Nothing => {}
        });
        match fault {
            Fault::Kill(process) => dead.push(process),
            Fault::LittleMemory(process) => {
                // It may have ended when it wanted more; otherwise the kernel would pick it.
                block_in_place(|| self.trial.fleet.kill(process));
                dead.push(process);
            }
            Fault::PostgresStop | Fault::PostgresKill => self.servers.postgres_mut().run().await,
            Fault::PostgresNetwork(_) => self.roads.postgres().set(Weather::Fine),
            Fault::BrokerNetwork(_) => self.roads.broker().set(Weather::Fine),
            fault => block_in_place(|| self.heal_broker(fault)),
        }
    }

    fn heal_broker(&mut self, fault: Fault) {
        match fault {
            Fault::BrokerStop | Fault::BrokerKill => self.servers.broker_mut().run(),
            Fault::BrokerStopApp => self.servers.broker().start_app(),
            Fault::MemoryAlarm => self.servers.broker().tell(&["set_vm_memory_high_watermark", MEMORY]),
            Fault::DiskAlarm => self.servers.broker().tell(&["set_disk_free_limit", DISK]),
            _ => {}
        }
    }
}
