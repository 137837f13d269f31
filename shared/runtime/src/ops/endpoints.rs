//! What `/docs` says of these routes. Rule: whoever reads it at night finds here what each state means.

/// In the order in which somebody needs them who was woken up.
pub(crate) const ENDPOINTS: &[crate::Endpoint] = &[
    (
        "GET",
        "/api/v1/ops/dead-letters",
        "events that a consumer has given up, of all domains, newest first; ?type, subject. They and all routes below \
         are for administrators; `unanswered` names the domains that gave no answer",
    ),
    (
        "GET",
        "/api/v1/ops/events",
        "events and how far they are, newest first; ?type, subject, correlation_id, causation_id, status, since, until. \
         status is of the publisher (pending, failing, published) or of a consumer (parked, failing, done, dead, \
         skipped); with it, only the sides that match are shown",
    ),
    (
        "GET",
        "/api/v1/ops/events/{id}",
        "one event: envelope, payload, how far it is everywhere, and the tree of what its request caused",
    ),
    (
        "POST",
        "/api/v1/ops/{domain}/dead-letters/{id}/retry",
        "hands a dead event to its consumer again, those behind it follow in order; a failing one is tried now",
    ),
    (
        "POST",
        "/api/v1/ops/{domain}/dead-letters/{id}/skip",
        "passes a dead event: those behind it go on without its effect",
    ),
    (
        "POST",
        "/api/v1/ops/{domain}/events/{id}/replay",
        "at its publisher, offers an event to the bus again: who lost it takes it, who has it drops it; at a consumer, \
         retries it if it is dead",
    ),
    (
        "GET",
        "/api/v1/ops/subscriptions",
        "each consumer and stream: parked, failing, dead, when the last was handled, and the lag behind the publisher \
         (null where one of both gave no answer)",
    ),
    (
        "GET",
        "/api/v1/ops/outbox",
        "what each publisher has not got rid of, oldest first, and why; ?status=pending,failing",
    ),
    (
        "POST",
        "/api/v1/ops/{domain}/outbox/{id}/skip",
        "blanks the payload of an event that the bus refuses, so that those behind it can go",
    ),
    (
        "POST",
        "/api/v1/ops/{domain}/outbox/restored",
        "goes on with a database that was put back from a backup and refuses to emit: consumers take over how everything \
         is in it; without effect where nothing is refused for that reason",
    ),
    ("GET", "/api/v1/ops/modules", "the domains: where they are served, what they publish and hear, how they are"),
    (
        "GET",
        "/api/v1/ops/{domain}/events, …/events/{id}, …/dead-letters, …/subscriptions, …/outbox",
        "the same, as that domain alone knows it",
    ),
    ("GET", "/api/v1/ops/{domain}/undecodable", "messages to that domain that were no events, newest first"),
    (
        "GET",
        "/api/v1/ops/{domain}/audit",
        "what administrators did to its events, and what it had to go on without, newest first",
    ),
];
