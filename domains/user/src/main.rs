//! Serves the user domain alone.

fn main() -> std::process::ExitCode {
    runtime::run(vec![user::module()])
}
