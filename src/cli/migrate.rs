//! `kubectl wukong migrate`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::Exit;
use super::access::AccessArgs;
use super::cleanup;
use super::confirm::confirmed;
use super::evacuate;
use super::input::namespace;
use super::moved;
use super::session::{Session, refuse, tell};
use super::snapshot;
use super::terminal::Terminal;
use super::travel::{Road, arrived, go};
use crate::cluster::{Begin, Refused, fetch, wanted_to_move};
use crate::facts::{End, Facts, Journey, Moved, Way, claim_of, kind, text, volumes};
use crate::migrate::{Draft, Unreadable, Wish, abort, allowed, begin, is_same, may_retain, needs, ways};
use crate::output;
use crate::plan::Refusal;
use crate::status::{Subject, subject};
use crate::text::{command_line, sanitize};

/// Move a running machine to another node, or its disks to another StorageClass.
///
/// With a name alone it says what is possible and why not. Each step is recorded in the cluster before it is done: after a
/// kill the same command goes on, and --abort goes back. The old claims stay until --cleanup.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = "Examples:
  kubectl wukong migrate web
  kubectl wukong migrate web --to-node worker-2
  kubectl wukong migrate web --to-storage-class longhorn --dry-run
  kubectl wukong migrate web --to-storage-class longhorn --write web.yaml
  kubectl wukong migrate vm/legacy --disk data --to-storage-class longhorn --offline
  kubectl wukong migrate web --abort
  kubectl wukong migrate web --cleanup
  kubectl wukong migrate -A --from-node worker-1")]
// Of itself the usage offers a name together with -A, which is refused.
#[command(override_usage = "kubectl wukong migrate [OPTIONS] <NAME>
       kubectl wukong migrate [OPTIONS] --from-node <NODE> [-A]")]
#[command(group = clap::ArgGroup::new("do").args(["to_node", "to_storage_class", "from_node", "go_on", "abort", "cleanup"]))]
pub(super) struct Args {
    /// The name of a Wukong, or `vm/NAME` for any VirtualMachine.
    #[arg(value_name = "NAME", required_unless_present_any = ["from_node", "all_namespaces"], conflicts_with_all = ["from_node", "all_namespaces"])]
    name: Option<String>,

    /// The namespace; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(super) namespace: Option<String>,

    /// All namespaces, with --from-node.
    #[arg(short = 'A', long, requires = "from_node", conflicts_with = "namespace")]
    pub(super) all_namespaces: bool,

    /// Move the machine to this node.
    #[arg(long, value_name = "NODE")]
    to_node: Option<String>,

    /// Move disks to this StorageClass.
    #[arg(long, value_name = "CLASS")]
    to_storage_class: Option<String>,

    /// Move every machine away from this node, one after the other.
    #[arg(long, value_name = "NODE")]
    from_node: Option<String>,

    /// A disk that moves; all of them if none is named. May be given several times.
    #[arg(long = "disk", value_name = "DISK", value_delimiter = ',', requires = "to_storage_class")]
    disks: Vec<String>,

    /// Stop the machine for the move, and start it again.
    #[arg(long)]
    offline: bool,

    /// The access mode of the new claims, instead of the best that CDI knows for the class.
    #[arg(long, value_name = "MODE", value_parser = ["ReadWriteOnce", "ReadWriteMany"], requires = "to_storage_class")]
    access_mode: Option<String>,

    /// The volume mode of the new claims, likewise.
    #[arg(long, value_name = "MODE", value_parser = ["Filesystem", "Block"], requires = "to_storage_class")]
    volume_mode: Option<String>,

    /// Go on with a move that was interrupted; after its end, say again what has moved.
    #[arg(long = "continue")]
    go_on: bool,

    /// Take the move back: to the old claims in one edit, or to the node where it is.
    #[arg(long)]
    abort: bool,

    /// With --abort: the old disks are whole; with --continue: the new ones are. Only where nothing else tells.
    #[arg(long)]
    force: bool,

    /// Delete what earlier moves left, after showing it and asking.
    #[arg(long)]
    cleanup: bool,

    /// Take a snapshot of the machine before the first step, with all of its disks or not at all.
    #[arg(long, requires = "do", conflicts_with_all = ["from_node", "go_on", "abort", "cleanup"])]
    snapshot_first: bool,

    /// Say what would be done.
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Do not ask.
    #[arg(short = 'y', long)]
    pub(super) yes: bool,

    /// How long to wait; 0 means as long as it takes.
    #[arg(long, value_name = "DURATION", value_parser = super::access::duration, default_value = "1h")]
    pub(super) timeout: Duration,

    /// Move also a machine that Argo CD or Flux manages; its reconciliation must be paused.
    #[arg(long)]
    pub(super) unmanaged_ok: bool,

    /// Write the new claims into this Wukong file; alone, those of the last move.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,

    /// How to print what is possible.
    #[arg(short = 'o', long, value_name = "text|json", value_parser = ["text", "json"], default_value = "text", hide_possible_values = true)]
    output: String,

