//! What happens, for whoever looks. Rule: a line that is rewritten on a terminal; elsewhere one for each measurement, or none.

use std::io::{IsTerminal, Write, stdout};

/// Characters of the bar.
const WIDTH: usize = 24;

/// How it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A line that is rewritten.
    Bar,
    /// A line for each measurement.
    Lines,
    /// Nothing.
    Silent,
}

impl Style {
    /// The one of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "bar" => Some(Self::Bar),
            "lines" => Some(Self::Lines),
            "none" => Some(Self::Silent),
            _ => None,
        }
    }
}

impl Default for Style {
    fn default() -> Self {
        if stdout().is_terminal() { Self::Bar } else { Self::Lines }
    }
}

/// How far it is.
#[derive(Debug)]
pub struct Progress {
    style: Style,
    steps: usize,
    done: usize,
}

impl Progress {
    /// Of so many steps.
    #[must_use]
    pub const fn new(style: Style, steps: usize) -> Self {
        Self { style, steps, done: 0 }
    }

    /// Says what is being done now.
    pub fn now(&self, what: &str) {
        match self.style {
            Style::Bar => self.bar(what),
            Style::Lines => say(&format!("         {what}\n")),
            Style::Silent => {}
        }
    }

    /// Says what a step came to.
    pub fn step(&mut self, what: &str) {
        self.done += 1;
        match self.style {
            Style::Bar => self.bar(what),
            Style::Lines => say(&format!("[{:3}/{:3}] {what}\n", self.done, self.steps)),
            Style::Silent => {}
        }
    }

    /// Leaves the line to others.
    pub fn end(&self) {
        if self.style == Style::Bar {
            say("\r\x1b[K");
        }
    }

    fn bar(&self, what: &str) {
        let full = (WIDTH * self.done / self.steps.max(1)).min(WIDTH);
        let bar = format!("{}{}", "#".repeat(full), ".".repeat(WIDTH - full));
        say(&format!("\r\x1b[K[{bar}] {:3} %  {what}", 100 * self.done / self.steps.max(1)));
    }
}

/// Nobody may be reading any more.
fn say(text: &str) {
    let mut out = stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
