//! G6: how soon a process serves, what it takes while nobody asks, and how large it is. Rule: it is the binary that is shipped,
//! where that lies beside this one; what is not measured is said.

use super::cleave::{Cleave, own_binary};
use super::figures::median;
use super::goal::Goal;
use super::progress::Progress;
use super::side::{Size, Staged};
use super::table::Table;
use crate::faults::fleet::Place;
use std::time::Duration;

/// How often it is started.
const STARTS: usize = 7;
/// Until it has done what it does after a start, and has given back what that took: the memory of a hash goes after a second,
/// and the allocator keeps what is freed for ten more.
const REST: Duration = Duration::from_secs(20);
/// What is in its database.
const SIZE: Size = Size { users: 2, owners: 100, tasks: 10_000 };
const MIB: f64 = 1024.0 * 1024.0;

/// How many steps it has.
pub const STEPS: usize = 1;

/// Measures, and judges.
///
/// # Panics
/// When it does not start.
pub async fn run(progress: &mut Progress, table: &mut Table) {
    progress.now("a process starts on an existing database");
    let shipped = own_binary().with_file_name("cleave");
    let is_shipped = shipped.is_file();
    let mut staged = Staged::new(Cleave::prepare(Place::Files, None), SIZE).await;
    if is_shipped {
        staged.cleave = staged.cleave.with_binary(&shipped);
        let size = std::fs::metadata(&shipped).map_or(0, |file| file.len()) as f64 / MIB;
        table.add(Goal::at_most("G6", "the release binary, stripped", size, 40.0).unit(" MiB"));
    } else {
        table.note(
            "G6: there is no binary `cleave` beside this one, which `cargo build --release` makes: its size was not \
             looked at, and the process that was is this program.",
        );
    }
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(staged.cleave.start().as_secs_f64() * 1_000.0);
        staged.cleave.stop();
    }
    staged.cleave.start();
    tokio::time::sleep(REST).await;
    let (resident, own) = staged.cleave.memory();
    let (resident, own) = (resident as f64 / MIB, own as f64 / MIB);
    let ready = median(starts);
    // Another program's start and memory are not what must be so small.
    let judged = |what: &str, is: f64, most: f64| {
        if is_shipped { Goal::at_most("G6", what, is, most) } else { Goal::told("G6", what, is) }
    };
    table.add(judged("ready on an existing embedded database", ready, 100.0).unit(" ms"));
    let from = format!("{own:.1} MiB of it its own, the rest mapped files");
    table.add(judged("idle memory", resident, 30.0).unit(" MiB").from(from));
    progress.step(&format!("ready in {ready:.0} ms, {resident:.1} MiB"));
}