    #[command(flatten)]
    access: AccessArgs,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    if let Some(path) = &args.write {
        moved::check_file(path)?;
    }
    let session = Session::open(&args.access, terminal)?;
    let own = args.namespace.clone().unwrap_or_else(|| session.door.namespace().to_owned());
    let namespaces = if args.all_namespaces { BTreeSet::new() } else { BTreeSet::from([own.clone()]) };
    let facts = match session.runtime.block_on(fetch(&session.door, &wanted_to_move(namespaces))) {
        Ok(facts) => facts,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    if let Some(node) = &args.from_node {
        return Ok(evacuate::evacuate(args, node, &own, &facts, &session, terminal));
    }
    let target = subject(args.name.as_deref().unwrap_or_default(), &own, &facts);
    if let Some(refusal) = Unreadable::of(&facts, &own) {
        refuse(&refusal, terminal);
        return Ok(Exit::Refused);
    }
    let journey = match Journey::of(&facts, &own, &target.vm) {
        Ok(journey) => journey,
        Err(unusable) => {
            let name = Journey::name(&target.vm);
            terminal.error(&format!("the record of the last move (ConfigMap/{name}) cannot be used: {}", unusable.0));
            terminal.help(&format!(
                "kubectl get configmap {name} -n {own} -o yaml shows it; what it lists as kept is not deleted"
            ));
            return Ok(Exit::Refused);
        }
    };
    let road =
        Road { session: &session, target: &target, timeout: args.timeout, write: args.write.as_deref(), terminal };
    if args.cleanup {
        return Ok(cleanup::clean(args, journey.as_ref(), &facts, &road));
    }
    if args.abort {
        return Ok(take_back(args, journey.as_ref(), &facts, &road));
    }
    let open = journey.as_ref().filter(|journey| journey.is_open());
    let wish = wish(args);
    if args.go_on || args.write.is_some() && wish.is_none() {
        return Ok(match (open, &journey) {
            (Some(open), _) if args.dry_run => resumed(open, terminal),
            (Some(open), _) if args.go_on && args.force => {
                let forced = Journey { forced: true, ..open.clone() };
                go(&road, Begin::With(&forced, version(&facts, &target)))
            }
            (Some(_), _) if args.go_on => go(&road, Begin::Recorded),
            (Some(open), _) => other_move(open, &target, terminal),
            (None, Some(ended)) if ended.end == Some(End::Done) && !ended.disks.is_empty() => {
                report(args, ended, &facts, &road)
            }
            (None, _) => nothing_under_way(&target, terminal),
        });
    }
    let Some(wish) = wish else { return Ok(show(args, &target, &facts, terminal)) };
    if let Some(open) = open {
        if is_same(open, &wish) && !open.back {
            return Ok(if args.dry_run { resumed(open, terminal) } else { go(&road, Begin::Recorded) });
        }
        return Ok(other_move(open, &target, terminal));
    }
    Ok(start(args, &wish, &facts, &road))
}

/// What is possible.
fn show(args: &Args, target: &Subject, facts: &Facts, terminal: &Terminal) -> Exit {
    let Some(ways) = ways(facts, target) else {
        terminal.error(&format!("there is no VirtualMachine {} in {}", target.vm, target.namespace));
        terminal.help(&format!("`kubectl get vm -n {}` lists them; vm/NAME names any of them", target.namespace));
        return Exit::Cluster;
    };
    if args.output == "json" {
        terminal.say(&output::json(&ways.value()));
    } else {
        terminal.say(&output::ways(&ways, &terminal.out, terminal.out_width.cells()));
    }
    Exit::Done
}

fn wish(args: &Args) -> Option<Wish> {
    (args.to_node.is_some() || args.to_storage_class.is_some()).then(|| Wish {
        node: args.to_node.clone(),
        class: args.to_storage_class.clone(),
        disks: args.disks.clone(),
        offline: args.offline,
        access_mode: args.access_mode.clone(),
        volume_mode: args.volume_mode.clone(),
        unmanaged_ok: args.unmanaged_ok,
        now: now(),
    })
}

pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The plan of one machine, with what the person may do.
pub(super) fn drafted(
    wish: &Wish,
    target: &Subject,
    facts: &Facts,
    session: &Session,
) -> Result<Draft, Result<Refusal, Refused>> {
    let mut draft = begin(facts, target, wish).map_err(Ok)?;
    let mut answers = Vec::new();
    for need in needs(draft.journey.way) {
        let namespace = Some(target.namespace.as_str()).filter(|_| !need.cluster);
        let held = session.runtime.block_on(session.door.may(need.verb, need.group, need.resource, namespace));
        answers.push((need, held.ok()));
    }
    draft.checks.extend(allowed(&answers));
    if !may_retain(&answers) {
        // Without a policy in the record none is changed.
        draft.journey.disks.iter_mut().for_each(|disk| disk.policy = None);
    }
    Ok(draft)
}

/// Plans, shows, asks, and goes.
fn start(args: &Args, wish: &Wish, facts: &Facts, road: &Road<'_>) -> Exit {
    let (target, terminal) = (road.target, road.terminal);
    let draft = match drafted(wish, target, facts, road.session) {
        Ok(draft) => draft,
        Err(Ok(refusal)) => {
            refuse(&refusal, terminal);
            return Exit::Refused;
        }
        Err(Err(refused)) => return tell(&refused, terminal),
    };
    terminal.say(&output::draft(&draft, &target.namespace, &terminal.out, terminal.out_width));
    if draft.checks.iter().any(crate::migrate::Check::is_failed) {
        terminal.error("it cannot move this way: see the lines with a cross");
        terminal.help(&format!("`{}` shows all ways", target.command("migrate", "")));
        return Exit::Refused;
    }
    let snapshot = || {
        let first = || snapshot::first(road.session, target, args.timeout, args.dry_run, terminal);
        if args.snapshot_first { first() } else { Ok(()) }
    };
    if args.dry_run {
        return snapshot().err().unwrap_or(Exit::Done);
    }
    let question = match draft.journey.way {
        Way::NodeLive => format!("move {} while it runs?", target.shown()),
        Way::StorageLive => format!("copy the disks of {} while it runs?", target.shown()),
        _ if draft.journey.ran => format!("shut {} down for the move?", target.shown()),
        _ => format!("move {}?", target.shown()),
    };
    if !confirmed(&[question], args.yes, terminal) {
        return Exit::Refused;
    }
    if let Err(exit) = snapshot() {
        terminal.help("the move was not begun; without --snapshot-first it needs no snapshot");
        return exit;
    }
    go(road, Begin::With(&draft.journey, version(facts, target)))
}

/// The version of the record of a machine's moves, as it was seen.
pub(super) fn version<'f>(facts: &'f Facts, target: &Subject) -> Option<&'f str> {
    let map = facts.get(kind::CONFIG_MAP, &target.namespace, &Journey::name(&target.vm));
    map.and_then(|map| text(map, "/metadata/resourceVersion"))
}

