//! The long run: systems under load and under faults that a seed picks, in turn, and one table of what it cost. Rule: the exit
//! code is 1 when anything was lost, duplicated, out of order or from nowhere, or did not come back.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for people, which ends at what it did not expect"
)]

use futures_util::FutureExt;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write, stdout};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use testkit::Topology;
use tests::faults::crowd::Extent;
use tests::faults::fleet::{is_one, served};
use tests::faults::nemesis::{Fault, Wish};
use tests::faults::round::{Plan, Servers, TOPOLOGIES};
use tests::faults::table::Table;

const HELP: &str = "\
usage: faults [--minutes N] [--seed N] [--topology NAME]… [--fault NAME]… [--round SECONDS] [--rate EVENTS] [--verbose]
       faults --poison [--seconds N] [--seed N] [--topology NAME] [--rate EVENTS]

  --minutes   how long, without the checks; 30
  --seed      of the load and of the faults; 1
  --topology  embedded, monolith-pg, monolith-rabbit or split; all of them in turn
  --fault     what may go wrong, see below; everything that can in a topology
  --round     after how many seconds of faults everything is healed and checked; 150
  --rate      events a second; 60, with --poison 200
  --verbose   every fault on a line of its own
  --poison    what one event that cannot be handled costs the others, of 1,000 tasks
  --seconds   how long with it and how long without, in turns of 20 s; 30";

/// What was asked for.
#[derive(Debug)]
struct Asked {
    minutes: f64,
    seed: u64,
    topologies: Vec<Topology>,
    round: Duration,
    rate: Option<f64>,
    wish: Wish,
    verbose: bool,
    poison: bool,
    seconds: u64,
}

fn main() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if is_one() {
        // One of the processes of a system; it ignores the command line of a test.
        runtime.block_on(served(app::settings, app::serve));
        return ExitCode::SUCCESS;
    }
    match read(std::env::args().skip(1)) {
        Ok(asked) if asked.poison => runtime.block_on(poison(&asked)),
        Ok(asked) => runtime.block_on(run(&asked)),
        Err(why) => {
            println!("{why}\n{HELP}\n\nfaults: {}", keys().into_iter().collect::<Vec<_>>().join(", "));
            ExitCode::from(2)
        }
    }
}

/// By what names faults are asked for.
fn keys() -> BTreeSet<&'static str> {
    TOPOLOGIES.iter().flat_map(Fault::of).flatten().map(Fault::key).collect()
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked {
        minutes: 30.0,
        seed: 1,
        topologies: Vec::new(),
        round: Duration::from_secs(150),
        rate: None,
        wish: Wish { long: true, only: Vec::new() },
        verbose: false,
        poison: false,
        seconds: 30,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        let wrong = |text: &str| format!("{argument} {text} means nothing");
        match argument.as_str() {
            "--poison" => asked.poison = true,
            "--verbose" => asked.verbose = true,
            "--fault" => {
                let name = value()?;
                let known = keys().into_iter().find(|key| *key == name);
                asked.wish.only.push(known.ok_or_else(|| wrong(&name))?);
            }
            "--topology" => {
                let name = value()?;
                let known = TOPOLOGIES.into_iter().find(|topology| topology.name == name);
                asked.topologies.push(known.ok_or_else(|| wrong(&name))?);
            }
            "--minutes" | "--seed" | "--round" | "--rate" | "--seconds" => {
                let text = value()?;
                let number: u32 = text.parse().map_err(|_| wrong(&text))?;
                match argument.as_str() {
                    "--minutes" => asked.minutes = number.into(),
                    "--seed" => asked.seed = number.into(),
                    "--round" => asked.round = Duration::from_secs(number.into()),
                    "--rate" => asked.rate = Some(number.into()),
                    _ => asked.seconds = number.into(),
                }
            }
            _ => return Err(format!("{argument} is no option")),
        }
    }
    Ok(asked)
}

