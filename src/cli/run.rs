//! `kubectl wukong start`, `stop` and `restart`

use serde_json::{Value, json};

use super::Exit;
use super::access::AccessArgs;
use super::confirm::confirmed;
use super::session::{Session, tell};
use super::target::{Target as _, TargetArgs};
use super::terminal::Terminal;
use super::wait::{self, WaitArgs};
use crate::cluster::{Refused, Resource, Write};
use crate::facts::{Facts, kind, text};
use crate::plan::{Sent, To};
use crate::status::Subject;

/// Start machines, with the run strategy of their files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong start web --wait
  kubectl wukong start vm/legacy -n prod")]
pub(super) struct StartArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    access: AccessArgs,
}

/// Stop machines.
///
/// They stay stopped until they are started, or until their files say something else than now.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong stop web --wait")]
pub(super) struct StopArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    access: AccessArgs,
}

/// Restart machines, with all that waits for the next start.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong restart web --yes --wait")]
pub(super) struct RestartArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Do not ask.
    #[arg(short = 'y', long)]
    yes: bool,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    access: AccessArgs,
}

pub(super) fn start(args: &StartArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    Ok(each(&session, &args.target, &args.wait, terminal, after_stop, |target, facts| {
        let Some(vm) = target.machine(facts) else { return Ok(None) };
        session.runtime.block_on(start_one(&session, target, vm, facts)).map(Some)
    }))
}

pub(super) fn stop(args: &StopArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    Ok(each(
        &session,
        &args.target,
        &args.wait,
        terminal,
        |_, _| To::Stop,
        |target, facts| {
            let Some(vm) = target.machine(facts) else { return Ok(None) };
            if halted(vm) && !target.runs(facts) {
                return Ok(Some("is stopped already"));
            }
            session.runtime.block_on(call(&session, target, "stop", &json!({})))?;
            Ok(Some("is stopping"))
        },
    ))
}

pub(super) fn restart(args: &RestartArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let (facts, targets) = match args.target.find(&session) {
        Ok(found) => found,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let running: Vec<_> = targets.iter().filter(|target| target.runs(&facts)).collect();
    let questions: Vec<_> =
        running.iter().map(|target| format!("restart {}? its guest is shut down", target.shown())).collect();
    if !confirmed(&questions, args.yes, terminal) {
        return Ok(Exit::Refused);
    }
    // It is read again: a person may have thought about the question for long.
    Ok(each(&session, &args.target, &args.wait, terminal, again, |target, facts| {
        let Some(vm) = target.machine(facts) else { return Ok(None) };
        if !target.runs(facts) {
            return session.runtime.block_on(start_one(&session, target, vm, facts)).map(Some);
        }
        session.runtime.block_on(call(&session, target, "restart", &json!({})))?;
        Ok(Some("is restarting"))
    }))
}

/// Running, and as another instance than the one that runs now.
fn again(target: &Subject, facts: &Facts) -> To {
    let running = facts.get(kind::INSTANCE, &target.namespace, &target.vm).filter(|_| target.runs(facts));
    running.and_then(|running| text(running, "/metadata/uid")).map_or(To::Run, |uid| To::RunAgain(uid.to_owned()))
}

/// Running; as another instance if one is still stopping.
fn after_stop(target: &Subject, facts: &Facts) -> To {
    if target.machine(facts).is_some_and(halted) { again(target, facts) } else { To::Run }
}

/// Whether a machine is told not to run.
fn halted(vm: &Value) -> bool {
    text(vm, "/spec/runStrategy") == Some("Halted") || vm.pointer("/spec/running") == Some(&json!(false))
}

/// Does something to each machine that was named; one failure does not stop the others.
fn each(
    session: &Session,
    args: &TargetArgs,
    waits: &WaitArgs,
    terminal: &Terminal,
    to: impl Fn(&Subject, &Facts) -> To,
    act: impl Fn(&Subject, &Facts) -> Result<Option<&'static str>, Refused>,
) -> Exit {
    let (facts, targets) = match args.find(session) {
        Ok(found) => found,
        Err(refused) => return tell(&refused, terminal),
    };
    let mut exit = Exit::Done;
    let mut goals = Vec::new();
    for target in &targets {
        match act(target, &facts) {
            Ok(Some(state)) => {
                terminal.say(&format!("{}/{} {state}\n", target.namespace, target.shown()));
                goals.push(Sent {
                    namespace: target.namespace.clone(),
                    vm: target.vm.clone(),
                    shown: target.shown(),
                    to: to(target, &facts),
                });
            }
            Ok(None) => exit = target.missing(&facts, terminal),
            Err(refused) => exit = tell(&refused, terminal),
        }
    }
    if exit == Exit::Done && waits.wanted() { wait::run(session, &goals, waits, false, terminal) } else { exit }
}

/// Starts a machine with the strategy that its file said last: KubeVirt's own start would make it Always.
async fn start_one(session: &Session, target: &Subject, vm: &Value, facts: &Facts) -> Result<&'static str, Refused> {
    if target.runs(facts) && !halted(vm) {
        return Ok("runs already");
    }
    let wanted = target.record.as_ref().and_then(|record| record.run_strategy.as_deref());
    let wanted = wanted.filter(|strategy| !matches!(*strategy, "Halted" | "Manual"));
    if let (Some(wanted), Some("Halted")) = (wanted, text(vm, "/spec/runStrategy")) {
        let manager = target.manager();
        let write = Write { manager: &manager, force: false, dry_run: false };
        let patch = json!({
            "metadata": {"uid": vm["metadata"]["uid"]},
            "spec": {"runStrategy": wanted},
        });
        session.door.merge(Resource::VirtualMachine, Some(&target.namespace), &target.vm, &patch, &write).await?;
    } else {
        call(session, target, "start", &json!({})).await?;
    }
    Ok("is starting")
}

async fn call(session: &Session, target: &Subject, verb: &str, body: &Value) -> Result<(), Refused> {
    let (namespace, vm) = (&target.namespace, &target.vm);
    let path = format!("apis/subresources.kubevirt.io/v1/namespaces/{namespace}/virtualmachines/{vm}/{verb}");
    session.door.put_subresource(&path, body).await.map(|_| ())
}
