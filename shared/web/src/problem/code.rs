//! The one table of everything that can go wrong, as a client sees it. Rule: a code, once published, keeps its
//! meaning and its status; `/docs/errors` is made from this table.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($variant:ident = $code:literal, $status:ident, $title:literal, $meaning:literal;)+) => {
        /// What went wrong; `type`, `code`, `status` and `title` of a problem document follow from it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemCode {
            $(#[doc = $meaning] $variant,)+
        }

        impl ProblemCode {
            /// All, in the order in which the documentation lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name that programs compare.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status it is sent with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// A short text for people, the same at every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What it means and what the client can do about it.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", BAD_REQUEST, "Bad request",
        "The request could not be understood. Correct it before sending it again.";
    InvalidJson = "invalid_json", BAD_REQUEST, "Unreadable JSON",
        "The body is not JSON, is cut off, or is nested too deeply.";
    InvalidHeader = "invalid_header", BAD_REQUEST, "Invalid header",
        "A request header such as Idempotency-Key or If-Match is malformed; `detail` names it.";
    UnknownParameter = "unknown_parameter", BAD_REQUEST, "Unknown query parameter",
        "The query string holds a parameter that this endpoint does not know; `nearest` is the one that was probably meant, `allowed` lists all.";
    InvalidParameter = "invalid_parameter", BAD_REQUEST, "Invalid query parameter",
        "A query parameter is repeated, or its value is not allowed; `parameter` names it.";
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "Invalid cursor",
        "The cursor was not made by this server. Start again without one.";
    CursorMismatch = "cursor_mismatch", BAD_REQUEST, "Cursor of another list",
        "The cursor was made with other filters or another sort. Send it with those, or start again without one.";
    InvalidSort = "invalid_sort", BAD_REQUEST, "Invalid sort",
        "`sort` names a field that cannot be sorted by, or names one twice; `allowed` lists the fields.";
    TokenInvalid = "token_invalid", BAD_REQUEST, "Invalid token",
        "The token of a password or e-mail link is unknown, used, or too old. Ask for a new one.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "Not signed in",
        "The endpoint needs an access token in `Authorization: Bearer`.";
    InvalidToken = "invalid_token", UNAUTHORIZED, "Invalid access token",
        "The access token is malformed, expired or revoked. Refresh it or sign in again.";
    InvalidCredentials = "invalid_credentials", UNAUTHORIZED, "Wrong name or password",
        "The login and the password do not belong to an account that may sign in.";
    RefreshInvalid = "refresh_invalid", UNAUTHORIZED, "Invalid refresh token",
        "The refresh token is unknown, expired or revoked. Sign in again.";
    RefreshReused = "refresh_reused", UNAUTHORIZED, "Refresh token used twice",
        "The refresh token had been used already, so its session was ended. Sign in again.";
    Forbidden = "forbidden", FORBIDDEN, "Not allowed",
        "The caller may see this but not do that to it.";
    InsufficientScope = "insufficient_scope", FORBIDDEN, "Not allowed for this role",
        "The endpoint is for another role than the caller's.";
    RegistrationClosed = "registration_closed", FORBIDDEN, "Registration is closed",
        "Accounts are made by an administrator here.";
    NotFound = "not_found", NOT_FOUND, "Not found",
        "There is nothing at this address, or nothing that the caller may see.";
    DomainAbsent = "domain_absent", NOT_FOUND, "Not served here",
        "The part of the system that this address belongs to is not served by this process.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "The address exists but does not know this method; the header Allow lists those it does.";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request took too long",
        "The body did not arrive in time.";
    Conflict = "conflict", CONFLICT, "Conflict",
        "The request contradicts the present state of the resource.";
    UsernameTaken = "username_taken", CONFLICT, "User name taken",
        "Another account has this user name.";
    EmailTaken = "email_taken", CONFLICT, "E-mail address taken",
        "Another account has this e-mail address.";
    LastAdmin = "last_admin", CONFLICT, "Last administrator",
        "The last active administrator can neither be deleted, demoted nor deactivated.";
    InvalidTransition = "invalid_transition", CONFLICT, "Transition not allowed",
        "The status cannot change this way; `allowed` lists the statuses that can follow.";
    NameTaken = "name_taken", CONFLICT, "Name taken",
        "The caller has another one of this name.";
    NotEmpty = "not_empty", CONFLICT, "Not empty",
        "It still holds something and cannot be deleted.";
    AlreadySent = "already_sent", CONFLICT, "Already sent",
        "The notification was sent and can no longer change.";
    IdempotencyInFlight = "idempotency_in_flight", CONFLICT, "Request still running",
        "A request with this Idempotency-Key is still running. Try again after Retry-After.";
    Stale = "stale", PRECONDITION_FAILED, "Changed in the meantime",
        "If-Match names another version than the present one, which `current_etag` gives.";
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "Body too large",
        "The body is larger than the server accepts.";
    UriTooLong = "uri_too_long", URI_TOO_LONG, "Address too long",
        "The address is longer than the server accepts.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Unsupported content type",
        "The body must be JSON with the matching Content-Type; `allowed` lists the types.";
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "Validation failed",
        "Fields of the body are invalid; `errors` names each.";
    UnknownField = "unknown_field", UNPROCESSABLE_ENTITY, "Unknown field",
        "The body holds a field that this endpoint does not know or does not let the caller write; `errors` names it.";
    UnknownUser = "unknown_user", UNPROCESSABLE_ENTITY, "Unknown user",
        "A user named in the body does not exist.";
    UnknownCategory = "unknown_category", UNPROCESSABLE_ENTITY, "Unknown category",
        "A category named in the body does not exist for this caller.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "Idempotency key used before",
        "The Idempotency-Key was used with another body. Use a new key for a new request.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests",
        "Wait as long as Retry-After says.";
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "Headers too large",
        "The request's headers are larger than the server accepts.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "The server failed. Quote `request_id` when you report it.";
    BadGateway = "bad_gateway", BAD_GATEWAY, "Bad answer from a service",
        "The service behind this address gave no usable answer.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Unavailable",
        "Nothing was done. Try again after Retry-After.";
    OutcomeUnknown = "outcome_unknown", SERVICE_UNAVAILABLE, "Outcome unknown",
        "The server cannot tell whether the request was carried out. Try again with the same Idempotency-Key.";
    Timeout = "timeout", GATEWAY_TIMEOUT, "No answer in time",
        "The service behind this address did not answer in time.";
}

impl ProblemCode {
    /// The code for an answer that says nothing but its status.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            409 => Self::Conflict,
            413 => Self::PayloadTooLarge,
            414 => Self::UriTooLong,
            415 => Self::UnsupportedMediaType,
            422 => Self::ValidationFailed,
            429 => Self::RateLimited,
            431 => Self::HeadersTooLarge,
            502 => Self::BadGateway,
            503 => Self::Unavailable,
            504 => Self::Timeout,
            400..=499 => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}
