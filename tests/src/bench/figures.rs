//! What a measurement came to. Rule: of several rounds the median of each figure counts, so that one disturbed round does not.

use std::time::Duration;

/// Answers a second, and how long they took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// Answers a second.
    pub rate: f64,
    /// What half of them did not exceed.
    pub p50: Duration,
    /// What 99 of 100 did not exceed.
    pub p99: Duration,
}

impl Figures {
    /// From the microseconds of each answer within that time.
    #[must_use]
    pub fn of(mut taken: Vec<u32>, span: Duration) -> Self {
        taken.sort_unstable();
        let rate = taken.len() as f64 / span.as_secs_f64();
        Self { rate, p50: quantile(&taken, 0.5), p99: quantile(&taken, 0.99) }
    }

    /// The median of each figure.
    #[must_use]
    pub fn median(rounds: &[Self]) -> Self {
        let rate = median(rounds.iter().map(|round| round.rate).collect());
        let seconds = |of: fn(&Self) -> Duration| {
            Duration::from_secs_f64(median(rounds.iter().map(|round| of(round).as_secs_f64()).collect()))
        };
        Self { rate, p50: seconds(|round| round.p50), p99: seconds(|round| round.p99) }
    }
}

/// What that share of sorted microseconds does not exceed.
#[must_use]
pub fn quantile(sorted: &[u32], share: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let at = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
    Duration::from_micros(sorted.get(at).copied().unwrap_or_default().into())
}

/// The one in the middle, or between the two there; 0 of none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.as_slice() {
        [] => 0.0,
        values if values.len() % 2 == 1 => values[middle],
        values => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_nearly_all_are_told_apart() {
        let figures = Figures::of((1..=200).rev().collect(), Duration::from_secs(2));
        let micros = Duration::from_micros;
        assert_eq!(figures, Figures { rate: 100.0, p50: micros(100), p99: micros(198) });
    }

    #[test]
    fn one_disturbed_round_does_not_count() {
        assert!((median(vec![3.0, 100.0, 1.0]) - 3.0).abs() < 1e-9);
        assert!((median(vec![4.0, 2.0]) - 3.0).abs() < 1e-9);
        assert!(median(Vec::new()).abs() < 1e-9);
    }
}
