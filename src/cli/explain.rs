//! `kubectl wukong explain`

use std::io::{self, Write as _};

use anyhow::bail;

use super::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Code;
use crate::spec::explain;
use crate::text::{plain, wrap};

/// Explain a field of a Wukong file, or a code such as WK301.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong explain spec.disks
  kubectl wukong explain --recursive
  kubectl wukong explain WK308")]
pub(super) struct Args {
    /// The path of a field, such as `spec.disks.image`, or a code. Without one, the file itself.
    #[arg(default_value = "")]
    path: String,

    /// List all fields below it.
    #[arg(long)]
    recursive: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let page = match Code::ALL.iter().find(|code| code.as_str().eq_ignore_ascii_case(&args.path)) {
        Some(code) => {
            format!(
                "{} ({}): {}\n\n{}\n",
                code,
                code.severity().as_str(),
                code.title(),
                wrap(&plain(code.why()), terminal.out_width.cells(), 0)
            )
        }
        None => match explain(&args.path, args.recursive, terminal.out, terminal.out_width.cells()) {
            Ok(page) => page,
            Err(error) => {
                let parent =
                    if error.parent.is_empty() { "a Wukong".to_owned() } else { format!("`{}`", error.parent) };
                let hint = match error.near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("see: {}", format!("kubectl wukong explain {}", error.parent).trim_end()),
                };
                bail!("{parent} has no field `{}`; {hint}", error.part)
            }
        },
    };
    io::stdout().write_all(page.as_bytes())?;
    Ok(Exit::Done)
}
