//! `kubectl wukong validate`

use std::io::{self, Write as _};

use super::Exit;
use super::input::InputArgs;
use super::terminal::{Terminal, counts};
use crate::diagnostic::{to_json, to_sarif};
use crate::output;

/// Check Wukong files and tell every problem in one run.
///
/// Each problem comes with a code, its place and what to write instead. Works offline. Exits with 1 if there is an error; warnings alone are no failure.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong validate -f vm.yaml
  kubectl wukong validate -f machines/ -R -o sarif > wukong.sarif")]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// For people, for scripts, or SARIF 2.1.0 for code hosts.
    #[arg(short = 'o', long, value_name = "text|json|sarif", default_value = "text", hide_possible_values = true)]
    output: Format,
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
    let loaded = args.input.load(&args.input.options());
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
