//! Looking after a target. Rule: whether it lives is asked all the time, whatever its requests say, so that one that
//! came back is used again within a second.

use super::service::Service;
use reqwest::Client;
use std::sync::Arc;
use tokio::time::sleep;

/// Looks for ever: at every interval, and at once when a request failed.
pub(super) async fn repeat(service: Arc<Service>, index: usize, http: Client) {
    let Some(target) = service.targets.get(index) else { return };
    loop {
        let answer = http.get(format!("{}/health/live", target.address)).timeout(service.tuning.check_timeout).send();
        target.found(answer.await.is_ok_and(|answer| answer.status().is_success()));
        tokio::select! {
            () = sleep(service.tuning.check_every) => {}
            () = target.doubted.notified(), if target.is_reachable() => {}
        }
    }
}
