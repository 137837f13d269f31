//! `/metrics` on a listener of its own, for a scraper inside the walls. Rule: without a token, and nothing else is served
//! there; a worker of its own answers also while all others are busy. Its connections are those of [`crate::http`].

use super::Requests;
use crate::http::{DISCONNECT, KEEP_ALIVE, Times, UNREAD, listen, serving};
use crate::process::Process;
use crate::start_error::StartError;
use actix_web::App;
use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::rt::System;
use actix_web::web::{Data, to};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use web::{At, Problem};

/// How long a scraper may take over the head of its request.
const HEAD: Duration = Duration::from_secs(5);

/// A running listener; it ends with this.
pub(crate) struct MetricsListener(ServerHandle);

impl MetricsListener {
    /// Listens there.
    ///
    /// # Errors
    /// One line that names the setting.
    pub(crate) async fn start(
        address: SocketAddr,
        process: Arc<Process>,
        requests: Data<Requests>,
    ) -> Result<Self, StartError> {
        let failed = |error: std::io::Error| {
            StartError::new(format!("cannot listen on {address} (CLEAVE_METRICS_ADDR): {error}"))
        };
        let listener = TcpListener::bind(address).map_err(failed)?;
        let (started, handle) = oneshot::channel();
        let process = Data::from(process);
        let serve = move || {
            System::new().block_on(async move {
                let app = move || {
                    let app = App::new().app_data(Data::clone(&process)).app_data(Data::clone(&requests));
                    app.service(At::new("/metrics").get(scraped, super::operation()))
                        .default_service(to(web::not_found))
                        .wrap(from_fn(serving))
                };
                let times = Times { head: HEAD, unread: UNREAD, keep_alive: KEEP_ALIVE, disconnect: DISCONNECT };
                let server = listen(Server::build().workers(1).disable_signals(), listener, times, app)?;
                // Nobody waits for the handle only when the start was given up.
                let _ = started.send(server.handle());
                server.await
            })
        };
        thread::Builder::new().name("metrics".to_owned()).spawn(serve).map_err(failed)?;
        handle.await.map(Self).map_err(|_| StartError::new("the listener for the metrics did not start"))
    }
}

impl Drop for MetricsListener {
    fn drop(&mut self) {
        // Sent at once; nobody waits.
        drop(self.0.stop(false));
    }
}

async fn scraped(process: Data<Process>, requests: Data<Requests>) -> Result<actix_web::HttpResponse, Problem> {
    super::answer(&process, &requests).await
}
