//! The benchmark: starts Cleave and the servers that it is compared with, asks all of them in turn, and prints one table. Rule: the
//! exit code is 1 when a goal is missed; in the short form, which is for noisy machines, when not even half of it is reached in any of
//! three tries.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program for people, which ends at what it did not expect"
)]

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;
use tests::bench::cleave::{CLEAVE, ROLE};
use tests::bench::progress::Style;
use tests::bench::run::{GOALS, Plan};
use tests::bench::{hand, run};
use tests::faults::held::setting;

/// How often the short form measures what is far off, until it once is not: a neighbour on the machine goes away, and a change for
/// the worse stays.
const TRIES: usize = 3;

const HELP: &str = "\
usage: bench [--rounds N] [--seconds N] [--short] [--soak N] [--only g1,g2,…|none] [--progress bar|lines|none]

  --rounds    how often each measurement is repeated; the median counts; 3, with --short 2
  --seconds   how long a measurement takes; 3, with --short 0.5
  --short     in about two minutes, for a machine that others use too: fails only below half of a goal, and
              measures what is there up to three times
  --soak      also asks each store for so many minutes, at 70 % of what it bears
  --only      these goals: g1 … g8, or none
  --progress  how it is told what happens; bar on a terminal, else lines";

fn main() -> ExitCode {
    // One of the processes that are measured is this very binary, so that it is never older than the benchmark.
    match setting(ROLE).as_deref() {
        Some(CLEAVE) => return app::run(),
        Some(role) => return hand::serve(role, hand::TOLD.map(|name| setting(name).unwrap_or_default())),
        None => {}
    }
    let mut plan = match read(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(why) => {
            println!("{why}\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut table = runtime.block_on(run::run(&plan));
    println!("\n{table}");
    if !plan.short {
        return if table.is_missed() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let mut far_off = table.far_off();
    for _ in 1..TRIES {
        if far_off.is_empty() || table.is_refused() {
            break;
        }
        plan.soak = 0;
        plan.only = far_off.iter().map(|(goal, _)| *goal).collect();
        println!("\nMeasured again, because not half of them was reached: {far_off:?}\n");
        table = runtime.block_on(run::run(&plan));
        println!("\n{table}");
        far_off.retain(|goal| !table.comes_near(goal));
    }
    if far_off.is_empty() && !table.is_refused() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Plan, String> {
    let (mut rounds, mut seconds, mut soak, mut style) = (None, None, 0, Style::default());
    let (mut short, mut only) = (false, GOALS.into_iter().collect::<BTreeSet<_>>());
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        let wrong = |text: &str| format!("{argument} {text} means nothing");
        match argument.as_str() {
            "--short" => short = true,
            "--rounds" => {
                let text = value()?;
                rounds = Some(text.parse().ok().filter(|rounds| *rounds > 0).ok_or_else(|| wrong(&text))?);
            }
            "--seconds" => {
                let text = value()?;
                let span = text.parse().ok().filter(|seconds| *seconds > 0.0).ok_or_else(|| wrong(&text))?;
                seconds = Some(span);
            }
            "--soak" => {
                let text = value()?;
                soak = text.parse().map_err(|_| wrong(&text))?;
            }
            "--only" => {
                let text = value()?;
                if text == "none" {
                    only.clear();
                    continue;
                }
                let known = |name: &str| GOALS.into_iter().find(|goal| goal.eq_ignore_ascii_case(name.trim()));
                only = text.split(',').map(|name| known(name).ok_or_else(|| wrong(name))).collect::<Result<_, _>>()?;
            }
            "--progress" => {
                let text = value()?;
                style = Style::of(&text).ok_or_else(|| wrong(&text))?;
            }
            _ => return Err(format!("{argument} is no option")),
        }
    }
    let (often, long): (usize, f64) = if short { (2, 0.5) } else { (3, 3.0) };
    let span = Duration::from_secs_f64(seconds.unwrap_or(long));
    Ok(Plan { rounds: rounds.unwrap_or(often), span, short, soak, only, style })
}
