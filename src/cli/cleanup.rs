//! `kubectl wukong migrate --cleanup`

use super::Exit;
use super::confirm::confirmed;
use super::migrate::Args;
use super::session::refuse;
use super::travel::Road;
use crate::facts::{Facts, Journey};
use crate::migrate::left;
use crate::output;
use crate::plan::Refusal;

/// Shows what moves left, asks, and deletes it.
pub(super) fn clean(args: &Args, journey: Option<&Journey>, facts: &Facts, road: &Road<'_>) -> Exit {
    let (target, terminal) = (road.target, road.terminal);
    let Some(journey) = journey else {
        terminal.say(&format!("no move of {} has left anything\n", target.shown()));
        return Exit::Done;
    };
    if journey.is_open() {
        refuse(
            &Refusal {
                object: target.shown(),
                reason: "a move is under way, and may need what it left".into(),
                help: "--continue ends it, --abort takes it back".into(),
            },
            terminal,
        );
        return Exit::Refused;
    }
    let lefts = left(journey, facts, &target.namespace);
    if !lefts.is_empty() {
        terminal.say(&output::lefts(&lefts, &terminal.out, terminal.out_width));
    }
    let going: Vec<_> = lefts.iter().filter(|left| left.goes()).collect();
    let refused = lefts.iter().any(|left| left.refusal.is_some());
    if going.is_empty() {
        terminal.say("nothing is deleted\n");
    }
    if args.dry_run {
        return Exit::Done;
    }
    if going.is_empty() && refused {
        return Exit::Refused;
    }
    let questions: Vec<_> =
        going.iter().map(|left| format!("delete the claim {} with its data?", left.kept.claim)).collect();
    if !confirmed(&questions, args.yes, terminal) {
        return Exit::Refused;
    }
    let confirmed: Vec<_> = going.iter().map(|left| (left.kept.claim.clone(), left.kept.uid.clone())).collect();
    let exit = super::travel::cleanup(road, &confirmed);
    if refused && exit == Exit::Done { Exit::Refused } else { exit }
}
