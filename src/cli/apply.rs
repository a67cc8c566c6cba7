//! `kubectl wukong apply`

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use owo_colors::Style;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Exit;
use super::access::AccessArgs;
use super::confirm::confirmed;
use super::input::InputArgs;
use super::session::{Session, plans, tell, tell_gaps, wanted};
use super::terminal::Terminal;
use super::wait::{self, WaitArgs};
use crate::cluster::{Carry, Door, Interrupt, Refused, Stopped, fetch};
use crate::facts::kind;
use crate::output;
use crate::plan::{self, Plan, Wishes};
use crate::{Machine, Options};

/// Bring machines into the state of their files.
///
/// Plans first, as `diff` shows it, then writes by server-side apply. Nothing is written if a file is invalid or if
/// anything is in the way of a machine. No disk is ever deleted, and a machine that a person stopped stays stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong apply -f vm.yaml --wait
  kubectl wukong apply -f machines/ -R --dry-run=server
  kubectl wukong apply -f vm.yaml --adopt
  kubectl wukong apply -f vm.yaml --start")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line, and they are independent")]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// Plan only, or let the server pretend as well.
    #[arg(long, value_name = "none|client|server", default_value = "none", hide_possible_values = true)]
    dry_run: DryRun,

    /// Delete Secrets and networks that this tool made and the file wants no more. Never a disk.
    #[arg(long)]
    prune: bool,

    /// Take fields that other managers own.
    #[arg(long)]
    force_conflicts: bool,

    /// Take over objects of the wanted names that this tool did not make.
    #[arg(long)]
    adopt: bool,

    /// Start machines that a person stopped, where the file says so.
    #[arg(long, conflicts_with = "stop")]
    start: bool,

    /// Stop machines that a person started, where the file says so.
    #[arg(long)]
    stop: bool,

    /// Refuse a changed image instead of noting it.
    #[arg(long)]
    strict_image: bool,

    /// Answer all questions with yes.
    #[arg(short = 'y', long)]
    yes: bool,

    /// How many machines are written at the same time.
    #[arg(long, value_name = "COUNT", default_value = "16", value_parser = clap::value_parser!(u8).range(1..))]
    concurrency: u8,

    /// For people, or one JSON object a line for programs.
    #[arg(short = 'o', long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    output: Format,

    #[command(flatten)]
    wait: WaitArgs,

    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DryRun {
    /// Write.
    None,
    /// Plan only.
    Client,
    /// The server pretends to write.
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How the work on one machine ended.
enum Ended {
    Done,
    Failed(Exit, String, Option<String>),
    /// The cluster moved, and what would be done now is more than was shown.
    Moved(Box<Plan>),
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let wishes = Wishes {
        adopt: args.adopt,
        force_conflicts: args.force_conflicts,
        start: args.start,
        stop: args.stop,
        prune: args.prune,
        strict_image: args.strict_image,
    };
    let session = Session::open(&args.access, terminal)?;
    let options = Options { fallback_namespace: Some(session.door.namespace().to_owned()), ..args.input.options() };
    let Some((loaded, options)) = args.input.load_with_policies(&options, &session, terminal) else {
        return Ok(Exit::Cluster);
    };
    terminal.report(&loaded.report, &loaded.sources);
    if !loaded.report.is_valid() {
        return Ok(Exit::BadFile);
    }
    let machines = loaded.machines;
    let planned = session.runtime.block_on(plans(&session.door, &machines, &options, wishes));
    let plans = match planned {
        Ok((facts, plans)) => {
            tell_gaps(&facts, &plans, terminal);
            plans
        }
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    show(args, &plans, terminal)?;
    if args.dry_run == DryRun::Client {
        return Ok(if plans.iter().any(|plan| stuck(plan, wishes)) { Exit::Refused } else { Exit::Done });
    }
    let questions: Vec<_> =
        plans.iter().filter(|plan| !stuck(plan, wishes)).flat_map(|plan| plan.questions.clone()).collect();
    if args.dry_run == DryRun::None && !confirmed(&questions, args.yes, terminal) {
        return Ok(Exit::Refused);
    }
    let work = Work {
        door: session.door.clone(),
        options: Arc::new(options),
        wishes,
        dry_run: args.dry_run == DryRun::Server,
        interrupt: Arc::new(Interrupt::default()),
        json: args.output == Format::Json,
        quiet: plans.len() > 1,
    };
    let machines: Vec<_> = machines.into_iter().map(Arc::new).collect();
    let ended = session.runtime.block_on(async {
        let interrupt = Arc::clone(&work.interrupt);
        let listener = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                interrupt.set();
            }
        });
        let ended = work.all(&machines, &plans, args.concurrency).await;
        listener.abort();
        ended
    });
    let exit = report(&plans, &ended, &work, wishes, terminal)?;
    if exit != Exit::Done || !args.wait.wanted() || work.dry_run {
        return Ok(exit);
    }
    let vms = plans.iter().filter_map(|plan| {
        let vm = plan.steps.iter().find(|step| step.kind == kind::MACHINE)?;
        Some((plan.namespace.clone(), vm.name.clone()))
    });
    let goals: Vec<_> = vms.collect();
    Ok(wait::run(&session, &goals, &args.wait, work.json, terminal))
}

