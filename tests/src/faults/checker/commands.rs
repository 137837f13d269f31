//! What a client was told against what is stored.

use super::history::{Asked, History, Seen, plain};
use super::{Harm, Violation};
use crate::faults::facts::{Facts, Task};
use crate::faults::ledger::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// I1: the change of every acknowledged command is there; and no task is that nobody asked for.
pub(super) fn i1_acknowledged_changes_are_there(history: &History, facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    let tasks = history.tasks();
    for (id, asked) in &tasks {
        let Some(should) = expected(asked) else { continue };
        let is = facts.tasks.get(*id);
        let last = asked.last().map(|asked| asked.command.key.as_str()).unwrap_or_default();
        match (should, is) {
            (None, None) => {}
            (None, Some(_)) => found.push(lost(format!("task {id} is there although {last} deleted it"))),
            (Some(should), None) => found.push(lost(format!("task {id} is gone; {last} left it as {should:?}"))),
            (Some(should), Some(is)) => {
                if should != *is {
                    found.push(lost(format!("task {id} is {is:?}; {last} left it as {should:?}")));
                }
            }
        }
    }
    for (id, task) in facts.tasks.iter().filter(|(id, _)| !tasks.contains_key(id.as_str())) {
        if !history.may_have_made(&task.title) {
            found.push(Violation::new("I1", Harm::Phantom, format!("nobody made task {id}: {task:?}")));
        }
    }
    found
}

fn lost(what: String) -> Violation {
    Violation::new("I1", Harm::Lost, what)
}

/// How the acknowledged commands leave a task, `Some(None)` for deleted; `None` where one of them is not known.
fn expected(asked: &[&Asked]) -> Option<Option<Task>> {
    let mut task: Option<Task> = None;
    for asked in asked {
        let command = &asked.command;
        let version = asked.ok.first()?.version;
        if command.kind == Kind::Delete {
            task = None;
            continue;
        }
        let task = task.get_or_insert_with(|| Task {
            title: String::new(),
            status: "todo".to_owned(),
            assignee: None,
            version: 0,
            event_seq: 0,
        });
        match command.kind {
            Kind::Create | Kind::Rename => task.title = command.title.clone().unwrap_or_default(),
            Kind::Complete => "done".clone_into(&mut task.status),
            Kind::Reopen => "todo".clone_into(&mut task.status),
            Kind::Assign | Kind::Delete | Kind::Wrong => {}
        }
        if matches!(command.kind, Kind::Create | Kind::Assign) {
            task.assignee = command.assignee.as_deref().map(plain);
        }
        task.version = version.unwrap_or_default();
        task.event_seq += i64::try_from(asked.events().len()).unwrap_or_default();
    }
    Some(task)
}

/// I2: what was refused is nowhere; what stayed unknown is there as a whole or not at all, which I4 sees.
pub(super) fn i2_refused_commands_left_no_trace(history: &History, facts: &Facts) -> Vec<Violation> {
    let mut titles: BTreeSet<&str> = facts.tasks.values().map(|task| task.title.as_str()).collect();
    titles.extend(facts.outbox("task").iter().filter_map(|event| event.data["title"].as_str()));
    let records: BTreeSet<&str> = facts.records.iter().map(|(_, _, key)| key.as_str()).collect();
    let mut found = Vec::new();
    for asked in history.commands.values() {
        let command = &asked.command;
        if command.kind == Kind::Wrong && asked.is_ok() {
            found.push(Violation::new("I2", Harm::Phantom, format!("{} should have been refused", command.key)));
        }
        let Some(status) = asked.failed else { continue };
        if command.title.as_deref().is_some_and(|title| titles.contains(title)) {
            let what = format!("{} was refused with {status}, and its title is stored", command.key);
            found.push(Violation::new("I2", Harm::Phantom, what));
        }
        if records.contains(command.key.as_str()) {
            let what = format!("{} was refused with {status}, and its key is kept", command.key);
            found.push(Violation::new("I2", Harm::Phantom, what));
        }
    }
    found
}

/// I3: one key has at most one effect and one answer. Each command gives a task its next version, so one that was carried out
/// twice leaves a gap before the next.
pub(super) fn i3_one_key_has_one_effect_and_one_answer(history: &History, facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut object = |harm, what| found.push(Violation::new("I3", harm, what));
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    for event in facts.outbox("task").iter().filter(|event| event.event_type == "task.created.v1") {
        *made.entry(event.data["title"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, _, key) in &facts.records {
        *kept.entry(key).or_default() += 1;
    }
    for asked in history.commands.values() {
        let key = asked.command.key.as_str();
        let answers: BTreeSet<(u16, u64)> = asked.ok.iter().map(|ok| (ok.status, ok.answer)).collect();
        if answers.len() > 1 {
            object(Harm::Duplicated, format!("{key} was answered differently: {:?}", asked.ok));
        }
        let times = asked.command.title.as_deref().and_then(|title| made.get(title)).copied().unwrap_or_default();
        if asked.command.kind == Kind::Create && times > 1 {
            object(Harm::Duplicated, format!("{key} made {times} tasks"));
        }
        let records = kept.get(key).copied().unwrap_or_default();
        let keyed = asked.command.kind != Kind::Delete;
        if records > 1 || (keyed && asked.is_ok() && records == 0) {
            object(Harm::Unsound, format!("{key} has {records} idempotency records"));
        }
    }
    for (id, asked) in history.tasks() {
        let mut before = 0;
        for asked in asked {
            let Some(version) = asked.ok.first().and_then(|ok| ok.version) else { break };
            if version != before + 1 {
                let key = &asked.command.key;
                object(Harm::Duplicated, format!("task {id} went from version {before} to {version} by {key}"));
            }
            before = version;
        }
    }
    found
}

/// I13: who was told of a version is never shown an older one; each task is asked by one client at a time.
pub(super) fn i13_versions_never_decrease(history: &History) -> Vec<Violation> {
    let older = history.seen.iter().filter(|seen| seen.version.unwrap_or_default() < seen.known);
    older
        .map(|seen| {
            let Seen { op, task, version, known } = seen;
            let what = format!("after command {op} task {task} was shown at version {version:?}, known was {known}");
            Violation::new("I13", Harm::Lost, what)
        })
        .collect()
}
