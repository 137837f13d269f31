//! The HTTP server of the process. Rule: the order of the layers stands here and nowhere else; workers live in threads
//! of their own, and all of them are gone when [`Http::stop`] returns.

mod connection;
mod framing;
mod insist;
mod listen;

pub(crate) use connection::serving;
pub(crate) use listen::{Times, listen};

use crate::gateway::Gateway;
use crate::metrics::{self, Requests};
use crate::module::{Module, Routes};
use crate::process::Process;
use crate::routes::{self, Pages};
use crate::start_error::StartError;
use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::System;
use actix_web::web::{Data, ServiceConfig, to};
use actix_web::{App, Error};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use web::{Edge, Verifier, middleware};

/// Until a closing connection is closed.
pub(crate) const DISCONNECT: Duration = Duration::from_secs(5);
/// Between two requests of a connection.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// From the last byte of an answer that a client took, while more of it waits.
pub(crate) const UNREAD: Duration = Duration::from_secs(60);
/// For the requests under way when the process stops.
const DRAIN_SECONDS: u64 = 15;
/// Connections of one worker.
const CONNECTIONS: usize = 2048;
/// Threads of one worker for what blocks.
const BLOCKING_THREADS: usize = 32;
/// Until the workers' state is dropped after they have ended.
const LAST_STATE: Duration = Duration::from_secs(2);

/// What the workers serve.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) process: Arc<Process>,
    pub(crate) edge: Data<Edge>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) routes: Vec<Routes>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) absent: Vec<Module>,
    pub(crate) pages: Data<Pages>,
    pub(crate) requests: Data<Requests>,
    /// From the first byte of a request to the end of its head.
    pub(crate) head_deadline: Duration,
    /// While an answer waits for a client that takes nothing of it.
    pub(crate) unread_deadline: Duration,
}

/// The running server.
pub(crate) struct Http {
    handle: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
    ended: watch::Receiver<bool>,
    state: mpsc::Receiver<()>,
}

impl Http {
    /// Serves `site` on `listener`.
    pub(crate) async fn start(listener: TcpListener, site: Site, workers: Option<usize>) -> Result<Self, StartError> {
        let (started, handle) = oneshot::channel();
        let (ending, ended) = watch::channel(false);
        let (held, state) = mpsc::channel(1);
        let thread = thread::Builder::new().name("http".to_owned()).spawn(move || {
            let served = System::new().block_on(async move {
                let server = server(listener, site, held, workers)?;
                // Nobody waits for the handle only when the start was given up.
                let _ = started.send(server.handle());
                server.await
            });
            ending.send_replace(true);
            served
        });
        let thread = thread.map_err(|error| StartError::new(format!("cannot start the HTTP thread: {error}")))?;
        let handle = handle.await.map_err(|_| StartError::new("the HTTP server did not start"))?;
        Ok(Self { handle, thread: Some(thread), ended, state })
    }

    /// Returns when the server has ended.
    pub(crate) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // The sender is dropped only after it has said so, or with its thread.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Accepts nobody any more, finishes the requests under way, and waits for the threads.
    pub(crate) async fn stop(&mut self) {
        self.handle.stop(true).await;
        if let Some(thread) = self.thread.take() {
            match tokio::task::spawn_blocking(move || thread.join()).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => tracing::error!(%error, "the HTTP server ended with an error"),
                Ok(Err(_)) | Err(_) => tracing::error!("the HTTP thread panicked"),
            }
        }
        // The workers' threads end by themselves; the last sender goes with the last worker's state.
        if tokio::time::timeout(LAST_STATE, self.state.recv()).await.is_err() {
            tracing::warn!("an HTTP worker still holds its state");
        }
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        // Sent at once; nobody waits. After a stop nobody hears it.
        drop(self.handle.stop(false));
    }
}

fn server(listener: TcpListener, site: Site, held: mpsc::Sender<()>, workers: Option<usize>) -> io::Result<Server> {
    let held = Data::new(held);
    let times = Times {
        head: site.head_deadline,
        unread: site.unread_deadline,
        keep_alive: KEEP_ALIVE,
        disconnect: DISCONNECT,
    };
    let builder = Server::build()
        .disable_signals()
        .shutdown_timeout(DRAIN_SECONDS)
        .max_concurrent_connections(CONNECTIONS)
        .worker_max_blocking_threads(BLOCKING_THREADS);
    let builder = match workers {
        Some(workers) => builder.workers(workers.max(1)),
        None => builder,
    };
    listen(builder, listener, times, move || app(&site).app_data(Data::clone(&held)))
}

/// One worker's application. The layer that is wrapped last is the outermost.
fn app(
    site: &Site,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .app_data(Data::clone(&site.edge))
        .app_data(Data::from(Arc::clone(&site.verifier)))
        .app_data(Data::from(Arc::clone(&site.process)))
        .app_data(Data::clone(&site.pages))
        .app_data(Data::clone(&site.requests))
        .configure(web::limits)
        .configure(|config| site.configure(config))
        .default_service(to(routes::otherwise))
        .wrap(from_fn(middleware::body_deadline))
        .wrap(from_fn(middleware::handler_deadline))
        .wrap(from_fn(middleware::catch_panics))
        .wrap(from_fn(middleware::preflight))
        .wrap(from_fn(middleware::rate_limit))
        .wrap(from_fn(middleware::body_limit))
        .wrap(from_fn(middleware::problems))
        .wrap(from_fn(middleware::cors))
        .wrap(from_fn(routes::final_status))
        .wrap(from_fn(metrics::count))
        .wrap(from_fn(middleware::security_headers))
        .wrap(from_fn(middleware::request_context))
        .wrap(from_fn(serving))
}

impl Site {
    fn configure(&self, config: &mut ServiceConfig) {
        for routes in &self.routes {
            routes(config);
        }
        crate::ops::routes(config, &self.process);
        self.gateway.routes(config);
        routes::routes(config);
        routes::absent(config, &self.absent);
    }
}
