//! `bus forget <domain>`.

use super::say;
use crate::config::{BusSetting, Config};
use crate::start_error::StartError;
use secrecy::ExposeSecret;
use std::process::ExitCode;

/// Throws away what the broker keeps for a domain.
pub(crate) async fn forget(config: &Config, domain: &str) -> Result<ExitCode, StartError> {
    let BusSetting::RabbitMq(url) = &config.bus else {
        return Err(StartError::new(
            "CLEAVE_BUS is in-process, which keeps nothing for anybody: set it to the broker (amqp://user:password@host)",
        ));
    };
    let forgotten = bus_rabbitmq::forget(url.expose_secret(), domain).await;
    let forgotten = forgotten.map_err(|error| StartError::new(error.to_string()))?;
    let queues = if forgotten.queues.is_empty() { "no queue".to_owned() } else { forgotten.queues.join(", ") };
    say(&format!("{domain} is forgotten: {queues} thrown away, with {} messages", forgotten.messages))?;
    Ok(ExitCode::SUCCESS)
}
