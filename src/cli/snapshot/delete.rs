//! `kubectl wukong snapshot delete`

use crate::cli::Exit;
use crate::cli::access::AccessArgs;
use crate::cli::confirm::confirmed;
use crate::cli::look::now;
use crate::cli::session::{Session, refuse, tell};
use crate::cli::target::OneArgs;
use crate::cli::terminal::Terminal;
use crate::cluster::{Delete, Purpose, Resource};
use crate::facts::kind;
use crate::snapshot::{View, going, view};
use crate::status::Subject;

/// Delete a snapshot.
///
/// What was taken goes with it, unless the snapshot says that it is kept. The machine and its disks are not touched, and
/// disks that came out of the snapshot stay as well.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong snapshot delete web before-upgrade")]
pub(super) struct Args {
    #[command(flatten)]
    target: OneArgs,

    /// The name of the snapshot.
    #[arg(value_name = "SNAPSHOT")]
    snapshot: String,

    /// Do not ask.
    #[arg(short = 'y', long)]
    yes: bool,

    /// Say what would be done.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    access: AccessArgs,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let (target, seen, goes) = match look(args, &session, terminal) {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    for line in &goes {
        terminal.say(&format!("{line}\n"));
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let question = format!("delete the snapshot {} of {}?", seen.name, seen.shown);
    if !confirmed(&[question], args.yes, terminal) {
        return Ok(Exit::Refused);
    }
    // A machine may have begun to go back to it while the question stood there.
    if let Err(exit) = look(args, &session, terminal) {
        return Ok(exit);
    }
    let delete = Delete { uid: seen.uid.as_deref(), ..Delete::default() };
    let deleted = session.door.delete(Resource::Snapshot, Some(&target.namespace), &seen.name, &delete);
    match session.runtime.block_on(deleted) {
        Ok(_) => {
            terminal.say(&format!("deleted the snapshot {} of {}\n", seen.name, seen.shown));
            Ok(Exit::Done)
        }
        Err(refused) => Ok(tell(&refused, terminal)),
    }
}

/// The snapshot, and what goes with it; or why it is not deleted, which was told.
fn look(args: &Args, session: &Session, terminal: &Terminal) -> Result<(Subject, View, Vec<String>), Exit> {
    let (facts, target) = args.target.find(Purpose::Snapshots, session).map_err(|refused| tell(&refused, terminal))?;
    let Some(found) = facts.get(kind::SNAPSHOT, &target.namespace, &args.snapshot) else {
        return Err(super::report::missing(&target, &args.snapshot, &facts, terminal));
    };
    let seen = view(&facts, found, std::slice::from_ref(&target), now());
    match going(&facts, &seen, &target) {
        Ok(goes) => Ok((target, seen, goes)),
        Err(refusal) => {
            refuse(&refusal, terminal);
            Err(Exit::Refused)
        }
    }
}
