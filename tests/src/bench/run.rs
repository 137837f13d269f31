//! The whole run: what is started for which goal, and in which order it is measured.

use super::backlog::event;
use super::cleave::Cleave;
use super::effect::{self, Must};
use super::progress::{Progress, Style};
use super::side::{Pair, Size, Staged};
use super::table::Table;
use super::{drain, features, growth, process, requests, soak};
use crate::faults::broker::PrivateBroker;
use crate::faults::fleet::Place;
use crate::faults::postgres::PrivatePostgres;
use bus_rabbitmq::pass_bare;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::block_in_place;

/// By what names goals are asked for.
pub const GOALS: [&str; 8] = ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8"];
/// Room for two servers with their connections, and no checkpoint in the middle of a measurement.
const POSTGRES: &[&str] =
    &["max_connections=100", "shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=30min"];
/// The users who ask, the owners, and what there is.
const SIZE: Size = Size { users: 32, owners: 1_000, tasks: 100_000 };

/// Rows of the smaller table of G7, and of G8.
const FEW: u64 = 10_000;
/// What is measured beside servers written by hand.
const BESIDE: [&str; 3] = ["G1", "G2", "G3"];
/// G4.
const IN_PROCESS: Must = Must { ratio: 2.0, p99: Some(10.0) };
const OVER_BROKER: Must = Must { ratio: 4.0, p99: None };

/// What is to be measured, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often each measurement is repeated.
    pub rounds: usize,
    /// How long it takes.
    pub span: Duration,
    /// Whether it is the form for a noisy machine.
    pub short: bool,
    /// Minutes for which each store is soaked; 0: not at all.
    pub soak: u64,
    /// Which goals.
    pub only: BTreeSet<&'static str>,
    /// How it is told what happens.
    pub style: Style,
}

/// A run under way.
struct Run<'p> {
    plan: &'p Plan,
    progress: Progress,
    table: Table,
    postgres: PrivatePostgres,
    databases: u32,
}

/// Measures what was asked for.
///
/// # Panics
/// When something does not start or is refused.
pub async fn run(plan: &Plan) -> Table {
    let mut table = Table::default();
    if cfg!(debug_assertions) {
        table.note("This is a debug build: its figures mean nothing.");
    }
    let progress = Progress::new(plan.style, plan.steps());
    progress.now("PostgreSQL starts");
    let Some(postgres) = PrivatePostgres::start(POSTGRES).await else {
        table.note("Nothing was measured: there is no PostgreSQL server.");
        return table;
    };
    let mut run = Run { plan, progress, table, postgres, databases: 0 };
    if plan.wants(&BESIDE) {
        run.beside_others().await;
    }
    if plan.wants(&["G6"]) {
        process::run(&mut run.progress, &mut run.table).await;
    }
    if plan.wants(&["G4", "G5"]) {
        run.events().await;
        run.events_at_broker().await;
    }
    if plan.wants(&["G7"]) {
        run.growth().await;
    }
    if plan.wants(&["G8"]) {
        run.features().await;
    }
    run.table.only(&plan.only);
    if plan.soak > 0 {
        run.soak().await;
    }
    run.progress.end();
    run.table
}

impl Plan {
    fn wants(&self, goals: &[&str]) -> bool {
        goals.iter().any(|goal| self.only.contains(goal))
    }

    fn steps(&self) -> usize {
        let all = [
            (self.wants(&BESIDE), requests::steps(self.rounds)),
            (self.wants(&["G6"]), process::STEPS),
            (self.wants(&["G4"]), 2 * effect::STEPS),
            (self.wants(&["G5"]), 2 * drain::STEPS + 1),
            (self.wants(&["G7"]), 2 * growth::steps(self.rounds)),
            (self.wants(&["G8"]), 2 * features::steps(self.rounds)),
        ];
        let goals: usize = all.iter().filter(|(wanted, _)| *wanted).map(|(_, steps)| steps).sum();
        goals + 2 * soak::steps(self.soak)
    }

    /// How many events wait for G5.
    const fn backlog(&self) -> u64 {
        if self.short { 10_000 } else { 50_000 }
    }

    /// Done events of G7.
    const fn done(&self) -> u64 {
        if self.short { 50_000 } else { 1_000_000 }
    }

    /// Rows of the larger table of G7.
    const fn many(&self) -> u64 {
        if self.short { 200_000 } else { 1_000_000 }
    }
}

