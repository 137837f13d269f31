//! The benchmark: Cleave as it is shipped beside servers written by hand on the same machine and the same rows. Rule: nothing is
//! compared with a figure of another day or another machine; all sides take turns in one run.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a program for people, which ends at what it did not expect"
)]

pub mod backlog;
pub mod cleave;
pub mod crowd;
pub mod drain;
pub mod driver;
pub mod effect;
pub mod features;
pub mod figures;
pub mod goal;
pub mod growth;
pub mod hand;
pub mod process;
pub mod progress;
pub mod requests;
pub mod run;
pub mod seed;
pub mod side;
pub mod soak;
pub mod table;
pub mod workload;
