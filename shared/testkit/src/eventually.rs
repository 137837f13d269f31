//! Waiting for what no clock of ours drives: a process that was killed, a broker, a breaker.

use std::future::Future;
use std::time::{Duration, Instant};

/// Asks again until there is an answer.
///
/// # Panics
/// When there is none within `deadline`; the message names `what`.
pub async fn eventually<T, F, A>(what: &str, deadline: Duration, mut ask: F) -> T
where
    F: FnMut() -> A,
    A: Future<Output = Option<T>>,
{
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < deadline, "{what}: not within {deadline:?}");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
