//! `retry`, `skip`, `replay` and `restored`. Rule: the operator names the event; which domains that concerns is asked of the system,
//! so nobody has to know at night who consumes what.

use super::ask::{Failed, Server};
use super::{all, text};
use serde_json::{Value, json};

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Retry,
    Skip,
    Replay,
}

/// Does it at one domain, or at all that it concerns; what they answered, and the same for people.
pub(super) async fn act(
    server: &Server,
    action: Action,
    id: &str,
    domain: Option<&str>,
) -> Result<(Value, String), Failed> {
    let (domains, unanswered) = match domain {
        Some(domain) => (vec![domain.to_owned()], Value::Array(Vec::new())),
        None => {
            let event = server.get(&["events", id], &[]).await?;
            (action.concerned(&event), event.get("unanswered").cloned().unwrap_or_default())
        }
    };
    let mut answers = Vec::new();
    for domain in &domains {
        answers.push(server.post(&action.path(domain, id)).await?);
    }
    let lines: Vec<String> = answers.iter().map(line).collect();
    let shown = if lines.is_empty() { action.nothing().to_owned() } else { lines.join("\n") };
    Ok((json!({ "items": answers, "unanswered": unanswered }), shown))
}

/// Goes on with a database that was put back.
pub(super) async fn restored(server: &Server, domain: &str) -> Result<(Value, String), Failed> {
    let answer = server.post(&[domain, "outbox", "restored"]).await?;
    let epoch = answer.get("stream_epoch").and_then(Value::as_i64).unwrap_or_default();
    let shown = match answer.get("changed").and_then(Value::as_bool) {
        Some(true) => format!("{domain}: goes on with what its database holds, as stream epoch {epoch}"),
        _ => format!("{domain}: nothing to do, its database is not older than what others heard of it"),
    };
    Ok((answer, shown))
}

impl Action {
    fn path<'a>(self, domain: &'a str, id: &'a str) -> [&'a str; 4] {
        match self {
            Self::Retry => [domain, "dead-letters", id, "retry"],
            Self::Skip => [domain, "dead-letters", id, "skip"],
            Self::Replay => [domain, "events", id, "replay"],
        }
    }

    /// The consumers in whose state it changes something, and the publisher where it is published again.
    fn concerned(self, event: &Value) -> Vec<String> {
        let helped = |status: &str| status == "dead" || (status == "failing" && self != Self::Skip);
        let consumers = all(event, "consumers").iter().filter(|consumer| helped(text(consumer, "status")));
        let publisher = text(event, "source").rsplit('/').next().filter(|_| self == Self::Replay);
        publisher.into_iter().chain(consumers.map(|consumer| text(consumer, "consumer"))).map(str::to_owned).collect()
    }

    const fn nothing(self) -> &'static str {
        match self {
            Self::Retry => "nothing to retry: no consumer has it as dead or failing",
            Self::Skip => "nothing to skip: no consumer has it as dead",
            Self::Replay => "nothing to replay",
        }
    }
}

fn line(answer: &Value) -> String {
    let changed = answer.get("changed").and_then(Value::as_bool) == Some(true);
    let (domain, status) = (text(answer, "domain"), text(answer, "status"));
    if changed {
        format!("{domain}: {}, now {status}", text(answer, "action"))
    } else {
        format!("{domain}: nothing to do, it is {status}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_are_asked_whom_it_concerns() {
        let event = json!({
            "source": "/services/task",
            "consumers": [
                {"consumer": "a", "status": "dead"}, {"consumer": "b", "status": "done"},
                {"consumer": "c", "status": "failing"},
            ],
        });
        assert_eq!(Action::Retry.concerned(&event), ["a", "c"]);
        assert_eq!(Action::Skip.concerned(&event), ["a"]);
        assert_eq!(Action::Replay.concerned(&event), ["task", "a", "c"]);
    }
}