/// Whether nothing of a plan may be done.
fn stuck(plan: &Plan, wishes: Wishes) -> bool {
    !plan.refusals.is_empty() || !plan.conflicts.is_empty() && !wishes.force_conflicts
}

fn show(args: &Args, plans: &[Plan], terminal: &Terminal) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if args.output == Format::Json {
        for plan in plans {
            writeln!(out, "{}", json!({"type": "plan", "plan": output::plan_json(plan)}))?;
        }
        return Ok(());
    }
    out.write_all(output::plans(plans, false, &terminal.out, terminal.out_width).as_bytes())?;
    Ok(())
}

/// What all machines of a run share.
#[derive(Clone)]
struct Work {
    door: Door,
    options: Arc<Options>,
    wishes: Wishes,
    dry_run: bool,
    interrupt: Arc<Interrupt>,
    json: bool,
    quiet: bool,
}

/// How often a plan is made again because the cluster moved.
const TRIES: u32 = 8;

impl Work {
    /// Carries out all plans that nothing is in the way of, some at a time. The results are in the order of the plans.
    async fn all(&self, machines: &[Arc<Machine>], plans: &[Plan], concurrency: u8) -> Vec<Ended> {
        let permits = Arc::new(Semaphore::new(concurrency.into()));
        let results = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for (at, (machine, plan)) in machines.iter().zip(plans).enumerate() {
            if stuck(plan, self.wishes) || plan.is_empty() {
                continue;
            }
            let (work, machine, plan) = (self.clone(), Arc::clone(machine), plan.clone());
            let (permits, results) = (Arc::clone(&permits), Arc::clone(&results));
            tasks.spawn(async move {
                let _permit = permits.acquire().await;
                let ended = work.one(&machine, plan).await;
                results.lock().unwrap_or_else(PoisonError::into_inner).push((at, ended));
            });
        }
        while tasks.join_next().await.is_some() {}
        let mut ended: Vec<_> = plans.iter().map(|_| Ended::Done).collect();
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, result) in results.drain(..) {
            ended[at] = result;
        }
        ended
    }

    /// One machine. If the cluster moved, it is read again; only what was shown is done.
    async fn one(&self, machine: &Machine, shown: Plan) -> Ended {
        let mut plan = shown.clone();
        let done = |step: &plan::Step| self.tell(&shown, step);
        for turn in 0..TRIES {
            let carry = Carry { door: &self.door, dry_run: self.dry_run, interrupt: &self.interrupt, done: &done };
            match carry.out(&plan).await {
                Ok(()) => return Ended::Done,
                Err(Stopped::Interrupted) => {
                    return Ended::Failed(
                        Exit::Interrupted,
                        "interrupted; what was written stays".into(),
                        Some("apply again to go on".into()),
                    );
                }
                Err(Stopped::Refused(refused)) => return failed(&refused),
                Err(Stopped::Moved(refused)) if turn + 1 == TRIES => return failed(&refused),
                Err(Stopped::Moved(_)) => {}
            }
            // Another writer may be half way through: let it finish.
            tokio::time::sleep(Duration::from_millis(50 << turn)).await;
            match fetch(&self.door, &wanted([machine])).await {
                Ok(facts) => plan = plan::compare(machine, &self.options, &facts, self.wishes),
                Err(refused) => return failed(&refused),
            }
            if !plan.does_no_more_than(&shown) {
                return Ended::Moved(Box::new(plan));
            }
        }
        Ended::Done
    }

    /// Says what was written, at once.
    fn tell(&self, plan: &Plan, step: &plan::Step) {
        let place = format!("{}/{}", plan.namespace, step.name);
        let mut out = io::stdout().lock();
        // A closed pipe must not end a run in the middle of its writes.
        let _ = if self.json {
            let event = json!({
                "type": "written", "op": step.op.as_str(), "kind": step.kind, "namespace": plan.namespace,
                "name": step.name, "dryRun": self.dry_run,
            });
            writeln!(out, "{event}")
        } else if self.quiet {
            Ok(())
        } else {
            let suffix = if self.dry_run { " (server dry run)" } else { "" };
            writeln!(out, "{:<7} {} {place}{suffix}", past(step.op), step.kind)
        };
    }
}

