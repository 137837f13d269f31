//! What a client of PostgreSQL and its server say to one another, as far as it tells which answer is the one of a commit.
//! Rule: it reads along and changes nothing; a statement that writes outside a transaction is a commit like any other.

use std::collections::{HashSet, VecDeque};

/// What a question that the server answers does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Nothing, or nothing by itself.
    Other,
    /// It changes rows; outside a transaction that is a commit.
    Writes,
    /// It is the commit of a transaction.
    Commits,
}

/// A connection that is read along, from its first byte. Nothing of it may be encrypted.
#[derive(Debug)]
pub(super) struct Talk {
    asked: Vec<u8>,
    answered: Vec<u8>,
    /// The first message of a client has no type.
    has_begun: bool,
    /// Names of prepared statements that change rows.
    writes: HashSet<Vec<u8>>,
    /// What is asked until the next end of a question.
    question: Question,
    /// What is not answered yet, in order; the first is the greeting.
    open: VecDeque<Question>,
    in_transaction: bool,
}

impl Talk {
    pub(super) fn new() -> Self {
        Self {
            asked: Vec::new(),
            answered: Vec::new(),
            has_begun: false,
            writes: HashSet::new(),
            question: Question::Other,
            open: VecDeque::from([Question::Other]),
            in_transaction: false,
        }
    }

    /// Takes what the client says.
    pub(super) fn ask(&mut self, bytes: &[u8]) {
        self.asked.extend_from_slice(bytes);
        if !self.has_begun {
            let Some(length) = length_at(&self.asked, 0).filter(|length| self.asked.len() >= *length) else { return };
            self.asked.drain(..length);
            self.has_begun = true;
        }
        while let Some(message) = take(&mut self.asked) {
            self.read_question(message[0], &message[5..]);
        }
    }

    fn read_question(&mut self, kind: u8, body: &[u8]) {
        let mut parts = body.split(|byte| *byte == 0);
        match kind {
            b'P' => {
                let (name, text) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                if is_write(text) {
                    self.writes.insert(name.to_owned());
                } else {
                    self.writes.remove(name);
                }
            }
            // The portal, then the statement.
            b'B' if parts.nth(1).is_some_and(|name| self.writes.contains(name)) => self.question = Question::Writes,
            b'Q' => {
                let text = parts.next().unwrap_or_default();
                let commits = if is_write(text) { Question::Writes } else { Question::Other };
                self.open.push_back(if text.starts_with(b"COMMIT") { Question::Commits } else { commits });
            }
            b'S' => self.open.push_back(std::mem::replace(&mut self.question, Question::Other)),
            _ => {}
        }
    }

    /// Takes what the server says; where in it the first answer to a commit stands.
    pub(super) fn answer(&mut self, bytes: &[u8]) -> Option<usize> {
        let before = self.answered.len();
        self.answered.extend_from_slice(bytes);
        let (mut passed, mut commit) = (0, None);
        while let Some(message) = take(&mut self.answered) {
            if self.is_of_a_commit(&message) {
                // What of it came before is of no use without the rest.
                commit = commit.or_else(|| Some(passed.max(before) - before));
            }
            passed += message.len();
        }
        commit
    }

    fn is_of_a_commit(&mut self, message: &[u8]) -> bool {
        let (kind, body) = (message[0], &message[5..]);
        match kind {
            b'C' => match self.open.front() {
                // A transaction that failed is answered with ROLLBACK.
                Some(Question::Commits) => body.starts_with(b"COMMIT"),
                Some(Question::Writes) => !self.in_transaction,
                _ => false,
            },
            b'Z' => {
                self.in_transaction = body.first() != Some(&b'I');
                self.open.pop_front();
                false
            }
            _ => false,
        }
    }
}

fn is_write(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    ["INSERT INTO ", "DELETE FROM ", " SET "].iter().any(|verb| text.contains(verb))
}

/// The length that stands there.
fn length_at(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..at + 4)?;
    usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()
}

/// Takes the first message that is complete: a type, a length that counts itself, and the rest.
fn take(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = length_at(bytes, 1)? + 1;
    (bytes.len() >= length).then(|| bytes.drain(..length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], length.as_slice(), body].concat()
    }

    /// A connection that has been greeted and has prepared a statement that reads and one that writes.
    fn greeted() -> Talk {
        let mut talk = Talk::new();
        talk.ask(&[0, 0, 0, 9, 0, 3, 0, 0, 0]);
        assert_eq!(talk.answer(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat()), None);
        for (name, text) in [("r", "SELECT 1 FROM t FOR UPDATE"), ("w", "WITH c AS (UPDATE t SET n = 1) SELECT 1")] {
            talk.ask(&message(b'P', format!("{name}\0{text}\0\0\0").as_bytes()));
            talk.ask(&message(b'S', b""));
            assert_eq!(talk.answer(&[message(b'1', b""), message(b'Z', b"I")].concat()), None);
        }
        talk
    }

    fn run(talk: &mut Talk, name: &str) {
        talk.ask(&message(b'B', format!("\0{name}\0\0\0\0\0\0\0").as_bytes()));
        talk.ask(&message(b'E', b"\0\0\0\0\0"));
        talk.ask(&message(b'S', b""));
    }

    #[test]
    fn the_answer_of_a_commit_is_known_wherever_it_is_cut() {
        let begun = [message(b'C', b"BEGIN\0"), message(b'Z', b"T")].concat();
        let changed = [message(b'2', b""), message(b'C', b"SELECT 1\0"), message(b'Z', b"T")].concat();
        let committed = [message(b'C', b"COMMIT\0"), message(b'Z', b"I")].concat();
        let all = [begun.as_slice(), &changed, &committed].concat();
        let at = begun.len() + changed.len();
        for cut in 0..all.len() {
            let mut talk = greeted();
            talk.ask(&message(b'Q', b"BEGIN\0"));
            run(&mut talk, "w");
            talk.ask(&message(b'Q', b"COMMIT\0"));
            let found = match talk.answer(&all[..cut]) {
                Some(found) => Some(found),
                None => talk.answer(&all[cut..]).map(|found| found + cut),
            };
            let end = at + message(b'C', b"COMMIT\0").len();
            let held = found.unwrap();
            assert!(held == at || (cut > at && cut < end && held == cut), "cut at {cut}: {held}, not {at}");
        }
    }

    #[test]
    fn a_write_by_itself_is_a_commit_and_a_look_and_a_failure_are_none() {
        let mut talk = greeted();
        let answer = [message(b'2', b""), message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat();
        run(&mut talk, "r");
        assert_eq!(talk.answer(&answer), None);
        run(&mut talk, "w");
        assert_eq!(talk.answer(&answer), Some(5));
        talk.ask(&message(b'Q', b"COMMIT\0"));
        assert_eq!(talk.answer(&[message(b'C', b"ROLLBACK\0"), message(b'Z', b"I")].concat()), None);
    }
}
