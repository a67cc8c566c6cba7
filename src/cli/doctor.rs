//! `kubectl wukong doctor`

use std::io::{self, Write as _};

use super::Exit;
use super::access::AccessArgs;
use super::input::namespace;
use super::look::now;
use super::session::{Session, tell};
use super::stage::StageArg;
use super::terminal::Terminal;
use crate::advice::{Asked, Stage};
use crate::cluster::{checkup, checkup_machines};
use crate::doctor::{State, at_stage, doctor};
use crate::output;
use crate::text::yaml;

/// Show whether the cluster is fit for machines, and how to mend what is not.
///
/// Looks at versions, kinds, StorageClasses, settings of KubeVirt and CDI, nodes, and what you may do in the namespace. It
/// changes nothing. What may not be read is told as not known. Exits with 1 if something is broken.
///
/// With --stage it also tells what speaks against the default classes and the machines of the namespace at that stage:
/// disks on one node or with one copy, that cannot grow or be snapshotted, system and data on one disk, old backups.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong doctor
  kubectl wukong doctor -n prod -o json
  kubectl wukong doctor -n prod --stage production
  kubectl wukong doctor -A --stage pre-production --backup-days 3")]
pub(super) struct Args {
    /// The namespace for which rights are asked; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,

    /// Also tell what speaks against machines at this stage.
    #[arg(long, value_name = "development|pre-production|production", hide_possible_values = true)]
    stage: Option<StageArg>,

    /// Look at the machines of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace", requires = "stage")]
    all_namespaces: bool,

    /// How old the youngest backup of a machine may be; 7 days before production, 1 in production if not given.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..), requires = "stage")]
    backup_days: Option<u32>,

    /// For people, or for programs.
    #[arg(short = 'o', long, value_name = "text|json|yaml", default_value = "text", hide_possible_values = true)]
    output: Format,

    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let namespace = args.namespace.as_deref().unwrap_or_else(|| session.door.namespace());
    let (facts, server) = match session.runtime.block_on(checkup(&session.door, namespace)) {
        Ok(found) => found,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let mut all = doctor(&facts, &server);
    if let Some(stage) = args.stage.map(Stage::from) {
        let place = Some(namespace).filter(|_| !args.all_namespaces);
        let machines = match session.runtime.block_on(checkup_machines(&session.door, place)) {
            Ok(machines) => machines,
            Err(refused) => return Ok(tell(&refused, terminal)),
        };
        let mut facts = facts;
        facts.extend(machines);
        let backup_days = args.backup_days.unwrap_or(stage.backup_days());
        all.extend(at_stage(&facts, &Asked { stage, backup_days, now: now(), namespace: place }));
    }
    let text = match args.output {
        Format::Text => output::checks(&all, &terminal.out, terminal.out_width.cells()),
        Format::Json => output::json(&output::doctor_json(&all, namespace)),
        Format::Yaml => yaml(&output::doctor_json(&all, namespace)),
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    let broken = all.iter().any(|check| check.state == State::Broken);
    Ok(if broken { Exit::Unhealthy } else { Exit::Done })
}
