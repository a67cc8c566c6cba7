//! `kubectl wukong status`

use std::collections::{BTreeSet, HashSet};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use serde_json::json;

use super::Exit;
use super::look::{LookArgs, now};
use super::session::{Session, tell};
use super::terminal::Terminal;
use crate::cluster::{Purpose, Refused, fetch, paced, read_usage};
use crate::facts::{Facts, kind, text};
use crate::output::{self, Detail};
use crate::status::{Index, Status, Weight, status, subject};
use crate::text::yaml;

/// Show how machines are, why one does not run, and what to do.
///
/// Without names: every Wukong of the namespace. A machine that is stopped as it should be is healthy. What is wrong
/// comes with its cause and the next step.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong status
  kubectl wukong status web
  kubectl wukong status -A -o wide
  kubectl wukong status vm/old-server -o yaml --save-facts report.json
  kubectl wukong status web --watch
  kubectl wukong status -A --usage -o prometheus > wukong.prom")]
pub(super) struct Args {
    #[command(flatten)]
    look: LookArgs,

    /// For people, or for programs.
    #[arg(short = 'o', long, value_name = "table|wide|json|yaml|prometheus", hide_possible_values = true)]
    output: Option<Format>,

    /// Look again and again, and show what changes.
    #[arg(short = 'w', long, conflicts_with_all = ["facts", "save_facts", "exit_status"])]
    watch: bool,

    /// Exit with 1 unless all machines are healthy.
    #[arg(long)]
    exit_status: bool,

    /// Ask every guest agent how full its file systems are; it is asked anyway for machines that are named.
    #[arg(long, conflicts_with = "facts")]
    usage: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line for each machine; more for machines that are named.
    Table,
    /// With node, addresses and disks.
    Wide,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
    /// For Prometheus: the textfile collector, or a probe.
    Prometheus,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let seen = match args.look.file(Purpose::Look, terminal) {
        Some(seen) => seen,
        None => {
            let session = Session::open(&args.look.access, terminal)?;
            let namespace = args.look.namespace(&session);
            if args.watch {
                return Ok(watch(args, namespace.as_deref(), &session, terminal));
            }
            let facts = session.runtime.block_on(gather(args, namespace.as_deref(), &session));
            args.look.seen(facts, namespace, terminal)?
        }
    };
    match seen {
        Ok(seen) => tell_all(args, &look(args, seen.namespace.as_deref(), &seen.facts, seen.now), terminal),
        Err(exit) => Ok(exit),
    }
}

fn tell_all(args: &Args, all: &[Status], terminal: &Terminal) -> anyhow::Result<Exit> {
    let text = show(args, all, terminal);
    if text.is_empty() {
        terminal.help(args.look.nothing());
    }
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(exit(args, all))
}

async fn gather(args: &Args, namespace: Option<&str>, session: &Session) -> Result<Facts, Refused> {
    let wanted = args.look.wanted(Purpose::Look, namespace);
    let mut facts = fetch(&session.door, &wanted).await?;
    if args.usage || !args.look.names.is_empty() {
        let named = |namespace| args.look.names.iter().map(|name| subject(name, namespace, &facts).vm).collect();
        let chosen: Option<BTreeSet<_>> = namespace.map(named).filter(|_| !args.look.names.is_empty());
        let instances = facts.all_of(kind::INSTANCE).filter_map(|instance| {
            let (namespace, name) = (text(instance, "/metadata/namespace")?, text(instance, "/metadata/name")?);
            let wanted = chosen.as_ref().is_none_or(|chosen| chosen.contains(name));
            wanted.then(|| (namespace.to_owned(), name.to_owned()))
        });
        let instances: BTreeSet<_> = instances.collect();
        read_usage(&session.door, &instances, &mut facts).await?;
    }
    Ok(facts)
}

fn look(args: &Args, namespace: Option<&str>, facts: &Facts, now: i64) -> Vec<Status> {
    let index = Index::of(facts);
    let found = args.look.subjects(namespace, facts);
    found.iter().map(|subject| status(&index, subject, now)).collect()
}

