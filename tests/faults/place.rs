//! Where the systems of a test are, and which of them are asked for.

use db::testing::Scratch;
use testkit::{Databases, Topology};
use tests::faults::fleet::{DOMAINS, Place};
use tests::faults::held::setting;

/// Of those topologies, the ones that `CLEAVE_TEST_FAULT_TOPOLOGIES` names; all without it.
pub fn asked(topologies: &[Topology]) -> Vec<Topology> {
    let asked = setting("CLEAVE_TEST_FAULT_TOPOLOGIES");
    let wanted = |topology: &&Topology| {
        asked.as_deref().is_none_or(|asked| asked.split(',').any(|name| name.trim() == topology.name))
    };
    topologies.iter().filter(wanted).copied().collect()
}

/// Empty databases for a system at the PostgreSQL that tests use, or files; what is removed with the second.
pub async fn place(topology: &Topology) -> (Place, Vec<Scratch>) {
    let mut scratches = Vec::new();
    let count = match topology.databases {
        Databases::Files => return (Place::Files, scratches),
        Databases::Schemas => 1,
        Databases::Apart => DOMAINS.len(),
    };
    for _ in 0..count {
        scratches.push(Scratch::new().await.unwrap());
    }
    let place = match topology.databases {
        Databases::Apart => Place::Databases(DOMAINS.into_iter().zip(scratches.iter().map(Scratch::url)).collect()),
        _ => Place::Database(scratches[0].url()),
    };
    (place, scratches)
}
