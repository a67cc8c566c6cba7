//! `kubectl wukong migrate --from-node`

use owo_colors::OwoColorize as _;

use super::Exit;
use super::confirm::confirmed;
use super::migrate::{Args, drafted, now, version};
use super::session::{Session, refuse, tell};
use super::terminal::Terminal;
use super::travel::{Road, go};
use crate::cluster::Begin;
use crate::facts::{Facts, Journey, Way, kind, text};
use crate::migrate::{Found, Unreadable, Wish};
use crate::status::{Subject, subjects};
use crate::text::sanitize;

/// Moves every machine that runs on a node, in the order of their names.
pub(super) fn evacuate(
    args: &Args,
    node: &str,
    own: &str,
    facts: &Facts,
    session: &Session,
    terminal: &Terminal,
) -> Exit {
    if facts.get(kind::NODE, "", node).is_none() && facts.unknown(kind::NODE, "").is_none() {
        let names: Vec<_> = facts.all_of(kind::NODE).filter_map(|node| text(node, "/metadata/name")).collect();
        terminal.error(&format!("there is no node {node}"));
        terminal.help(&format!("there are {}", names.join(", ")));
        return Exit::Cluster;
    }
    // A machine that is not seen is not one that is not there.
    if let Some(refusal) = Unreadable::of(facts, own) {
        refuse(&refusal, terminal);
        return Exit::Refused;
    }
    let here = |target: &Subject| {
        let instance = facts.get(kind::INSTANCE, &target.namespace, &target.vm);
        let place = args.all_namespaces || target.namespace == own;
        place && instance.is_some_and(|instance| text(instance, "/status/nodeName") == Some(node))
    };
    let targets: Vec<_> = subjects(facts, true).into_iter().filter(here).collect();
    for gap in facts.gaps() {
        terminal.warning(&format!("not all is seen: {}", gap.reason));
    }
    if targets.is_empty() {
        terminal.say(&format!("no machine that is seen runs on {node}\n"));
        return Exit::Done;
    }
    let wish = Wish { unmanaged_ok: args.unmanaged_ok, now: now(), ..Wish::default() };
    let (mut ready, mut exits) = (Vec::new(), Vec::new());
    for target in &targets {
        let head = format!("{}/{}", target.namespace, target.shown());
        let head = sanitize(&head);
        let record = Journey::of(facts, &target.namespace, &target.vm);
        let open = record.as_ref().ok().and_then(Option::as_ref).filter(|journey| journey.is_open());
        let resumes = open.is_some_and(|open| leaves(open, node));
        let found = drafted(&wish, target, facts, session);
        let why = match (&record, &found, open) {
            // What it lists as kept would be forgotten.
            (Err(unusable), ..) => {
                let name = Journey::name(&target.vm);
                let why = format!("the record of its last move (ConfigMap/{name}) cannot be used: {}", unusable.0);
                Some((why, format!("kubectl get configmap {name} -n {} -o yaml shows it", target.namespace)))
            }
            (_, _, Some(open)) if !resumes => {
                Some(("another move is under way".to_owned(), format!("it stands at: {}", open.stage)))
            }
            (_, Err(Ok(refusal)), _) => Some((refusal.reason.clone(), refusal.help.clone())),
            (_, Err(Err(refused)), _) => return tell(refused, terminal),
            (_, Ok(draft), _) => draft
                .checks
                .iter()
                .find_map(|check| match &check.found {
                    // What was checked reads as its answer: only the reason is told.
                    Found::Failed { why, help } => Some((why.clone(), help.clone())),
                    _ => None,
                })
                .filter(|_| !resumes),
        };
        match (why, found) {
            (None, Ok(draft)) => {
                terminal.say(&format!(
                    "{} {}: live\n",
                    "move".style(terminal.out.added),
                    head.style(terminal.out.strong)
                ));
                ready.push((target, draft, resumes));
            }
            (Some((why, help)), _) => {
                terminal.say(&format!(
                    "{} {}: {}\n",
                    "stay".style(terminal.out.error),
                    head.style(terminal.out.strong),
                    sanitize(&why)
                ));
                terminal.help(&help);
                exits.push(Exit::Refused);
            }
            (None, Err(_)) => {}
        }
    }
    if args.dry_run || ready.is_empty() {
        return Exit::worst(&exits);
    }
    let (machines, run) = if ready.len() == 1 { ("machine", "it runs") } else { ("machines", "they run") };
    let question = format!("move {} {machines} away from {node} while {run}?", ready.len());
    if !confirmed(&[question], args.yes, terminal) {
        return Exit::Refused;
    }
    for (target, draft, resumes) in &ready {
        let road = Road { session, target, timeout: args.timeout, write: None, terminal };
        let begin = if *resumes { Begin::Recorded } else { Begin::With(&draft.journey, version(facts, target)) };
        let exit = go(&road, begin);
        exits.push(exit);
        if exit == Exit::Interrupted {
            break;
        }
    }
    Exit::worst(&exits)
}

/// Whether a move that is under way takes its machine away from a node while it runs. Any other one is a person's to end.
fn leaves(open: &Journey, node: &str) -> bool {
    open.way == Way::NodeLive
        && !open.back
        && open.source_node.as_deref().is_none_or(|source| source == node)
        && open.node.as_deref() != Some(node)
}
