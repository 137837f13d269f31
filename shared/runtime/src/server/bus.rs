//! What carries the events of this process. Rule: chosen by the configuration in this one function; nothing else
//! knows which it is.

use crate::config::{BusSetting, Config};
use crate::module::Module;
use crate::start_error::StartError;
use bus::{EventBus, InProcess};
use bus_rabbitmq::{Options, RabbitMq};
use db::Ids;
use secrecy::ExposeSecret;
use std::sync::Arc;

/// The bus. Who mounts nothing has no events, and needs no broker to hand requests on.
pub(super) async fn connect(config: &Config, mounted: &[Module]) -> Result<Arc<dyn EventBus>, StartError> {
    let names = mounted.iter().map(Module::name);
    match &config.bus {
        BusSetting::RabbitMq(url) if !mounted.is_empty() => {
            let options = Options {
                url: url.expose_secret().to_owned(),
                boot_id: Ids::new(Arc::clone(&config.seams.clock)).next(),
                mounted: names.collect(),
                prefix: config.seams.bus_prefix.clone(),
            };
            let connected = RabbitMq::connect(options).await;
            Ok(connected.map_err(|error| StartError::new(format!("CLEAVE_BUS: {error}")))?)
        }
        BusSetting::RabbitMq(_) | BusSetting::InProcess => {
            Ok(Arc::new(InProcess::with_table(names, config.seams.hears)))
        }
    }
}