fn failed(refused: &Refused) -> Ended {
    Ended::Failed(Exit::Cluster, refused.to_string(), refused.help())
}

const fn past(op: plan::Op) -> &'static str {
    match op {
        plan::Op::Create => "created",
        plan::Op::Update => "updated",
        plan::Op::Adopt => "adopted",
        plan::Op::Grow => "grown",
        plan::Op::Delete => "deleted",
        plan::Op::Keep => "kept",
    }
}

/// The end of the run: for many machines a table, for one its state. The worst exit code wins.
fn report(plans: &[Plan], ended: &[Ended], work: &Work, wishes: Wishes, terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut exits = vec![Exit::Done];
    let mut rows = Vec::new();
    let styles = &terminal.out;
    for (plan, ended) in plans.iter().zip(ended) {
        let name = format!("{}/{}", plan.namespace, plan.name);
        let (result, style, detail) = match ended {
            _ if stuck(plan, wishes) => {
                exits.push(Exit::Refused);
                let first = plan.refusals.first().map(|refusal| format!("{}: {}", refusal.object, refusal.reason));
                ("refused", styles.error, first.unwrap_or_else(|| "fields of other managers".into()))
            }
            Ended::Done if !plan.differs() => ("unchanged", Style::new(), String::new()),
            Ended::Done => ("applied", styles.help, String::new()),
            Ended::Failed(exit, reason, help) => {
                exits.push(*exit);
                terminal.error(&format!("{name}: {reason}"));
                if let Some(help) = help {
                    terminal.help(help);
                }
                ("failed", styles.error, reason.clone())
            }
            Ended::Moved(now) => {
                exits.push(Exit::Cluster);
                terminal.error(&format!(
                    "{name}: the cluster changed while it was written, and more would be done now than was shown"
                ));
                let text = output::plans(std::slice::from_ref(now), true, &terminal.err, terminal.err_width);
                // As in `tell`.
                let _ = io::stderr().write_all(text.as_bytes());
                terminal.help("look at it, and apply again");
                ("stopped", styles.error, "the cluster changed meanwhile".to_owned())
            }
        };
        rows.push((name, result, style, detail));
    }
    let exit = worst(&exits);
    let mut out = io::stdout().lock();
    if work.json {
        for (name, word, _, detail) in rows {
            writeln!(out, "{}", json!({"type": "machine", "machine": name, "result": word, "detail": detail}))?;
        }
    } else if plans.len() > 1 {
        let count = |wanted: &str| rows.iter().filter(|(_, word, _, _)| *word == wanted).count();
        let words = ["applied", "unchanged", "refused", "failed", "stopped"];
        let counts: Vec<_> =
            words.iter().filter(|word| count(word) > 0).map(|word| format!("{} {word}", count(word))).collect();
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|(_, word, _, _)| *word != "unchanged")
            .map(|(name, word, style, detail)| {
                vec![(name, Style::new()), (word.to_owned(), style), (detail, Style::new())]
            })
            .collect();
        if !rows.is_empty() {
            write!(out, "\n{}", output::table(&["MACHINE", "RESULT", ""], &rows, styles, terminal.out_width))?;
        }
        writeln!(out, "{}", counts.join(", "))?;
    }
    Ok(exit)
}

/// Of several, refused wins over the cluster's over time; an interruption is what the person did last.
fn worst(exits: &[Exit]) -> Exit {
    let order = [Exit::Interrupted, Exit::Refused, Exit::Cluster, Exit::TimedOut];
    order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Done)
}
