//! `kubectl wukong man`

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap_mangen::Man;

use super::Exit;
use super::write::Directory;

/// Print a manual page, or write all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong man | man -l -
  kubectl wukong man snapshot restore | man -l -
  kubectl wukong man --output-dir ~/.local/share/man/man1")]
pub(super) struct Args {
    /// The command whose page is wanted; the main page without one.
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,

    /// Write the pages of all commands into this directory.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    output_dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, command: clap::Command) -> anyhow::Result<Exit> {
    // A page is found by the name of its file, which has no space.
    let mut command = command.name("kubectl-wukong").disable_help_subcommand(true);
    command.build();
    if let Some(path) = &args.output_dir {
        let folder = Directory::open(path)?;
        write(&command, &folder, path)?;
        folder.sync();
        return Ok(Exit::Done);
    }
    let mut wanted = &command;
    for name in &args.command {
        match wanted.find_subcommand(name) {
            Some(below) => wanted = below,
            None => bail!("there is no command `{}`; `kubectl wukong --help` lists them", args.command.join(" ")),
        }
    }
    io::stdout().write_all(page(wanted)?.as_bytes())?;
    Ok(Exit::Done)
}

fn write(command: &clap::Command, folder: &Directory, path: &Path) -> anyhow::Result<()> {
    let name = Man::new(command.clone()).get_filename();
    folder.write(&name, &page(command)?, false)?;
    writeln!(io::stdout(), "{}", path.join(name).display())?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below, folder, path)?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> anyhow::Result<String> {
    let source = format!("kubectl-wukong {}", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    // No date: a page is made anew each time, and says of which version it is.
    Man::new(command.clone()).date(" ").source(source).manual("kubectl wukong").render(&mut page)?;
    Ok(String::from_utf8(page)?)
}
