//! The walk in the README as a program. Rule: the README's own lines are run, and what they print is compared after
//! ids, times and tokens were made alike.

use std::collections::BTreeSet;

/// A command and what the README says that it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What follows `$ `.
    pub command: String,
    /// The lines below it.
    pub output: String,
    /// The first line of the output in the README, from 0.
    pub line: usize,
}

/// The steps of all `console` blocks below a heading.
#[must_use]
pub fn steps(readme: &str, heading: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut here, mut console) = (false, false);
    for (number, line) in readme.lines().enumerate() {
        if line.starts_with("## ") {
            here = line == heading;
        } else if line.starts_with("```") {
            console = here && line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| console) {
            steps.push(Step { command: command.to_owned(), output: String::new(), line: number + 1 });
        } else if let Some(step) = steps.last_mut().filter(|_| console) {
            step.output.push_str(line);
            step.output.push('\n');
        }
    }
    steps
}

/// The README with other outputs.
#[must_use]
pub fn rewritten(readme: &str, steps: &[Step], outputs: &[String]) -> String {
    let mut lines: Vec<&str> = readme.lines().collect();
    for (step, output) in steps.iter().zip(outputs).rev() {
        lines.splice(step.line..step.line + step.output.lines().count(), output.lines());
    }
    lines.join("\n") + "\n"
}

/// The variables of the program that a text names.
#[must_use]
pub fn variables(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    words.filter(|word| word.starts_with("CLEAVE_") && !word.ends_with('_')).collect()
}

/// The text with every id, time and token made alike.
#[must_use]
pub fn alike(text: &str) -> String {
    text.split('"').map(part_alike).collect::<Vec<_>>().join("\"")
}

fn part_alike(part: &str) -> String {
    let is_token = part.starts_with("rt_") || (part.len() > 100 && !part.contains(' '));
    if is_token {
        return "<token>".to_owned();
    }
    if chrono::DateTime::parse_from_rfc3339(part).is_ok() {
        return "<time>".to_owned();
    }
    let segment = |segment: &str| match uuid::Uuid::parse_str(segment) {
        Ok(_) => "<id>".to_owned(),
        Err(_) => segment.to_owned(),
    };
    part.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# A\n## Walk\ntext\n```console\n$ one\nout\n$ two\n```\n## Other\n```console\n$ three\n```\n";

    #[test]
    fn the_steps_of_one_section_are_found_and_rewritten() {
        let steps = steps(README, "## Walk");
        assert_eq!(steps.iter().map(|step| step.command.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(steps[0].output, "out\n");
        let again = rewritten(README, &steps, &["new\nlines\n".to_owned(), "more\n".to_owned()]);
        assert!(again.contains("$ one\nnew\nlines\n$ two\nmore\n```"), "{again}");
    }

    #[test]
    fn a_variable_is_a_whole_word() {
        let text = "`CLEAVE_PORT`, CLEAVE_LOG=info; CLEAVE_… and CLEAVE_<NAME>_SECRET are none";
        assert_eq!(variables(text), BTreeSet::from(["CLEAVE_PORT", "CLEAVE_LOG"]));
    }

    #[test]
    fn only_ids_times_and_tokens_are_made_alike() {
        let text = r#"{"id":"019b76da-a800-7001-8000-000000000001","at":"2026-01-01T09:00:00.000001Z","v":1,"to":"/t/019b76da-a800-7001-8000-000000000001/x","name":"anna"}"#;
        assert_eq!(alike(text), r#"{"id":"<id>","at":"<time>","v":1,"to":"/t/<id>/x","name":"anna"}"#);
    }
}
