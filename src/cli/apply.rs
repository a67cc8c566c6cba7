//! `kubectl wukong apply`

use std::io::{self, Write as _};
use std::sync::Arc;

use owo_colors::Style;
use serde_json::json;

use super::Exit;
use super::access::AccessArgs;
use super::confirm::confirmed;
use super::input::InputArgs;
use super::session::{self, Session, tell_gaps};
use super::terminal::Terminal;
use super::wait::{self, WaitArgs};
use crate::cluster::{Ended, Fleet, planned};
use crate::facts::kind;
use crate::output;
use crate::plan::{self, Plan, Sent, To, Wishes};

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
    let Some((loaded, options)) = args.input.load_with_policies(&session, terminal) else {
        return Ok(Exit::Cluster);
    };
    terminal.report(&loaded.report, &loaded.sources);
    if !loaded.report.is_valid() {
        return Ok(Exit::BadFile);
    }
    let machines = loaded.machines;
    let plans = match session.runtime.block_on(planned(&session.door, &machines, &options, wishes)) {
        Ok((facts, plans)) => {
            tell_gaps(&facts, &plans, terminal);
            plans
        }
        Err(refused) => return Ok(session::tell(&refused, terminal)),
    };
    show(args, &plans, terminal);
    if args.dry_run == DryRun::Client {
        return Ok(if plans.iter().any(|plan| stuck(plan, wishes)) { Exit::Refused } else { Exit::Done });
    }
    let questions: Vec<_> =
        plans.iter().filter(|plan| !stuck(plan, wishes)).flat_map(|plan| plan.questions.clone()).collect();
    if args.dry_run == DryRun::None && !confirmed(&questions, args.yes, terminal) {
        return Ok(Exit::Refused);
    }
    let tell = Tell {
        terminal: *terminal,
        json: args.output == Format::Json,
        quiet: plans.len() > 1,
        dry_run: args.dry_run == DryRun::Server,
    };
    let fleet = Fleet {
        door: session.door.clone(),
        options: Arc::new(options),
        wishes,
        dry_run: tell.dry_run,
        told: Arc::new(move |plan, step| tell.written(plan, step)),
    };
    let work = machines.into_iter().map(Arc::new).zip(&plans).map(|(machine, plan)| {
        let wanted = !stuck(plan, wishes) && !plan.is_empty();
        (machine, wanted.then(|| plan.clone()))
    });
    let ended = session.runtime.block_on(fleet.carry(work.collect(), args.concurrency.into()));
    let exit = report(&plans, &ended, tell.json, wishes, terminal);
    if exit != Exit::Done || !args.wait.wanted() || tell.dry_run {
        return Ok(exit);
    }
    let vms = plans.iter().filter_map(|plan| {
        let vm = plan.steps.iter().find(|step| step.kind == kind::MACHINE)?;
        Some(Sent {
            namespace: plan.namespace.clone(),
            vm: vm.name.clone(),
            shown: plan.name.clone(),
            to: To::Strategy,
        })
    });
    let goals: Vec<_> = vms.collect();
    Ok(wait::run(&session, &goals, &args.wait, tell.json, terminal))
}

/// Whether nothing of a plan may be done.
fn stuck(plan: &Plan, wishes: Wishes) -> bool {
    !plan.refusals.is_empty() || !plan.conflicts.is_empty() && !wishes.force_conflicts
}

fn show(args: &Args, plans: &[Plan], terminal: &Terminal) {
    if args.output == Format::Json {
        for plan in plans {
            terminal.say(&format!("{}\n", json!({"type": "plan", "plan": output::plan_json(plan)})));
        }
        return;
    }
    terminal.say(&output::plans(plans, false, &terminal.out, terminal.out_width));
}

/// How what was written is told.
#[derive(Clone, Copy)]
struct Tell {
    terminal: Terminal,
    json: bool,
    quiet: bool,
    dry_run: bool,
}

impl Tell {
    /// Says what was written, at once.
    fn written(self, plan: &Plan, step: &plan::Step) {
        if self.json {
            let event = json!({
                "type": "written", "op": step.op.as_str(), "kind": step.kind, "namespace": plan.namespace,
                "name": step.name, "dryRun": self.dry_run,
            });
            self.terminal.say(&format!("{event}\n"));
        } else if !self.quiet {
            let suffix = if self.dry_run { " (server dry run)" } else { "" };
            let (past, kind, namespace, name) = (past(step.op), &step.kind, &plan.namespace, &step.name);
            self.terminal.say(&format!("{past:<7} {kind} {namespace}/{name}{suffix}\n"));
        }
    }
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
fn report(plans: &[Plan], ended: &[Ended], json: bool, wishes: Wishes, terminal: &Terminal) -> Exit {
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
            Ended::Refused(refused) => {
                exits.push(Exit::Cluster);
                terminal.error(&format!("{name}: {refused}"));
                if let Some(help) = refused.help() {
                    terminal.help(&help);
                }
                ("failed", styles.error, refused.to_string())
            }
            Ended::Interrupted => {
                exits.push(Exit::Interrupted);
                terminal.error(&format!("{name}: interrupted; what was written stays, apply again to go on"));
                ("stopped", styles.warning, "interrupted".to_owned())
            }
            Ended::Lost => {
                exits.push(Exit::Cluster);
                terminal.error(&format!("{name}: the work broke off; apply again to go on"));
                ("failed", styles.error, "the work broke off".to_owned())
            }
            Ended::Moved(now) => {
                exits.push(Exit::Cluster);
                terminal.error(&format!(
                    "{name}: the cluster changed while it was written, and more would be done now than was shown"
                ));
                let text = output::plans(std::slice::from_ref(now), true, &terminal.err, terminal.err_width);
                // Nobody is left to tell if standard error is closed.
                let _ = io::stderr().write_all(text.as_bytes());
                terminal.help("look at it, and apply again");
                ("stopped", styles.error, "the cluster changed meanwhile".to_owned())
            }
        };
        rows.push((name, result, style, detail));
    }
    let exit = Exit::worst(&exits);
    if json {
        for (name, word, _, detail) in rows {
            let event = json!({"type": "machine", "machine": name, "result": word, "detail": detail});
            terminal.say(&format!("{event}\n"));
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
            let table = output::table(&["MACHINE", "RESULT", ""], &rows, styles, terminal.out_width);
            terminal.say(&format!("\n{table}"));
        }
        terminal.say(&format!("{}\n", counts.join(", ")));
    }
    exit
}
