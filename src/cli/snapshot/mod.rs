//! `kubectl wukong snapshot`

mod create;
mod delete;
mod list;
mod report;
mod restore;

pub(super) use create::first;

use super::Exit;
use super::terminal::Terminal;

/// Take snapshots of machines, list them, go back to one, delete them.
///
/// A snapshot holds the VirtualMachine and its disks at one moment. Whether it outlives the disks is up to the storage,
/// and is told for each disk: where it does not, it is no backup.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong snapshot create web --wait
  kubectl wukong snapshot list web
  kubectl wukong snapshot restore web before-upgrade --stop
  kubectl wukong snapshot delete web before-upgrade")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(create::Args),
    List(list::Args),
    Restore(restore::Args),
    Delete(delete::Args),
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    match &args.command {
        Command::Create(args) => create::run(args, terminal),
        Command::List(args) => list::run(args, terminal),
        Command::Restore(args) => restore::run(args, terminal),
        Command::Delete(args) => delete::run(args, terminal),
    }
}