impl Run<'_> {
    /// A place on PostgreSQL that nobody else has.
    async fn on_postgres(&mut self) -> Place {
        self.databases += 1;
        Place::Database(self.postgres.database(&format!("bench_{}", self.databases)).await)
    }

    /// Users and rows at that place; it does not run.
    async fn staged(&self, place: Place, bus: Option<&str>, size: Size) -> Staged {
        self.progress.now(&format!("{} rows are written", size.tasks));
        Staged::new(Cleave::prepare(place, bus), size).await
    }

    async fn beside_others(&mut self) {
        let place = self.on_postgres().await;
        let on_postgres = self.staged(place, None, SIZE).await;
        let mut on_postgres = Pair::start(on_postgres, Some(&self.postgres)).await;
        let on_sqlite = self.staged(Place::Files, None, SIZE).await;
        let mut on_sqlite = Pair::start(on_sqlite, None).await;
        let Plan { rounds, span, .. } = *self.plan;
        let measured = requests::run(&mut on_postgres, &mut on_sqlite, rounds, span, &mut self.progress).await;
        requests::judge(&measured, &mut self.table);
        for staged in [&on_postgres.staged, &on_sqlite.staged] {
            self.table.refused(&staged.refusals);
            staged.cleave.warnings().into_iter().for_each(|line| self.table.note(format!("Cleave logged: {line}")));
        }
    }

    async fn events(&mut self) {
        let (count, span) = (self.plan.backlog(), self.plan.span);
        for (name, files) in [("embedded", true), ("monolith-pg", false)] {
            let place = if files { Place::Files } else { self.on_postgres().await };
            let mut staged = self.staged(place, None, Size { tasks: 2 * count, ..SIZE }).await;
            if self.plan.wants(&["G4"]) && files {
                staged.start().await;
                effect::run(&mut staged, name, IN_PROCESS, span * 3, &mut self.progress, &mut self.table).await;
                staged.cleave.stop();
            }
            if self.plan.wants(&["G5"]) {
                let counts = [count, self.plan.done()];
                drain::run(name, &mut staged, counts, span, &mut self.progress, &mut self.table).await;
            }
            self.table.refused(&staged.refusals);
        }
    }

    async fn events_at_broker(&mut self) {
        self.progress.now("RabbitMQ starts");
        let Some(broker) = block_in_place(PrivateBroker::start) else {
            self.table.note("Nothing was measured over RabbitMQ: there is no server.");
            return;
        };
        let (count, span, place) = (self.plan.backlog(), self.plan.span, self.on_postgres().await);
        let bus = block_in_place(|| broker.virtual_host("bench"));
        let mut staged = self.staged(place, Some(&bus), Size { tasks: count, ..SIZE }).await;
        if self.plan.wants(&["G4"]) {
            staged.start().await;
            effect::run(&mut staged, "monolith-rabbit", OVER_BROKER, span * 3, &mut self.progress, &mut self.table)
                .await;
            staged.cleave.stop();
        }
        if self.plan.wants(&["G5"]) {
            let own = block_in_place(|| broker.virtual_host("bare"));
            let mut bare = Vec::new();
            for _ in 0..self.plan.rounds {
                let took = pass_bare(&own, &event(), count).await;
                bare.push(count as f64 / took.expect("a broker that takes them").as_secs_f64());
            }
            drain::at_broker(&mut staged, count, &bare, &mut self.progress, &mut self.table).await;
        }
        self.table.refused(&staged.refusals);
    }

    async fn growth(&mut self) {
        let Plan { rounds, span, .. } = *self.plan;
        for (name, files) in [("embedded", true), ("monolith-pg", false)] {
            let (one, other) =
                if files { (Place::Files, Place::Files) } else { (self.on_postgres().await, self.on_postgres().await) };
            let mut small = self.staged(one, None, growth::size(FEW)).await;
            let mut large = self.staged(other, None, growth::size(self.plan.many())).await;
            small.start().await;
            large.start().await;
            growth::run(name, &mut small, &mut large, rounds, span, &mut self.progress, &mut self.table).await;
            self.table.refused(&small.refusals);
            self.table.refused(&large.refusals);
        }
    }

    async fn soak(&mut self) {
        let Plan { soak, span, .. } = *self.plan;
        for (name, files) in [("embedded", true), ("monolith-pg", false)] {
            let place = if files { Place::Files } else { self.on_postgres().await };
            let mut staged = self.staged(place, None, SIZE).await;
            soak::run(name, &mut staged, soak, span, &mut self.progress, &mut self.table).await;
            self.table.refused(&staged.refusals);
        }
    }

    async fn features(&mut self) {
        let Plan { rounds, span, .. } = *self.plan;
        for (name, files) in [("embedded", true), ("monolith-pg", false)] {
            let place = if files { Place::Files } else { self.on_postgres().await };
            let mut staged = self.staged(place, None, Size { tasks: FEW, ..SIZE }).await;
            features::run(name, &mut staged, rounds, span, &mut self.progress, &mut self.table).await;
            self.table.refused(&staged.refusals);
        }
    }
}
