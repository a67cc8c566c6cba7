//! `kubectl wukong validate`

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;

use super::Exit;
use super::access::AccessArgs;
use super::input::InputArgs;
use super::look::{now, read};
use super::session::{Session, ask, tell};
use super::stage::StageArg;
use super::terminal::{Terminal, counts};
use crate::advice::{Stage, of_file};
use crate::cluster::{Purpose, Refused, Wanted, fetch, planned};
use crate::diagnostic::{to_json, to_sarif};
use crate::facts::{Facts, kind};
use crate::plan::{Plan, Wishes};
use crate::{Code, Diagnostic, Loaded, Machine, Options, output};

/// Check Wukong files and tell every problem in one run.
///
/// Each problem comes with a code, its place and what to write instead. Works offline. Exits with 1 if there is an error; warnings alone are no failure.
///
/// With --stage it also warns of what speaks against the disks at that stage, as far as a file tells; with --server-side as well, or with --facts, of what the classes of the cluster do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong validate -f vm.yaml
  kubectl wukong validate -f machines/ -R -o sarif > wukong.sarif
  kubectl wukong validate -f vm.yaml --stage production --server-side")]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// For people, for scripts, or SARIF 2.1.0 for code hosts.
    #[arg(short = 'o', long, value_name = "text|json|sarif", default_value = "text", hide_possible_values = true)]
    output: Format,

    /// Also warn of what speaks against machines at this stage.
    #[arg(long, value_name = "development|pre-production|production", hide_possible_values = true)]
    stage: Option<StageArg>,

    /// Ask the cluster's admission as well, by a dry run of every write.
    // `--server` is kubectl's flag for the address of the API server.
    #[arg(long)]
    server_side: bool,

    /// Take the classes from a file that --save-facts wrote, instead of a cluster.
    #[arg(long, value_name = "FILE", requires = "stage", conflicts_with = "server_side")]
    facts: Option<PathBuf>,

    /// Write the classes of the cluster into a file, without secrets: for runs without a cluster.
    #[arg(long, value_name = "FILE", requires = "stage", requires = "server_side")]
    save_facts: Option<PathBuf>,

    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people: problems to standard error, a summary to standard output.
    Text,
    /// For scripts.
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    if args.server_side {
        return super::reached(of_cluster(args, terminal), terminal);
    }
    let mut loaded = args.input.load(&args.input.options());
    if let Some(stage) = args.stage {
        let facts = args.facts.as_ref().map(|path| read(path, Purpose::Classes)).transpose()?;
        advise(&mut loaded, stage.into(), facts.as_ref().map(|(facts, _)| facts), terminal);
    }
    show(args, &loaded, terminal)
}

/// What speaks against the machines of the files.
fn advise(loaded: &mut Loaded, stage: Stage, classes: Option<&Facts>, terminal: &Terminal) {
    for gap in classes.iter().flat_map(|facts| facts.gaps()) {
        terminal.warning(&format!("judged without it: {}", gap.reason));
    }
    for machine in &loaded.machines {
        of_file(machine, stage, classes, &mut loaded.report);
    }
    let known = classes.filter(|facts| facts.unknown(kind::CLASS, "").is_none());
    let disks = loaded.machines.iter().flat_map(|machine| &machine.disks);
    let named: BTreeSet<_> = disks.filter_map(|disk| disk.class.as_deref()).collect();
    for class in
        named.into_iter().filter(|class| known.is_some_and(|facts| facts.get(kind::CLASS, "", class).is_none()))
    {
        terminal.warning(&format!("there is no StorageClass `{class}`: nothing is known of its disks"));
    }
}

/// The same with a cluster: what it would refuse is an error.
fn of_cluster(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let Some((mut loaded, options)) = args.input.load_with_policies(&session, terminal) else {
        return Ok(Exit::Cluster);
    };
    let asked = session.runtime.block_on(async {
        let problems = admit(&session, &loaded.machines, &options).await?;
        let classes = match args.stage {
            Some(_) => Some(classes(&session, &loaded.machines).await?),
            None => None,
        };
        Ok::<_, Refused>((problems, classes))
    });
    let (problems, classes) = match asked {
        Ok(asked) => asked,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    loaded.report.extend(problems);
    if let (Some(stage), Some(classes)) = (args.stage, &classes) {
        if let Some(path) = &args.save_facts {
            let file = output::json(&classes.to_file(now()));
            std::fs::write(path, file).with_context(|| format!("cannot write {}", path.display()))?;
        }
        advise(&mut loaded, stage.into(), Some(classes), terminal);
    }
    show(args, &loaded, terminal)
}

/// What stands in the way of each machine: what its plan refuses, and what admission does.
async fn admit(session: &Session, machines: &[Machine], options: &Options) -> Result<Vec<Diagnostic>, Refused> {
    if machines.is_empty() {
        return Ok(Vec::new());
    }
    // Who made what is there already is no matter of the file: in a cluster that GitOps keeps, it is another tool.
    let wishes = Wishes { adopt: true, ..Wishes::default() };
    let (_, mut plans) = planned(&session.door, machines, options, wishes).await?;
    let mut problems = Vec::new();
    for (machine, plan) in machines.iter().zip(&mut plans) {
        problems.extend(refusals(machine, plan));
        ask(&session.door, plan, true, |step, refused| {
            if !refused.is_about_object() {
                return Err(refused);
            }
            let disk = machine.disks.iter().find(|disk| disk.claim == step.name);
            let span = disk.map_or(machine.name_span, |disk| disk.name_span);
            let problem = Diagnostic::new(Code::ClusterRefuses, span, refused.to_string());
            problems.push(match refused.help() {
                Some(help) => problem.help(help),
                None => problem,
            });
            Ok(())
        })
        .await?;
    }
    Ok(problems)
}

fn refusals<'m>(machine: &'m Machine, plan: &'m Plan) -> impl Iterator<Item = Diagnostic> {
    plan.refusals.iter().map(|refusal| {
        let message = format!("{}: {}", refusal.object, refusal.reason);
        Diagnostic::new(Code::ClusterRefuses, machine.name_span, message).help(refusal.help.clone())
    })
}

/// The classes of the cluster, and the claims that are there.
async fn classes(session: &Session, machines: &[Machine]) -> Result<Facts, Refused> {
    let namespaces = machines.iter().filter_map(|machine| machine.namespace.clone()).collect();
    fetch(&session.door, &Wanted { namespaces, purpose: Purpose::Classes, ..Wanted::default() }).await
}

fn show(args: &Args, loaded: &Loaded, terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    match args.output {
        Format::Text => {
            terminal.report(&loaded.report, &loaded.sources);
            if loaded.report.is_valid() {
                let machines = match loaded.machines.len() {
                    1 => "1 machine is valid".to_owned(),
                    count => format!("{count} machines are valid"),
                };
                writeln!(out, "{machines} ({})", counts(&loaded.report))?;
            }
        }
        Format::Json => write!(out, "{}", output::json(&to_json(&loaded.report, &loaded.sources)))?,
        Format::Sarif => {
            let sarif = to_sarif(&loaded.report, &loaded.sources, env!("CARGO_PKG_VERSION"));
            write!(out, "{}", output::json(&sarif))?;
        }
    }
    Ok(if loaded.report.is_valid() { Exit::Done } else { Exit::Invalid })
}
