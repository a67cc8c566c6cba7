//! `kubectl wukong snapshot create`

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use owo_colors::Style;

use super::report;
use crate::cli::Exit;
use crate::cli::access::AccessArgs;
use crate::cli::look::now;
use crate::cli::session::{Session, refuse, tell};
use crate::cli::target::{OneArgs, Target as _};
use crate::cli::terminal::Terminal;
use crate::cluster::{Arrival, Purpose, Wanted, Write, fetch, snapshotting};
use crate::facts::{Facts, text};
use crate::output;
use crate::snapshot::{Creation, Fate, Wish, creation, view};
use crate::status::Subject;
use crate::text::command_line;

/// Take a snapshot of a machine.
///
/// Before anything is done, each disk is told with the VolumeSnapshotClass that KubeVirt takes for it. A disk that cannot
/// be in the snapshot is a reason to refuse, unless --partial leaves it out.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong snapshot create web --wait
  kubectl wukong snapshot create web --name before-upgrade --snapshot-class longhorn-snap
  kubectl wukong snapshot create vm/legacy --partial --dry-run")]
pub(super) struct Args {
    #[command(flatten)]
    target: OneArgs,

    /// The name of the snapshot; the machine's with the time if not given.
    #[arg(long, value_name = "SNAPSHOT", value_parser = report::name)]
    name: Option<String>,

    /// Refuse unless KubeVirt takes this VolumeSnapshotClass for every disk.
    #[arg(long, value_name = "CLASS")]
    snapshot_class: Option<String>,

    /// Leave out the disks that cannot be in it.
    #[arg(long)]
    partial: bool,

    /// Wait until it is there, and say what it holds.
    #[arg(long)]
    wait: bool,

    /// When KubeVirt gives up, and how long --wait waits; 0 means as long as it takes.
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::access::duration, default_value = "5m")]
    timeout: Duration,

    /// Say what would be done.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    access: AccessArgs,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let (facts, target) = match args.target.find(Purpose::Snapshot, &session) {
        Ok(found) => found,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let name = args.name.clone().unwrap_or_else(|| by_time(&target));
    let wish = Wish {
        name: &name,
        class: args.snapshot_class.as_deref(),
        partial: args.partial,
        deadline: seconds(args.timeout),
    };
    let how = How { dry_run: args.dry_run, wait: args.wait, timeout: args.timeout };
    Ok(take(&session, &facts, &target, &wish, &how, terminal))
}

/// A snapshot of all disks before something else is done with a machine; how it ended if it is not there.
pub(in crate::cli) fn first(
    session: &Session,
    target: &Subject,
    timeout: Duration,
    dry_run: bool,
    terminal: &Terminal,
) -> Result<(), Exit> {
    let namespaces = BTreeSet::from([target.namespace.clone()]);
    let wanted = Wanted { namespaces, purpose: Purpose::Snapshot, ..Wanted::default() };
    let facts = session.runtime.block_on(fetch(&session.door, &wanted)).map_err(|refused| tell(&refused, terminal))?;
    let name = by_time(target);
    let wish = Wish { name: &name, class: None, partial: false, deadline: seconds(timeout) };
    match take(session, &facts, target, &wish, &How { dry_run, wait: true, timeout }, terminal) {
        Exit::Done => Ok(()),
        exit => Err(exit),
    }
}

/// The name of a snapshot that was given none.
fn by_time(target: &Subject) -> String {
    let machine = target.wukong.as_deref().unwrap_or(&target.vm);
    format!("{machine}-{}", Timestamp::now().strftime("%Y%m%d-%H%M%S"))
}

fn seconds(timeout: Duration) -> u64 {
    timeout.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

/// How a snapshot is taken.
struct How {
    dry_run: bool,
    wait: bool,
    timeout: Duration,
}

fn take(session: &Session, facts: &Facts, target: &Subject, wish: &Wish<'_>, how: &How, terminal: &Terminal) -> Exit {
    let Some(vm) = target.machine(facts) else { return target.missing(facts, terminal) };
    let name = wish.name;
    let creation = creation(facts, target, vm, wish);
    show(&creation, terminal);
    for refusal in &creation.refusals {
        refuse(refusal, terminal);
    }
    if !creation.refusals.is_empty() {
        return Exit::Refused;
    }
    terminal.progress("consistency:", creation.consistency);
    if how.dry_run {
        terminal.say(&format!("snapshot {name} of {} (dry run)\n", target.shown()));
        return Exit::Done;
    }
    let manager = target.manager();
    let write = Write { manager: &manager, force: false, dry_run: false };
    if let Err(refused) = session.runtime.block_on(session.door.create(&creation.body, &write)) {
        return tell(&refused, terminal);
    }
    let namespace = target.namespace.as_str();
    if !how.wait {
        terminal.say(&format!("snapshot {name} of {} is being taken\n", target.shown()));
        terminal.help(&target.command("snapshot list", ""));
        return Exit::Done;
    }
    let mut progress = |detail: &str| terminal.progress("snapshot", detail);
    let waited = snapshotting(&session.door, namespace, name, how.timeout, &mut progress);
    let (arrival, found) = match session.runtime.block_on(waited) {
        Ok(found) => found,
        Err(refused) => return tell(&refused, terminal),
    };
    if let Some(found) = &found {
        let seen = view(facts, found, std::slice::from_ref(target), now());
        terminal.say(&report::report(&seen));
    }
    let describe = format!("kubectl describe vmsnapshot {name} -n {namespace}");
    let delete = command_line("snapshot delete", &[&target.shown(), name], namespace, "");
    match arrival {
        Arrival::There => Exit::Done,
        Arrival::Failed => {
            let why = found.as_ref().and_then(|found| text(found, "/status/error/message")).unwrap_or("see above");
            terminal.error(&format!("the snapshot failed: {why}"));
            terminal.help(&format!("{describe}; it holds nothing: {delete}"));
            Exit::Cluster
        }
        Arrival::TimedOut => {
            terminal.error("not there in time; KubeVirt goes on until its deadline");
            terminal.help(&describe);
            Exit::TimedOut
        }
        Arrival::Interrupted => {
            terminal.error("interrupted; KubeVirt goes on with it");
            terminal.help(&format!("{delete} takes it back"));
            Exit::Interrupted
        }
    }
}

/// What becomes of each disk.
fn show(creation: &Creation, terminal: &Terminal) {
    let styles = &terminal.out;
    let plain = Style::new();
    let rows: Vec<_> = creation
        .volumes
        .iter()
        .filter_map(|volume| {
            let (class, style, detail) = match &volume.fate {
                Fate::Included { class, lasts } => (class.as_deref().unwrap_or("?"), plain, lasts.as_str()),
                Fate::LeftOut { why, .. } => ("left out", styles.warning, why.as_str()),
                Fate::Fails { why, .. } => ("fails", styles.error, why.as_str()),
                Fate::Passing => return None,
            };
            let claim = volume.claim.clone().unwrap_or_else(|| "-".to_owned());
            Some(vec![
                (volume.name.clone(), styles.strong),
                (claim, plain),
                (class.to_owned(), style),
                (detail.to_owned(), plain),
            ])
        })
        .collect();
    if !rows.is_empty() {
        terminal.say(&output::table(&["DISK", "CLAIM", "SNAPSHOT CLASS", ""], &rows, styles, terminal.out_width));
    }
}
