//! Messages that have come and are not worked on yet. Rule: no event passes another one of its aggregate; an aggregate whose
//! event the inbox could not take holds up nobody else.

use super::Message;
use super::item::Key;
use std::collections::{HashMap, VecDeque};

/// What waits.
#[derive(Default)]
pub(super) struct Waiting {
    /// What has come since the last batch.
    come: Vec<(Key, Message)>,
    /// Whether a batch is under way.
    busy: bool,
    /// Aggregates of which one event is tried by itself, and what is behind it.
    held: HashMap<Key, VecDeque<Message>>,
}

impl Waiting {
    /// One more.
    pub(super) fn push(&mut self, key: Key, message: Message) {
        self.come.push((key, message));
    }

    /// What can be worked on together now; nothing while a batch is under way.
    pub(super) fn batch(&mut self) -> Option<Vec<(Key, Message)>> {
        if self.busy || self.come.is_empty() {
            return None;
        }
        let mut batch = Vec::with_capacity(self.come.len());
        for (key, message) in self.come.drain(..) {
            match self.held.get_mut(&key) {
                Some(behind) => behind.push_back(message),
                None => batch.push((key, message)),
            }
        }
        self.busy = !batch.is_empty();
        self.busy.then_some(batch)
    }

    /// The batch is over, and the inbox could not take these: the first of each aggregate, to be tried by itself.
    pub(super) fn hold(&mut self, refused: Vec<(Key, Message)>) -> Vec<(Key, Message)> {
        self.busy = false;
        let mut first = Vec::new();
        for (key, message) in refused {
            match self.held.get_mut(&key) {
                Some(behind) => behind.push_back(message),
                None => {
                    self.held.insert(key.clone(), VecDeque::new());
                    first.push((key, message));
                }
            }
        }
        first
    }

    /// The one that was tried by itself is through: what is behind it. With nothing there, the aggregate is like any other.
    pub(super) fn behind(&mut self, key: &Key) -> Option<Message> {
        let next = self.held.get_mut(key)?.pop_front();
        if next.is_none() {
            self.held.remove(key);
        }
        next
    }
}
