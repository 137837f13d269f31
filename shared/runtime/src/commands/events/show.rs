//! What is printed for people. Rule: a line for each event, the id at its end; nothing that came from a client or a
//! database can move the cursor or begin a line.

use super::{all, text};
use serde_json::Value;
use std::fmt::Write;

/// Characters of an error that fit into a line.
const LONGEST: usize = 100;

/// A list of events.
pub(super) fn events(list: &Value) -> String {
    let line = |event: &Value| {
        let cells = [text(event, "time"), text(event, "type"), text(event, "subject")].map(plain);
        let [time, kind, subject] = cells;
        vec![time, kind, subject, plain(text(event, "id")), states(event)]
    };
    table(&["TIME", "TYPE", "SUBJECT", "ID", "STATE"], all(list, "items").iter().map(line).collect(), list)
}

/// A list of dead letters.
pub(super) fn dead_letters(list: &Value) -> String {
    let lines = all(list, "items").iter().flat_map(|event| {
        all(event, "consumers").iter().map(move |consumer| {
            vec![
                plain(text(consumer, "received_at")),
                plain(text(consumer, "consumer")),
                plain(text(event, "type")),
                plain(text(event, "subject")),
                plain(text(event, "id")),
                plain(text(consumer, "last_error")).chars().take(LONGEST).collect(),
            ]
        })
    });
    table(&["RECEIVED", "CONSUMER", "TYPE", "SUBJECT", "ID", "LAST ERROR"], lines.collect(), list)
}

/// One event.
pub(super) fn event(event: &Value) -> String {
    let mut shown = String::new();
    for name in ["id", "type", "subject", "sequence", "time", "source", "correlationid", "causationid", "authid"] {
        line(&mut shown, name, &plain(text(event, name)));
    }
    if let Some(publication) = event.get("publication").filter(|publication| publication.is_object()) {
        line(&mut shown, "publisher", &state(publication));
    }
    for consumer in all(event, "consumers") {
        line(&mut shown, &plain(text(consumer, "consumer")), &state(consumer));
    }
    line(&mut shown, "damaged", &plain(text(event, "damaged")));
    if let Some(data) = event.get("data") {
        line(&mut shown, "data", &plain(&data.to_string()));
    }
    shown.push_str("\nwhat its request caused\n");
    let causation = event.get("causation").unwrap_or(&Value::Null);
    branches(&mut shown, all(causation, "events"), text(event, "id"), 1);
    if causation.get("truncated") == Some(&Value::Bool(true)) {
        shown.push_str("  … and more: list --correlation-id shows all\n");
    }
    shown.trim_end().to_owned()
}

/// Which domains gave no answer, if any.
pub(super) fn unanswered(answer: &Value) -> Option<String> {
    let silent = all(answer, "unanswered").iter();
    let names: Vec<String> =
        silent.map(|one| plain(&format!("{} ({})", text(one, "domain"), text(one, "code")))).collect();
    (!names.is_empty()).then(|| format!("no answer from {}: this is not all", names.join(", ")))
}

/// Without what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    let seen = |c: char| {
        if c.is_control() || matches!(c, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}') { '·' } else { c }
    };
    text.chars().map(seen).collect()
}

/// Writing into a `String` cannot fail.
fn line(shown: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(shown, "{name:<14} {value}");
    }
}

fn branches(shown: &mut String, events: &[Value], this: &str, depth: usize) {
    for event in events {
        let mark = if text(event, "id") == this { "  <- this" } else { "" };
        let [kind, subject, id] = ["type", "subject", "id"].map(|member| plain(text(event, member)));
        let indent = "  ".repeat(depth);
        let _ = writeln!(shown, "{indent}{kind}  {subject}  {id}  {}{mark}", states(event));
        branches(shown, all(event, "caused"), this, depth + 1);
    }
}

/// `published, notification: dead (12)`.
fn states(event: &Value) -> String {
    let publication = event.get("publication").map(brief).filter(|text| !text.is_empty());
    let consumers = all(event, "consumers").iter();
    let consumers = consumers.map(|consumer| format!("{}: {}", plain(text(consumer, "consumer")), brief(consumer)));
    publication.into_iter().chain(consumers).collect::<Vec<_>>().join(", ")
}

fn brief(side: &Value) -> String {
    let status = plain(text(side, "status"));
    match side.get("attempts").and_then(Value::as_i64).filter(|attempts| *attempts > 0) {
        Some(attempts) => format!("{status} ({attempts})"),
        None => status,
    }
}

fn state(side: &Value) -> String {
    let mut shown = brief(side);
    for (member, word) in
        [("published_at", "at"), ("done_at", "at"), ("next_attempt_at", "next attempt"), ("last_error", "last error:")]
    {
        let value = plain(text(side, member));
        if !value.is_empty() {
            let _ = write!(shown, ", {word} {value}");
        }
    }
    shown
}

fn table(heads: &[&str], rows: Vec<Vec<String>>, list: &Value) -> String {
    if rows.is_empty() {
        return "none".to_owned();
    }
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&heads).chain(&rows).collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..heads.len()).map(|column| width(column).unwrap_or_default()).collect();
    let padded = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<String> = all.into_iter().map(padded).collect();
    let next = text(list, "next_cursor");
    if !next.is_empty() {
        lines.push(format!("more: --cursor {}", plain(next)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn poison() -> Value {
        json!({
            "id": "7", "type": "task.completed.v1", "subject": "task/1", "time": "2026-01-01T00:00:00Z",
            "publication": {"status": "published", "attempts": 0},
            "consumers": [{"consumer": "notification", "status": "dead", "attempts": 12,
                "received_at": "2026-01-01T00:00:01Z", "last_error": "no\n\u{1b}[2Jway"}],
        })
    }

    #[test]
    fn a_list_is_a_table_whose_lines_nobody_else_can_begin() {
        let list = json!({"items": [poison()], "next_cursor": "abc"});
        let lines: Vec<String> = events(&list).lines().map(str::to_owned).collect();
        assert!(lines[1].ends_with("7   published, notification: dead (12)"), "{lines:?}");
        assert_eq!(lines[2], "more: --cursor abc");
        let dead = dead_letters(&list);
        assert_eq!(dead.lines().count(), 3, "{dead}");
        assert!(dead.contains("no··[2Jway"), "{dead}");
        assert_eq!(events(&json!({"items": []})), "none");
    }

    #[test]
    fn one_event_is_marked_in_the_tree_of_its_request() {
        let mut event = poison();
        let cause = json!({"id": "1", "type": "task.created.v1", "subject": "task/1", "caused": [poison()]});
        event["causation"] = json!({"events": [cause], "truncated": false});
        let shown = super::event(&event);
        assert!(shown.contains("notification   dead (12), last error: no··[2Jway"), "{shown}");
        assert!(shown.contains("\n  task.created.v1"), "{shown}");
        assert!(
            shown.contains("\n    task.completed.v1  task/1  7  published, notification: dead (12)  <- this"),
            "{shown}"
        );
    }

    #[test]
    fn who_gave_no_answer_is_named() {
        let answer = json!({"unanswered": [{"domain": "task", "code": "unavailable"}]});
        assert_eq!(unanswered(&answer).unwrap(), "no answer from task (unavailable): this is not all");
        assert_eq!(unanswered(&json!({"unanswered": []})), None);
    }
}
