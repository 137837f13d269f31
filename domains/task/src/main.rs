//! Serves the task domain alone.

fn main() -> std::process::ExitCode {
    runtime::run(vec![task::module()])
}
