//! `kubectl wukong where-is-my-data`

use std::io::{self, Write as _};

use serde_json::json;

use super::Exit;
use super::look::{LookArgs, Seen};
use super::session::Session;
use super::terminal::Terminal;
use crate::cluster::{Purpose, fetch};
use crate::facts::{kind, text};
use crate::locate::{Atlas, Located, What, absent, locate, recovery};
use crate::output;
use crate::text::yaml;

/// Show where the bytes of each disk lie, and what would destroy them.
///
/// Follows each disk from the machine over its claim and volume to the node, server or zone that has it, and says what
/// happens to it if the VM, the claim, the namespace, the class or a node goes. It reads and changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong where-is-my-data web
  kubectl wukong where-is-my-data -A -o table
  kubectl wukong where-is-my-data -A --if node-lost=worker-1
  kubectl wukong where-is-my-data -A -o svg > disks.svg
  kubectl wukong where-is-my-data pv/pvc-1234 --recover-plan")]
pub(super) struct Args {
    #[command(flatten)]
    look: LookArgs,

    /// For people, for programs, or as a picture.
    #[arg(short = 'o', long, value_name = "tree|table|wide|json|yaml|mermaid|dot|svg", default_value = "tree")]
    #[arg(hide_possible_values = true)]
    output: Format,

    /// What would happen: `node-lost=NAME`, `vm-deleted`, `wukong-deleted`, `pvc-deleted[=NAME]`,
    /// `namespace-deleted=NAME`, `class-deleted=NAME`.
    #[arg(long = "if", value_name = "EVENT", value_parser = What::parse)]
    event: Option<What>,

    /// Print the claims that bring volumes back whose claims are gone, with the steps before; `pv/NAME` names a volume.
    #[arg(long, conflicts_with_all = ["event", "output"])]
    recover_plan: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The way of each disk.
    Tree,
    /// One line for each disk.
    Table,
    /// With volume, policy and path.
    Wide,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
    /// A picture for Markdown.
    Mermaid,
    /// A picture for Graphviz.
    Dot,
    /// A picture.
    Svg,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let seen = match args.look.file(Purpose::Locate, terminal) {
        Some(seen) => seen,
        None => {
            let session = Session::open(&args.look.access, terminal)?;
            let namespace = args.look.namespace(&session);
            // A namespace that goes away matters to all that is in it, wherever the context points.
            let namespace = match &args.event {
                Some(What::NamespaceDeleted(gone)) if args.look.namespace.is_none() && args.look.names.is_empty() => {
                    Some(gone.clone())
                }
                _ => namespace,
            };
            let wanted = args.look.wanted(Purpose::Locate, namespace.as_deref());
            let facts = session.runtime.block_on(fetch(&session.door, &wanted));
            args.look.seen(facts, namespace, terminal)?
        }
    };
    match seen {
        Ok(seen) if args.recover_plan => recover(args, &seen, terminal),
        Ok(seen) => show(args, &seen, terminal),
        Err(exit) => Ok(exit),
    }
}

fn show(args: &Args, seen: &Seen, terminal: &Terminal) -> anyhow::Result<Exit> {
    if let Some(volume) = args.look.names.iter().find(|name| name.starts_with("pv/")) {
        terminal.error(&format!("{volume} is a volume: only --recover-plan takes one"));
        return Ok(Exit::Usage);
    }
    let atlas = Atlas::of(&seen.facts);
    // An event does not ask whether a machine has a file.
    let every = args.look.all_vms || args.event.as_ref().is_some_and(|event| *event != What::WukongDeleted);
    let subjects = args.look.subjects_of(seen.namespace.as_deref(), &seen.facts, every);
    let all: Vec<_> = subjects.iter().map(|subject| locate(&atlas, subject)).collect();
    if let Some(problem) = args.event.as_ref().and_then(|event| absent(event, &seen.facts, &all)) {
        terminal.error(&problem);
        return Ok(Exit::Usage);
    }
    let text = match &args.event {
        Some(event) => impacts(args, event, &all, terminal),
        None => Some(machines(args, &all, terminal)),
    };
    let Some(text) = text else {
        terminal.error("--if is shown as tree, table, wide, json or yaml; a picture shows what is now");
        return Ok(Exit::Usage);
    };
    if all.is_empty() {
        terminal.help(args.look.nothing());
    }
    io::stdout().lock().write_all(text.as_bytes())?;
    let missing: Vec<_> = all.iter().filter(|machine| machine.state.is_none() && machine.disks.is_empty()).collect();
    for machine in missing.iter().filter(|_| !args.look.names.is_empty()) {
        let subject = &machine.subject;
        terminal.error(&format!("there is no VirtualMachine {} in {}", subject.vm, subject.namespace));
    }
    Ok(if missing.is_empty() || args.look.names.is_empty() { Exit::Done } else { Exit::Cluster })
}

