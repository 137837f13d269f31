//! What every process of a test is told alike. Rule: small and patient, because many systems share a machine.

use super::PATIENCE;
use contracts::Clock;
use runtime::{Config, GatewayTuning};
use std::sync::Arc;
use std::time::Duration;
use web::Quota;

/// What every process of a test is told, wherever it runs.
pub(crate) fn prepare(config: &mut Config, clock: Arc<dyn Clock>) {
    config.seams.clock = clock;
    config.seams.http_workers = Some(1);
    config.seams.readers = Some(2);
    config.seams.migrates = true;
    // Many systems share a machine while tests run: slow is not wrong there.
    config.seams.limits.acquire = PATIENCE;
    config.seams.limits.statement = PATIENCE;
    config.seams.limits.silence = PATIENCE;
    config.seams.head_deadline = PATIENCE;
    config.seams.handler_deadline = 2 * PATIENCE;
    // They all come from one address.
    config.login_limit = Quota::at_least_one(1_000_000, PATIENCE);
    config.register_limit = Quota::at_least_one(1_000_000, PATIENCE);
    config.seams.gateway = GatewayTuning {
        deadline: PATIENCE,
        check_every: Duration::from_millis(100),
        breaker_open: Duration::from_millis(500),
        ..GatewayTuning::default()
    };
}
