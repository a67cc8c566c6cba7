//! `kubectl wukong init`

use std::io::{self, Write as _};

use super::Exit;
use super::terminal::Terminal;
use crate::spec::starter;
use crate::{Input, Options, load};

/// Print a first file for a new machine, with comments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  kubectl wukong init web > web.yaml")]
pub(super) struct Args {
    /// The machine's name.
    name: String,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    // The name goes into a text: what is no plain word never gets there.
    if !args.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') || args.name.is_empty() {
        terminal.error(&format!("`{}` is not a name: use lower-case letters, digits and `-`", args.name));
        return Ok(Exit::Usage);
    }
    let text = starter(&args.name);
    let loaded = load(vec![Input::new(format!("{}.yaml", args.name), &text)], &Options::default());
    if !loaded.report.is_valid() {
        terminal.report(&loaded.report, &loaded.sources);
        return Ok(Exit::Usage);
    }
    io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}
