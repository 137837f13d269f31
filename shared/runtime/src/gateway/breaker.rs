//! When a target is left alone although it accepts connections. Rule: so many requests in a row without an answer
//! open it; after a while one request probes, and its answer closes it, without help from anybody.

use std::time::{Duration, Instant};

/// A circuit breaker; the caller brings the time.
#[derive(Debug)]
pub(super) struct Breaker {
    most_failures: u32,
    open_for: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One request is under way; all others wait for what becomes of it.
    HalfOpen,
}

/// Whether a request may go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted,
    /// To see whether it answers again.
    Probe,
    /// Not before that much time.
    Refused(Duration),
}

impl Breaker {
    pub(super) const fn new(most_failures: u32, open_for: Duration) -> Self {
        Self { most_failures, open_for, state: State::Closed { failures: 0 } }
    }

    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed { .. } => Admission::Admitted,
            State::Open { until } if now < until => Admission::Refused(until - now),
            State::Open { .. } => {
                self.state = State::HalfOpen;
                Admission::Probe
            }
            State::HalfOpen => Admission::Refused(self.open_for),
        }
    }

    /// A request was answered.
    pub(super) const fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// A request was not answered; true when this opened it.
    pub(super) fn failed(&mut self, now: Instant, probe: bool) -> bool {
        let failures = match self.state {
            State::Closed { failures } => failures + 1,
            State::HalfOpen if probe => self.most_failures,
            // Sent before it opened, and no news.
            State::HalfOpen | State::Open { .. } => return false,
        };
        let opens = failures >= self.most_failures;
        self.state = if opens { State::Open { until: now + self.open_for } } else { State::Closed { failures } };
        opens
    }

    /// Nobody waits for a request's answer any more: it tells nothing, and after a probe the next one may be one.
    pub(super) fn abandoned(&mut self, now: Instant, probe: bool) {
        if probe && self.state == State::HalfOpen {
            self.state = State::Open { until: now };
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen => "half_open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Duration = Duration::from_secs(5);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(3, OPEN);
        assert_eq!([(); 3].map(|()| breaker.failed(now, false)), [false, false, true]);
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_in_between_does_not() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, OPEN);
        for _ in 0..10 {
            breaker.failed(now, false);
            breaker.failed(now, false);
            breaker.succeeded();
        }
        assert_eq!((breaker.admit(now), breaker.name()), (Admission::Admitted, "closed"));
        assert_eq!(opened(now).admit(now), Admission::Refused(OPEN));
    }

    #[test]
    fn one_request_probes_and_its_answer_closes_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + OPEN;
        assert_eq!(breaker.admit(later), Admission::Probe);
        assert_eq!((breaker.admit(later), breaker.name()), (Admission::Refused(OPEN), "half_open"));
        breaker.succeeded();
        assert_eq!((breaker.admit(later), breaker.name()), (Admission::Admitted, "closed"));
    }

    #[test]
    fn a_probe_without_an_answer_opens_it_again() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + OPEN;
        breaker.admit(later);
        assert!(breaker.failed(later, true));
        assert_eq!(breaker.admit(later), Admission::Refused(OPEN));
    }

    #[test]
    fn a_probe_that_nobody_waits_for_lets_the_next_one_probe() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + OPEN;
        breaker.admit(later);
        breaker.abandoned(later, true);
        assert_eq!(breaker.admit(later), Admission::Probe);
    }

    #[test]
    fn what_was_sent_before_says_nothing_about_the_probe() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + OPEN;
        assert_eq!(breaker.admit(later), Admission::Probe);
        breaker.abandoned(later, false);
        assert_eq!(breaker.admit(later), Admission::Refused(OPEN), "one probe is under way");
        assert!(!breaker.failed(later, false));
        assert_eq!(breaker.name(), "half_open");
    }

    #[test]
    fn a_late_failure_does_not_keep_it_open_longer() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(!breaker.failed(now + Duration::from_secs(4), false));
        assert_eq!(breaker.admit(now + OPEN), Admission::Probe);
    }
}
