//! A command's way to its cluster, and how a refusal of the cluster is told.

use std::sync::Arc;

use anyhow::Context as _;

use super::Exit;
use super::access::{AccessArgs, Heard};
use super::terminal::Terminal;
use crate::cluster::{Door, Refused, Runtime, Write};
use crate::facts::{Facts, Record};
use crate::plan::{Op, Plan, Refusal, Step};

/// A runtime and a way to the server.
pub(super) struct Session {
    /// Runs what waits.
    pub runtime: Runtime,
    /// The way.
    pub door: Door,
}

impl Session {
    /// Finds the way; nothing is sent yet.
    pub(super) fn open(access: &AccessArgs, terminal: &Terminal) -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("the runtime for connections did not start")?;
        let door = runtime.block_on(Door::connect(&access.access(), Arc::new(Heard::on(*terminal, access))))?;
        Ok(Self { runtime, door })
    }
}

/// Tells why the cluster refused, and what to type next.
pub(super) fn tell(refused: &Refused, terminal: &Terminal) -> Exit {
    terminal.error(&refused.to_string());
    if let Some(help) = refused.help() {
        terminal.help(&help);
    }
    Exit::Cluster
}

/// Tells why something is not done, and the way out.
pub(super) fn refuse(refusal: &Refusal, terminal: &Terminal) {
    terminal.error(&format!("{}: {}", refusal.object, refusal.reason));
    terminal.help(&refusal.help);
}

/// Tells what could not be read, unless the plans tell it already.
pub(super) fn tell_gaps(facts: &Facts, plans: &[Plan], terminal: &Terminal) {
    for gap in facts.gaps() {
        let mut told = plans.iter().flat_map(|plan| {
            let notes = plan.notes.iter().map(|note| &note.text);
            notes.chain(plan.refusals.iter().map(|refusal| &refusal.reason))
        });
        if !told.any(|text| text.contains(&gap.reason)) {
            terminal.warning(&format!("planned without it: {}", gap.reason));
        }
    }
}

/// Asks the server to pretend each write of a plan, webhooks included, and replaces what is expected by what it says. With
/// `force` fields of other managers are no matter. What it refuses is handed on, and ends the asking if that is an error.
pub(super) async fn ask(
    door: &Door,
    plan: &mut Plan,
    force: bool,
    mut refused: impl FnMut(&Step, Refused) -> Result<(), Refused>,
) -> Result<(), Refused> {
    let manager = Record::manager(&plan.name);
    let writes = |step: &&mut Step| {
        matches!(step.op, Op::Create | Op::Update | Op::Adopt) && !step.only_noted() && !step.merges()
    };
    for step in plan.steps.iter_mut().filter(writes) {
        let write = Write { manager: &manager, force: force || step.force, dry_run: true };
        match door.apply(&step.body, &write).await {
            Ok(stored) => step.expect(stored),
            Err(why) => refused(step, why)?,
        }
    }
    Ok(())
}
