//! What other domains read of an event.

use serde_json::Value;
use std::collections::BTreeSet;
use tests::additive::breaks;
use tests::{snapshot, tree};

#[test]
fn the_schema_of_every_event_is_the_one_that_is_kept() {
    let directory = tree::root().join("shared/contracts/schemas");
    let mut known = BTreeSet::new();
    for (event, schema) in contracts::schema::all() {
        let path = directory.join(format!("{event}.json"));
        let found = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if let Ok(kept) = std::fs::read_to_string(&path) {
            let (old, new): (Value, Value) =
                (serde_json::from_str(&kept).unwrap(), serde_json::from_str(&found).unwrap());
            let breaks = breaks(&old, &new, "");
            assert!(
                breaks.is_empty(),
                "{event} breaks its readers; make it a new version beside this one:\n{}",
                breaks.join("\n")
            );
        }
        snapshot::compare(&path, &found);
        known.insert(format!("{event}.json"));
    }
    let kept: BTreeSet<String> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept, known, "a schema without an event, or an event without a schema");
}
