//! `kubectl wukong migrate --from-node`

use owo_colors::OwoColorize as _;

use super::Exit;
use super::confirm::confirmed;
use super::migrate::{Args, drafted, now, version};
use super::session::{Session, tell};
use super::terminal::Terminal;
use super::travel::{Road, go};
use crate::cluster::Begin;
use crate::facts::{Facts, Journey, kind, text};
use crate::migrate::{Found, Wish, is_same};
use crate::status::{Subject, subjects};

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
        let open = Journey::of(facts, &target.namespace, &target.vm).ok().flatten().filter(Journey::is_open);
        let resumes = open.as_ref().is_some_and(|open| is_same(open, &wish) && !open.back);
        let found = drafted(&wish, target, facts, session);
        let why = match (&found, &open) {
            (_, Some(open)) if !resumes => {
                Some(("another move is under way".to_owned(), format!("it stands at: {}", open.stage)))
            }
            (Err(Ok(refusal)), _) => Some((refusal.reason.clone(), refusal.help.clone())),
            (Err(Err(refused)), _) => return tell(refused, terminal),
            (Ok(draft), _) => draft
                .checks
                .iter()
                .find_map(|check| match &check.found {
                    Found::Failed { why, help } => Some((format!("{}: {why}", check.what), help.clone())),
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
                    "{} {}: {why}\n",
                    "stay".style(terminal.out.error),
                    head.style(terminal.out.strong)
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
    let question = format!("move {} machines away from {node} while they run?", ready.len());
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
