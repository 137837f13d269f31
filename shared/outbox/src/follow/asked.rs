//! What was asked for. Rule: the same events are asked for again only when they would count as lost again: an answer needs
//! its time, and each costs every consumer of the stream.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::Range;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The questions that may still be answered.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Before the same is asked for again.
    patience: TimeDelta,
    ranges: Mutex<HashMap<(String, String, Range), DateTime<Utc>>>,
}

impl Asked {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience: TimeDelta::from_std(patience).unwrap_or(TimeDelta::MAX), ranges: Mutex::default() }
    }

    /// Those of `ranges` that were not asked for lately; they count as asked for now.
    pub(super) fn anew(&self, source: &str, aggregate: &str, ranges: Vec<Range>, now: DateTime<Utc>) -> Vec<Range> {
        let mut asked = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        // One of the future was noted by a clock that has stepped back since.
        asked.retain(|_, at| *at <= now && now - *at < self.patience);
        let is_new = |range: &Range| {
            let question = asked.entry((source.to_owned(), aggregate.to_owned(), *range));
            let is_new = matches!(question, Entry::Vacant(_));
            question.or_insert(now);
            is_new
        };
        ranges.into_iter().filter(is_new).collect()
    }

    /// Forgets a question that did not get through.
    pub(super) fn forget(&self, source: &str, aggregate: &str, ranges: &[Range]) {
        let mut asked = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        for range in ranges {
            asked.remove(&(source.to_owned(), aggregate.to_owned(), *range));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_same_is_asked_for_once_a_minute_and_something_else_at_once() {
        let asked = Asked::new(Duration::from_secs(60));
        let range = |to| Range { id: Uuid::from_u128(1), from: 1, to };
        let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |seconds, to| asked.anew("user", "user", vec![range(to)], start + TimeDelta::seconds(seconds));
        assert_eq!(at(0, 1), [range(1)]);
        assert_eq!(at(59, 1), []);
        assert_eq!(at(59, 2), [range(2)], "there is more missing");
        assert_eq!(at(60, 1), [range(1)]);
        assert_eq!(at(0, 1), [range(1)], "the clock stepped back");
        asked.forget("user", "user", &[range(1)]);
        assert_eq!(at(1, 1), [range(1)], "nobody heard the question");
    }
}
