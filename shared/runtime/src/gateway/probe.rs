//! Looking after a target. Rule: whether it lives is asked all the time, whatever its requests say, so that one that
//! came back is used again within a second; one that is busy for a moment is not away.

use super::service::Service;
use reqwest::Client;
use std::sync::Arc;
use tokio::time::sleep;

/// Looks in a row that come to nothing in time before a target counts as away; a refused connection counts at once.
const LATE_LOOKS: u32 = 2;

/// What was seen.
enum Look {
    Ready,
    /// It lives, and wants no requests.
    NotReady,
    Away,
    Late,
}

/// Looks for ever: at every interval, and at once when a request failed.
pub(super) async fn repeat(service: Arc<Service>, index: usize, http: Client) {
    let Some(target) = service.targets.get(index) else { return };
    let mut late = 0;
    loop {
        let look = look(&service, &http, &target.address).await;
        late = if matches!(look, Look::Late) { late + 1 } else { 0 };
        match look {
            Look::Ready | Look::NotReady => {
                target.set_ready(matches!(look, Look::Ready));
                target.found(true);
            }
            Look::Late if late < LATE_LOOKS => {}
            Look::Late | Look::Away => target.found(false),
        }
        tokio::select! {
            () = sleep(service.tuning.check_every) => {}
            () = target.doubted.notified(), if target.is_reachable() => {}
        }
    }
}

async fn look(service: &Service, http: &Client, address: &str) -> Look {
    let ask = async |what: &str| {
        http.get(format!("{address}/health/{what}")).timeout(service.tuning.check_timeout).send().await
    };
    let seen = match ask("ready").await {
        Ok(answer) if answer.status().is_success() => return Look::Ready,
        Ok(_) => ask("live").await,
        Err(error) => Err(error),
    };
    match seen {
        Ok(answer) if answer.status().is_success() => Look::NotReady,
        Err(error) if error.is_timeout() => Look::Late,
        Ok(_) | Err(_) => Look::Away,
    }
}
