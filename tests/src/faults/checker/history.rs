//! The ledger, put together by command and by task.

use crate::faults::ledger::{Command, Kind, Line};
use std::collections::BTreeMap;

/// An answer that was a success.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) version: Option<i64>,
    pub(super) answer: u64,
}

/// A command with what came of it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) command: Command,
    /// The task that it was about or that it made, 32 hex digits.
    pub(super) task: Option<String>,
    pub(super) ok: Vec<Answered>,
    pub(super) failed: Option<u16>,
    pub(super) unknown: usize,
}

impl Asked {
    pub(super) fn is_ok(&self) -> bool {
        !self.ok.is_empty()
    }

    pub(super) fn is_known(&self) -> bool {
        self.is_ok() || self.failed.is_some()
    }

    /// The types of the events that it makes.
    pub(super) fn events(&self) -> Vec<&'static str> {
        match self.command.kind {
            Kind::Create if self.command.assignee.is_some() => vec!["task.created.v1", "task.assigned.v1"],
            Kind::Create => vec!["task.created.v1"],
            Kind::Rename => vec!["task.updated.v1"],
            Kind::Assign => vec!["task.updated.v1", "task.assigned.v1"],
            Kind::Complete => vec!["task.completed.v1"],
            Kind::Reopen => vec!["task.reopened.v1"],
            Kind::Delete => vec!["task.deleted.v1"],
            Kind::Wrong => Vec::new(),
        }
    }
}

/// A task as a client saw it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) op: u64,
    pub(super) task: String,
    pub(super) version: Option<i64>,
    /// The version that the client knew before.
    pub(super) known: i64,
}

/// Everything that was asked.
#[derive(Debug, Default)]
pub(super) struct History {
    /// By number.
    pub(super) commands: BTreeMap<u64, Asked>,
    /// Every version that an answer showed, in the order of the answers.
    pub(super) seen: Vec<Seen>,
}

impl History {
    pub(super) fn of(lines: &[Line]) -> Self {
        let mut commands: BTreeMap<u64, Asked> = BTreeMap::new();
        let (mut seen, mut known) = (Vec::new(), BTreeMap::<String, i64>::new());
        let mut see = |op: u64, task: &str, version: Option<i64>| {
            let (task, latest) = (plain(task), version.unwrap_or_default());
            let known = known.entry(task.clone()).or_default();
            seen.push(Seen { op, task, version, known: *known });
            *known = latest.max(*known);
        };
        for line in lines {
            match line {
                Line::Invoke(command) => {
                    let task = command.task.as_deref().map(plain);
                    let asked = Asked { command: command.clone(), task, ok: Vec::new(), failed: None, unknown: 0 };
                    commands.insert(command.op, asked);
                }
                Line::Ok { op, status, task, version, answer } => {
                    let asked = commands.get_mut(op).expect("asked before it was answered");
                    if asked.task.is_none() {
                        asked.task = task.as_deref().map(plain);
                    }
                    if let (Some(task), Some(version)) = (task, version) {
                        see(*op, task, Some(*version));
                    }
                    asked.ok.push(Answered { status: *status, version: *version, answer: *answer });
                }
                Line::Fail { op, status } => {
                    commands.get_mut(op).expect("asked before it was refused").failed = Some(*status);
                }
                Line::Read { op, task, version } => see(*op, task, *version),
                Line::Unknown { op, .. } => commands.get_mut(op).expect("asked before it was unknown").unknown += 1,
            }
        }
        Self { commands, seen }
    }

    /// What was asked of each task and not refused, in order.
    pub(super) fn tasks(&self) -> BTreeMap<&str, Vec<&Asked>> {
        let mut tasks: BTreeMap<&str, Vec<&Asked>> = BTreeMap::new();
        for asked in self.commands.values().filter(|asked| asked.failed.is_none()) {
            if let Some(task) = &asked.task {
                tasks.entry(task).or_default().push(asked);
            }
        }
        tasks
    }

    /// Whether some task may be there of which no answer told.
    pub(super) fn may_have_made(&self, title: &str) -> bool {
        let creates = self.commands.values().filter(|asked| asked.command.kind == Kind::Create && !asked.is_known());
        creates.into_iter().any(|asked| asked.command.title.as_deref() == Some(title))
    }
}

/// An id without its hyphens.
pub(super) fn plain(id: &str) -> String {
    id.replace('-', "")
}