/// What happens, for whoever looks: a line that is rewritten on a terminal, else one a round.
struct Progress {
    terminal: bool,
    verbose: bool,
    total: Duration,
    done: Duration,
    what: String,
    /// What happened in this round so far.
    told: RefCell<Vec<String>>,
}

/// Characters of the bar.
const WIDTH: usize = 24;
/// What led to a failure is among the last things that happened.
const TOLD: usize = 12;

impl Progress {
    fn tell(&self, running: Duration, text: &str) {
        let told = format!("{:5.1} s {text}", running.as_secs_f64());
        if self.verbose {
            self.line(&told);
        }
        self.told.borrow_mut().push(told);
        if !self.terminal {
            return;
        }
        let part = ((self.done + running).as_secs_f64() / self.total.as_secs_f64()).min(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bar of few characters")]
        let full = (part * WIDTH as f64) as usize;
        let bar = format!("{}{}", "#".repeat(full), ".".repeat(WIDTH - full));
        print!("\r\x1b[K[{bar}] {:3.0} %  {}: {text}", part * 100.0, self.what);
        let _ = stdout().flush();
    }

    /// The last that happened in a round that did not come to an end.
    fn confess(&self) {
        let told = self.told.borrow();
        told[told.len().saturating_sub(TOLD)..].iter().for_each(|text| self.line(text));
    }

    fn line(&self, text: &str) {
        println!("{}{text}", if self.terminal { "\r\x1b[K" } else { "" });
    }
}

async fn run(asked: &Asked) -> ExitCode {
    let topologies = if asked.topologies.is_empty() { TOPOLOGIES.to_vec() } else { asked.topologies.clone() };
    let mut servers = Servers::start(&topologies).await;
    let usable: Vec<Topology> = topologies.iter().filter(|topology| servers.serve(topology)).copied().collect();
    let (usable, spared): (Vec<_>, Vec<_>) = usable.into_iter().partition(|one| !asked.wish.of(one, true).is_empty());
    spared.iter().for_each(|topology| println!("not run: nothing of that can happen to {}", topology.name));
    let total = Duration::from_secs_f64(asked.minutes * 60.0);
    println!("seed {}, {} minutes of faults, {:?} each", asked.seed, asked.minutes, asked.round);
    let mut table = Table::default();
    let terminal = stdout().is_terminal();
    let (done, what, told) = (Duration::ZERO, String::new(), RefCell::default());
    let mut progress = Progress { terminal, verbose: asked.verbose, total, done, what, told };
    for (topology, seed) in usable.iter().cycle().zip(asked.seed..) {
        let span = asked.round.min(total.saturating_sub(progress.done));
        if span.is_zero() {
            break;
        }
        progress.what = format!("{} with seed {seed}", topology.name);
        progress.told.take();
        let (began, events, wish) = (Instant::now(), asked.rate.unwrap_or(60.0), asked.wish.clone());
        let plan = Plan { topology: *topology, seed, span, events, wish };
        let round = servers.round(&plan, |text| progress.tell(began.elapsed(), text));
        match AssertUnwindSafe(round).catch_unwind().await {
            Ok(round) => {
                progress.line(&format!("seed {seed}: {}", round.report));
                round.report.violations.iter().take(10).for_each(|found| progress.line(&found.to_string()));
                table.add(topology.name, &round);
            }
            Err(_) => {
                // The panic has said what it was; what it left behind is not used again.
                progress.confess();
                table.failed(progress.what.clone());
                servers = Servers::start(&topologies).await;
            }
        }
        progress.done += span;
    }
    println!("\n{table}");
    if table.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn poison(asked: &Asked) -> ExitCode {
    let topology = asked.topologies.first().copied().unwrap_or(Topology::EMBEDDED);
    let mut servers = Servers::start(&[topology]).await;
    let extent =
        Extent { seed: asked.seed, rate: asked.rate.unwrap_or(200.0), span: Duration::from_secs(asked.seconds) };
    let figures = servers.poison(topology, &extent).await;
    println!("{figures}");
    if figures.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
