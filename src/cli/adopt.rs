//! `kubectl wukong adopt`

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::Exit;
use super::access::AccessArgs;
use super::session::{Session, tell};
use super::target::{OneArgs, Target as _};
use super::terminal::Terminal;
use super::write::Unwritable;
use crate::adopt::{Adoption, adopt, changes_nothing};
use crate::cluster::{Carry, Interrupt, Purpose, Stopped, fetch, wanted};
use crate::plan::{self, Wishes};
use crate::{Input, Options, load};

/// Write the Wukong file of a machine that is there.
///
/// The file changes nothing when it is applied: what it cannot say stays as it is, and what is in the way is told. Nothing
/// is written to the cluster unless --apply takes the machine over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong adopt vm/legacy > legacy.yaml
  kubectl wukong adopt vm/legacy -w legacy.yaml --apply")]
pub(super) struct Args {
    #[command(flatten)]
    target: OneArgs,

    /// The name of the Wukong, if it shall be another one than the machine's.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Write the file here instead of to standard output; an existing file is not overwritten.
    #[arg(short = 'w', long, value_name = "FILE")]
    write: Option<PathBuf>,

    /// Take the machine over as well.
    #[arg(long)]
    apply: bool,

    #[command(flatten)]
    access: AccessArgs,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let (facts, target) = match args.target.find(Purpose::Plan, &session) {
        Ok(found) => found,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let Some(vm) = target.machine(&facts) else { return Ok(target.missing(&facts, terminal)) };
    let name = args.name.as_deref().or(target.wukong.as_deref());
    let adoption = adopt(vm, &facts, name);
    for note in &adoption.notes {
        terminal.progress("note:", note);
    }
    for obstacle in &adoption.obstacles {
        terminal.error(&format!("{}: {}", obstacle.field, obstacle.reason));
        terminal.help(&obstacle.help);
    }
    match &args.write {
        None => io::stdout().write_all(adoption.file.as_bytes())?,
        Some(path) => {
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).open(path);
            file.and_then(|mut file| file.write_all(adoption.file.as_bytes()))
                .with_context(|| Unwritable(format!("{} cannot be written", path.display())))?;
            terminal.progress("wrote", &path.display().to_string());
        }
    }
    if !adoption.is_clean() {
        return Ok(Exit::Refused);
    }
    if args.apply {
        return take_over(&session, &adoption, terminal);
    }
    let file = args.write.as_ref().map_or_else(|| "FILE".to_owned(), |path| path.display().to_string());
    terminal.help(&format!(
        "`kubectl wukong diff -f {file} --adopt` shows that nothing changes, `apply --adopt` takes it over"
    ));
    Ok(Exit::Done)
}

/// Applies the file that was written, if it still changes nothing.
fn take_over(session: &Session, adoption: &Adoption, terminal: &Terminal) -> anyhow::Result<Exit> {
    let loaded = load(vec![Input::new("adopted.yaml", adoption.file.clone())], &Options::default());
    let Some(machine) = loaded.machines.first() else { bail!("the file that was written cannot be read") };
    let wishes = Wishes { adopt: true, ..Wishes::default() };
    let interrupt = Interrupt::default();
    let result = session.runtime.block_on(async {
        let facts = fetch(&session.door, &wanted([machine])).await.map_err(Box::new).map_err(Stopped::Refused)?;
        let plan = plan::compare(machine, &Options::default(), &facts, wishes);
        if !changes_nothing(&plan) {
            return Ok(false);
        }
        let done = |step: &plan::Step| terminal.progress("adopted", &format!("{}/{}", step.kind, step.name));
        let carry = Carry { door: &session.door, dry_run: false, interrupt: &interrupt, done: &done };
        carry.out(&plan).await.map(|()| true)
    });
    match result {
        Ok(true) => Ok(Exit::Done),
        Ok(false) => {
            terminal.error("the machine changed meanwhile, and taking it over would change it now");
            terminal.help("adopt it again");
            Ok(Exit::Refused)
        }
        Err(Stopped::Moved(refused) | Stopped::Refused(refused)) => Ok(tell(&refused, terminal)),
        Err(Stopped::Interrupted) => Ok(Exit::Interrupted),
    }
}