fn resumed(journey: &Journey, terminal: &Terminal) -> Exit {
    terminal.say(&format!("the move is under way, and would go on after: {}\n", sanitize(&journey.stage)));
    Exit::Done
}

fn other_move(open: &Journey, target: &Subject, terminal: &Terminal) -> Exit {
    let word = if open.back { "is being taken back" } else { "is under way" };
    refuse(
        &Refusal {
            object: target.shown(),
            reason: format!("another move ({}) {word}: {}", open.way.name(), open.stage),
            help: "--continue goes on with it, --abort takes it back".into(),
        },
        terminal,
    );
    Exit::Refused
}

/// The report of a move that has ended, again: the run that ended it may have been killed before the file was changed.
fn report(args: &Args, ended: &Journey, facts: &Facts, road: &Road<'_>) -> Exit {
    let target = road.target;
    let vm = facts.get(kind::MACHINE, &target.namespace, &target.vm);
    let is_there = vm.is_some_and(|vm| {
        let has = |disk: &Moved| {
            let mut all = volumes(vm).iter();
            all.any(|volume| volume["name"] == *disk.disk && claim_of(volume) == Some(&disk.to))
        };
        text(vm, "/metadata/uid") == Some(&ended.uid) && ended.disks.iter().all(has)
    });
    if !is_there {
        refuse(
            &Refusal {
                object: target.shown(),
                reason: "its last move has ended, and it has other disks by now".into(),
                help: format!(
                    "`{}` shows what a file has to say",
                    command_line("diff -f FILE", &[], &target.namespace, "")
                ),
            },
            road.terminal,
        );
        return Exit::Refused;
    }
    let write = road.write.filter(|_| !args.dry_run);
    arrived(&Road { write, ..*road }, ended, facts)
}

fn nothing_under_way(target: &Subject, terminal: &Terminal) -> Exit {
    terminal.error(&format!("no move of {} is under way", target.shown()));
    terminal.help(&format!("`{}` shows what is possible", target.command("migrate", "")));
    Exit::Refused
}

fn take_back(args: &Args, journey: Option<&Journey>, facts: &Facts, road: &Road<'_>) -> Exit {
    let (target, terminal) = (road.target, road.terminal);
    let Some(journey) = journey.filter(|journey| journey.is_open()) else { return nothing_under_way(target, terminal) };
    let back = match abort(journey, facts, target, args.force) {
        Ok(back) => back,
        Err(refusal) => {
            refuse(&refusal, terminal);
            return Exit::Refused;
        }
    };
    if args.dry_run {
        let stage = sanitize(&journey.stage);
        terminal.say(&format!("the move ({}) would be taken back after: {stage}\n", journey.way.name()));
        return Exit::Done;
    }
    if !confirmed(&[format!("take the move of {} back?", target.shown())], args.yes, terminal) {
        return Exit::Refused;
    }
    go(road, Begin::With(&back, version(facts, target)))
}
