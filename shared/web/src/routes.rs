//! Routes. Rule: an address that exists answers every method: those it has, HEAD wherever there is GET, and 405 with
//! Allow for the rest; and a method exists only together with its description, so the document cannot leave one out.

use crate::openapi::{Described, Operation};
use crate::problem::{Problem, ProblemCode};
use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::header::ALLOW;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{FromRequest, Handler, Resource, Responder, Route, guard, web};

/// One address with its methods: `At::new("/api/v1/tasks").get(list, list_tasks()).post(create, create_task())`.
#[must_use = "an address does nothing until it is registered"]
pub struct At {
    resource: Resource,
    path: String,
    methods: Vec<(&'static str, Operation)>,
    internal: bool,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $method:literal, $route:expr;)+) => {$(
        $(#[$doc])*
        pub fn $name<F, Args>(self, handler: F, operation: Operation) -> Self
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            self.on($method, $route.to(handler), operation)
        }
    )+};
}

impl At {
    /// An address, with actix-web's patterns: `/api/v1/tasks/{id}`.
    pub fn new(path: &str) -> Self {
        Self { resource: web::resource(path.to_owned()), path: path.to_owned(), methods: Vec::new(), internal: false }
    }

    /// An address for other processes of the installation. It is in no document, and a method that it has not is 404,
    /// because 405 would tell that there is something.
    pub fn internal(path: &str) -> Self {
        Self { internal: true, ..Self::new(path) }
    }

    methods! {
        /// Reads; also HEAD, whose body the server leaves out.
        get = "GET", web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        /// Creates, or acts.
        post = "POST", web::post();
        /// Replaces.
        put = "PUT", web::put();
        /// Changes parts.
        patch = "PATCH", web::patch();
        /// Takes away.
        delete = "DELETE", web::delete();
    }

    /// What its handlers alone find as `Data<T>`.
    pub fn with<T: 'static>(mut self, data: Data<T>) -> Self {
        self.resource = self.resource.app_data(data);
        self
    }

    /// What the document says of it; nothing of an internal one.
    #[must_use]
    pub fn described(self) -> Vec<Described> {
        if self.internal {
            return Vec::new();
        }
        let path = self.path;
        let describe = |(method, operation)| Described { path: path.clone(), method, operation };
        self.methods.into_iter().map(describe).collect()
    }

    fn on(mut self, method: &'static str, route: Route, operation: Operation) -> Self {
        self.resource = self.resource.route(route);
        self.methods.push((method, operation));
        self
    }

    fn allowed(&self) -> String {
        let with_head = |method: &'static str| if method == "GET" { "GET, HEAD" } else { method };
        self.methods.iter().map(|(method, _)| with_head(method)).collect::<Vec<_>>().join(", ")
    }
}

impl HttpServiceFactory for At {
    fn register(self, config: &mut AppService) {
        if self.internal {
            return self.resource.default_service(web::to(crate::not_found)).register(config);
        }
        let allow = self.allowed();
        let refuse = move || {
            let problem = Problem::new(ProblemCode::MethodNotAllowed).header(ALLOW, &allow);
            async move { problem }
        };
        self.resource.default_service(web::to(refuse)).register(config);
    }
}

/// Registers a table of routes: the same that was described.
pub fn register(config: &mut ServiceConfig, table: Vec<At>) {
    for at in table {
        config.service(at);
    }
}

/// Registers one handler for every address below `prefix`, that are not ours to describe; `data` is for it alone.
pub fn register_below<F, Args, T>(config: &mut ServiceConfig, prefix: &str, data: Data<T>, handler: F)
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
    T: 'static,
{
    config.service(web::scope(prefix).app_data(data).default_service(web::to(handler)));
}
