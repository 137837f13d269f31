//! What is needed to show that nothing is lost: servers that may be stopped, real processes, a load whose client writes down
//! what it was told, and a checker that compares the two. Rule: nothing here is shared with another test, so that every
//! fault may be real; and the checker knows the tables and the contract, and nothing of the code that it checks.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect, and so does what it is made of"
)]

pub mod broker;
pub mod caller;
pub mod checker;
pub mod crowd;
pub mod disk;
pub mod facts;
pub mod fleet;
pub mod footprint;
pub mod held;
pub mod hold;
pub mod isolation;
pub mod ledger;
pub mod limits;
pub mod liveness;
pub mod load;
pub mod mind;
pub mod nemesis;
pub mod poison;
pub mod postgres;
pub mod report;
pub mod round;
pub mod store;
pub mod stranger;
pub mod table;
pub mod trial;
pub mod watch;
pub mod wire;
pub mod writers;
