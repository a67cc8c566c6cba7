//! The `kubectl-wukong` binary.

fn main() -> std::process::ExitCode {
    wukong::cli::main()
}
