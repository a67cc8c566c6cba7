//! `kubectl wukong doctor`

use std::io::{self, Write as _};

use super::Exit;
use super::access::AccessArgs;
use super::input::namespace;
use super::session::{Session, tell};
use super::terminal::Terminal;
use crate::cluster::checkup;
use crate::doctor::{State, doctor};
use crate::output;
use crate::text::yaml;

/// Show whether the cluster is fit for machines, and how to mend what is not.
///
/// Looks at versions, kinds, StorageClasses, settings of KubeVirt, nodes, and what you may do in the namespace. It changes
/// nothing. What may not be read is told as not known. Exits with 1 if something is broken.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong doctor
  kubectl wukong doctor -n prod -o json")]
pub(super) struct Args {
    /// The namespace for which rights are asked; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,

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
    let all = doctor(&facts, &server);
    let text = match args.output {
        Format::Text => output::checks(&all, &terminal.out, terminal.out_width),
        Format::Json => output::json(&output::doctor_json(&all, namespace)),
        Format::Yaml => yaml(&output::doctor_json(&all, namespace)),
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    let broken = all.iter().any(|check| check.state == State::Broken);
    Ok(if broken { Exit::Unhealthy } else { Exit::Done })
}
