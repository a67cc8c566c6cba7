//! `kubectl wukong schema`

use std::io::{self, Write as _};

use super::Exit;
use crate::output;
use crate::spec::{crd, json_schema};
use crate::text::yaml;

/// Print the JSON Schema for editors, or a CRD.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong schema > wukong.schema.json
  kubectl wukong schema --crd | kubectl apply --server-side -f -")]
pub(super) struct Args {
    /// Print a CustomResourceDefinition, so that an API server checks Wukongs that are kept in it.
    #[arg(long)]
    crd: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let text = if args.crd { yaml(&crd()) } else { output::json(&json_schema()) };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}
