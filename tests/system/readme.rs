//! The README's walk prints what the README shows, in every topology; and its table has every setting there is.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use testkit::{System, Topology};
use tests::walk::{alike, rewritten, steps, variables};
use tests::{snapshot, tree};

testkit::in_every_topology!(the_walk_prints_what_the_readme_shows);

const DONE: &str = "-- done --";

/// A shell that is told one command after the other.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Shell {
    fn start() -> Self {
        let mut child = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// What the command prints.
    fn run(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}\necho '{DONE}'").unwrap();
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the shell ended at: {command}");
            if line.trim_end() == DONE {
                return printed;
            }
            printed.push_str(&line);
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn the_walk_prints_what_the_readme_shows(topology: Topology) {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        testkit::not_run("curl is not installed");
        return;
    }
    let path = tree::root().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let steps = steps(&readme, "## Five minutes");
    assert!(steps.len() > 8, "the walk was read: {}", steps.len());
    let system = System::start(app::serve, topology).await;
    let address = format!("http://{}", system.address());
    let mut shell = Shell::start();
    let mut outputs = Vec::new();
    for step in &steps {
        outputs.push(shell.run(&step.command.replace("http://127.0.0.1:8000", &address)));
        system.settle().await;
    }
    if snapshot::updating() && topology == Topology::EMBEDDED {
        std::fs::write(&path, rewritten(&readme, &steps, &outputs)).unwrap();
        return;
    }
    for (step, output) in steps.iter().zip(&outputs) {
        assert_eq!(alike(output), alike(&step.output), "$ {}", step.command);
    }
}

#[test]
fn the_readme_names_every_setting_and_no_other() {
    let file = |name: &str| std::fs::read_to_string(tree::root().join(name)).unwrap();
    let (readme, example) = (file("README.md"), file(".env.example"));
    // Of the test-suite.
    let named: BTreeSet<_> = variables(&readme).into_iter().filter(|name| *name != "CLEAVE_UPDATE_SNAPSHOTS").collect();
    assert_eq!(named, variables(&example));
}