fn show(args: &Args, all: &[Status], terminal: &Terminal) -> String {
    let document = || {
        let items: Vec<_> = all.iter().map(output::status_json).collect();
        match items.as_slice() {
            [one] if args.look.names.len() == 1 => one.clone(),
            _ => json!({"apiVersion": "v1", "kind": "List", "items": items}),
        }
    };
    let detail = match args.output {
        Some(Format::Json) => return output::json(&document()),
        Some(Format::Yaml) => return yaml(&document()),
        Some(Format::Prometheus) => return output::prometheus(all),
        Some(Format::Wide) => Detail::Wide,
        _ if args.look.names.is_empty() => Detail::Short,
        _ => Detail::Full,
    };
    if all.is_empty() {
        return String::new();
    }
    // As kubectl has it; a file of facts may hold several namespaces even if none is asked for.
    let many =
        args.look.all_namespaces || all.iter().any(|status| status.subject.namespace != all[0].subject.namespace);
    output::statuses(all, detail, many, &terminal.out, terminal.out_width)
}

fn exit(args: &Args, all: &[Status]) -> Exit {
    let missing = all.iter().any(|status| status.causes.iter().any(|cause| cause.code == "machine-missing"));
    if args.exit_status && !all.iter().all(Status::is_healthy) {
        Exit::Unhealthy
    } else if missing && !args.look.names.is_empty() {
        Exit::Cluster
    } else {
        Exit::Done
    }
}

/// How often is looked: each time is a fixed number of lists.
const PACE: Duration = Duration::from_secs(2);

/// Why watching ends by itself.
enum Ended {
    /// The cluster.
    Refused(Refused),
    /// Nobody reads any more.
    Closed,
}

/// Redraws on a terminal; elsewhere says what changed.
fn watch(args: &Args, namespace: Option<&str>, session: &Session, terminal: &Terminal) -> Exit {
    let document = matches!(args.output, Some(Format::Json | Format::Yaml));
    let live = io::stdout().is_terminal() && !document;
    let mut before = String::new();
    let mut told = HashSet::new();
    let once = async || {
        let facts = gather(args, namespace, session).await.map_err(Ended::Refused)?;
        let all = look(args, namespace, &facts, now());
        let new = if live || document {
            let shown = show(args, &all, terminal);
            let text = if shown.is_empty() { format!("{}\n", args.look.nothing()) } else { shown };
            let new = match (text == before, live, before.is_empty()) {
                (true, _, _) => String::new(),
                // The cursor goes home, and what is below goes away.
                (false, true, _) => format!("\x1b[H\x1b[2J{text}"),
                (false, false, false) if args.output == Some(Format::Yaml) => format!("---\n{text}"),
                (false, false, _) => text.clone(),
            };
            before = text;
            new
        } else {
            let lines: Vec<_> = all.iter().map(line).collect();
            let new = lines.iter().filter(|line| !told.contains(*line)).map(String::as_str).collect();
            told = lines.into_iter().collect();
            new
        };
        let mut out = io::stdout().lock();
        out.write_all(new.as_bytes()).and_then(|()| out.flush()).map_err(|_| Ended::Closed)
    };
    match session.runtime.block_on(paced(PACE, once)) {
        // A person ends it; that is how it ends.
        Ok(()) => Exit::Interrupted,
        Err(Ended::Closed) => Exit::Done,
        Err(Ended::Refused(refused)) => tell(&refused, terminal),
    }
}

/// A machine as one line of a log.
fn line(status: &Status) -> String {
    let name = format!("{}/{}", status.subject.namespace, status.subject.shown());
    let why: Vec<_> = status.causes.iter().filter(|cause| cause.weight > Weight::Note).collect();
    let why: Vec<_> = why
        .iter()
        .map(|cause| match cause.about.as_str() {
            "" => cause.text.clone(),
            about => format!("{about}: {}", cause.text),
        })
        .collect();
    let health = status.health().word();
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
    crate::text::sanitize(&format!("{name} {} {health}{why}", status.state)).into_owned() + "\n"
}