fn machines(args: &Args, all: &[Located], terminal: &Terminal) -> String {
    let full = !args.look.names.is_empty();
    let (styles, width) = (&terminal.out, terminal.out_width);
    let document = || {
        let items: Vec<_> = all.iter().map(output::located_json).collect();
        match items.as_slice() {
            [one] if args.look.names.len() == 1 => one.clone(),
            _ => json!({"items": items}),
        }
    };
    let empty = all.is_empty();
    match args.output {
        Format::Json => output::json(&document()),
        Format::Yaml => yaml(&document()),
        Format::Mermaid => output::mermaid(all),
        Format::Dot => output::dot(all),
        Format::Svg => output::svg(all),
        _ if empty => String::new(),
        Format::Tree => output::trees(all, full, styles, width.cells()),
        Format::Table => output::located_table(all, false, styles, width),
        Format::Wide => output::located_table(all, true, styles, width),
    }
}

/// What an event does; none where it cannot be shown so.
fn impacts(args: &Args, event: &What, all: &[Located], terminal: &Terminal) -> Option<String> {
    let all: Vec<_> = all.iter().zip(crate::locate::impacts(all, event)).collect();
    match args.output {
        Format::Tree | Format::Table | Format::Wide => {
            Some(output::impacts(event, &all, &terminal.out, terminal.out_width))
        }
        Format::Json => Some(output::json(&output::impacts_json(event, &all))),
        Format::Yaml => Some(yaml(&output::impacts_json(event, &all))),
        Format::Mermaid | Format::Dot | Format::Svg => None,
    }
}

fn recover(args: &Args, seen: &Seen, terminal: &Terminal) -> anyhow::Result<Exit> {
    let facts = &seen.facts;
    if let Some(unread) = facts.unknown(kind::VOLUME, "") {
        terminal.error(&unread.reason);
        return Ok(Exit::Cluster);
    }
    let atlas = Atlas::of(facts);
    let (mut names, mut missing) = (Vec::new(), Vec::new());
    for volume in args.look.names.iter().filter_map(|name| name.strip_prefix("pv/")) {
        names.push(volume.to_owned());
        missing.extend(facts.get(kind::VOLUME, "", volume).is_none().then_some(volume));
    }
    let machines = args.look.subjects(seen.namespace.as_deref(), facts);
    for machine in machines.iter().filter(|machine| machine.wukong.as_deref().is_none_or(|name| !name.contains('/'))) {
        let disks = locate(&atlas, machine).disks;
        for disk in disks {
            names.extend(disk.left.clone());
            names.extend(disk.volume.clone().filter(|_| disk.is_left()));
        }
    }
    names.sort();
    names.dedup();
    let volumes = names.iter().filter_map(|name| facts.get(kind::VOLUME, "", name));
    let all: Vec<_> = volumes.filter_map(|volume| recovery(&atlas, volume)).collect();
    for volume in &missing {
        terminal.error(&format!("there is no PersistentVolume {volume}"));
    }
    for blocked in all.iter().filter(|recovery| recovery.obstacle.is_some()) {
        let why = blocked.obstacle.as_deref().unwrap_or_default();
        terminal.warning(&format!("volume {}: {why}", blocked.volume));
    }
    if all.is_empty() && missing.is_empty() {
        terminal.help("no volume of these machines has lost its claim; pv/NAME names any volume");
        left(seen, terminal);
    }
    // What is applied alone would wait for ever.
    for recovery in all.iter().filter(|recovery| recovery.obstacle.is_none()) {
        for step in recovery.before() {
            terminal.help(&format!("before it is applied: {step}"));
        }
    }
    io::stdout().lock().write_all(output::recoveries(&all).as_bytes())?;
    let blocked = all.iter().any(|recovery| recovery.obstacle.is_some());
    Ok(if missing.is_empty() && !blocked { Exit::Done } else { Exit::Cluster })
}

/// Names volumes that a claim of this namespace left behind, whosever it was.
fn left(seen: &Seen, terminal: &Terminal) {
    for volume in seen.facts.all_of(kind::VOLUME) {
        let part = |at: &str| text(volume, at).unwrap_or_default();
        let here = seen.namespace.as_deref().is_none_or(|namespace| namespace == part("/spec/claimRef/namespace"));
        if here && matches!(part("/status/phase"), "Released" | "Failed") {
            let claim = format!("{}/{}", part("/spec/claimRef/namespace"), part("/spec/claimRef/name"));
            terminal.help(&format!(
                "pv/{} is {}; it was of claim {claim}",
                part("/metadata/name"),
                part("/status/phase")
            ));
        }
    }
}
