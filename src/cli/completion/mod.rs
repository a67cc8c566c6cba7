//! `kubectl wukong completion`

mod install;

use std::io::{self, Write as _};

use super::Exit;
use super::terminal::Terminal;

/// Print what completes commands in a shell, or install it for `kubectl wukong`.
///
/// kubectl's own completion asks plugins through a program of its own: `install` writes it. The scripts are for
/// `kubectl-wukong`. Both offer commands, flags and fields, and from the cluster names of machines, disks, nodes and
/// classes; a cluster that does not answer within two seconds offers none.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong completion install
  source <(kubectl wukong completion bash)
  kubectl wukong completion zsh > \"${fpath[1]}/_kubectl-wukong\"
  kubectl wukong completion fish > ~/.config/fish/completions/kubectl-wukong.fish
  kubectl wukong completion powershell >> $PROFILE")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum Command {
    /// Write kubectl_complete-wukong beside kubectl-wukong, where kubectl finds it.
    Install,
    /// Print the script for bash.
    Bash,
    /// Print the script for zsh.
    Zsh,
    /// Print the script for fish.
    Fish,
    /// Print the script for PowerShell.
    Powershell,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let script = match args.command {
        Command::Install => return install::run(terminal),
        Command::Bash => include_str!("script.bash"),
        Command::Zsh => include_str!("script.zsh"),
        Command::Fish => include_str!("script.fish"),
        Command::Powershell => include_str!("script.ps1"),
    };
    io::stdout().write_all(script.as_bytes())?;
    Ok(Exit::Done)
}
