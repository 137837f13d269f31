//! Serves the notification domain alone.

fn main() -> std::process::ExitCode {
    runtime::run(vec![notification::module()])
}
