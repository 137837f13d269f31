//! Routes. Rule: an address that exists answers every method: those it has, HEAD wherever there is GET, and 405 with
//! Allow for the rest.

use crate::problem::{Problem, ProblemCode};
use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::header::ALLOW;
use actix_web::{FromRequest, Handler, Resource, Responder, guard, web};

/// One address with its methods: `At::new("/api/v1/tasks").get(list).post(create)`.
#[must_use = "an address does nothing until it is registered as a service"]
pub struct At {
    resource: Resource,
    allowed: Vec<&'static str>,
}

impl At {
    /// An address, with actix-web's patterns: `/api/v1/tasks/{id}`.
    pub fn new(path: &str) -> Self {
        Self { resource: web::resource(path.to_owned()), allowed: Vec::new() }
    }

    /// Reads; also HEAD, whose body the server leaves out.
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allowed.extend(["GET", "HEAD"]);
        self.resource = self.resource.route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler));
        self
    }

    /// Creates, or acts.
    pub fn post<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allowed.push("POST");
        self.resource = self.resource.route(web::post().to(handler));
        self
    }

    /// Replaces.
    pub fn put<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allowed.push("PUT");
        self.resource = self.resource.route(web::put().to(handler));
        self
    }

    /// Changes parts.
    pub fn patch<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allowed.push("PATCH");
        self.resource = self.resource.route(web::patch().to(handler));
        self
    }

    /// Takes away.
    pub fn delete<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allowed.push("DELETE");
        self.resource = self.resource.route(web::delete().to(handler));
        self
    }
}

impl HttpServiceFactory for At {
    fn register(self, config: &mut AppService) {
        let allow = self.allowed.join(", ");
        let refuse = move || {
            let problem = Problem::new(ProblemCode::MethodNotAllowed).header(ALLOW, &allow);
            async move { problem }
        };
        self.resource.default_service(web::to(refuse)).register(config);
    }
}
