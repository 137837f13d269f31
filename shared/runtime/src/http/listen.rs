//! actix-web's `HttpServer`, put together from its parts. Rule: nothing else differs from it but the stream, for which it
//! has no place to say that it is to be another one.

use super::connection::{Connection, Patience};
use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::AppConfig;
use std::io;
use std::net::TcpListener;
use std::time::Duration;
use tokio::net::TcpStream;

/// What a connection is allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) head: Duration,
    pub(crate) unread: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) disconnect: Duration,
}

/// Serves on `listener` what `make` makes, once for each worker.
pub(crate) fn listen<I, S, B>(
    builder: ServerBuilder,
    listener: TcpListener,
    times: Times,
    make: impl Fn() -> I + Send + Clone + 'static,
) -> io::Result<Server>
where
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let stopping = builder.graceful_shutdown_signal();
    let Times { head, unread, keep_alive, disconnect } = times;
    let patience = Patience { head, idle: keep_alive, unread };
    let builder = builder.listen("http", listener, move || {
        let stopping = stopping.clone();
        let app = make().into_factory().map_err(|error: Error| Response::<BoxBody>::from(error.error_response()));
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(keep_alive)
            .client_request_timeout(head)
            .client_disconnect_timeout(disconnect)
            .h1_allow_half_closed(false)
            .on_connect_ext(|connection: &Connection<TcpStream>, data| {
                data.insert(connection.phase());
            })
            // Of the host and the address that stand there, nothing here is made.
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| async move {
            // A connection that is gone already says so when it is read.
            let _ = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            Ok((Connection::new(stream, patience), Protocol::Http1, peer))
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}
