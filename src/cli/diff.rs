//! `kubectl wukong diff`

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use serde_json::json;

use super::Exit;
use super::access::AccessArgs;
use super::input::InputArgs;
use super::session::{Session, ask, tell, tell_gaps};
use super::terminal::Terminal;
use crate::Loaded;
use crate::cluster::{Refused, planned};
use crate::output;
use crate::plan::{Op, Plan, Wishes};
use crate::text::yaml;

/// Show what apply would change, and what that means to the guest and to the data.
///
/// A table of what happens to each object and to each disk comes first, then the fields. Disks and network cards that
/// others added to a running machine, and what webhooks fill in, are no differences. Exits with 0 if there is none, with
/// 1 if there are some, and with more if something went wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong diff -f vm.yaml
  kubectl wukong diff -f machines/ -R -o json
  kubectl wukong diff -f machines/ --base main/machines/
  KUBECTL_EXTERNAL_DIFF='delta --side-by-side' kubectl wukong diff -f vm.yaml")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line, and they are independent")]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// For people, or for programs.
    #[arg(short = 'o', long, value_name = "text|json|yaml", default_value = "text", hide_possible_values = true)]
    output: Format,

    /// Ask the server's webhooks as well, by a dry run of every write.
    // `--server` is kubectl's flag for the address of the API server.
    #[arg(long, conflicts_with = "base")]
    server_side: bool,

    /// Compare with another version of the files instead of the cluster, offline.
    #[arg(long, value_name = "PATH")]
    base: Option<String>,

    /// Show what taking over objects of the wanted names would change.
    #[arg(long)]
    adopt: bool,

    /// Refuse a changed image instead of noting it.
    #[arg(long)]
    strict_image: bool,

    /// Show what --prune would delete.
    #[arg(long)]
    prune: bool,

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
    let wishes = Wishes { adopt: args.adopt, strict_image: args.strict_image, prune: args.prune, ..Wishes::default() };
    let (plans, gone) = if let Some(base) = &args.base {
        let options = args.input.options();
        let loaded = args.input.load(&options);
        let before = args.input.at(base).load(&options);
        if !(valid(&loaded, terminal) && valid(&before, terminal)) {
            return Ok(Exit::BadFile);
        }
        super::base::plans(&before.machines, &loaded.machines, &options, wishes)
    } else {
        let session = Session::open(&args.access, terminal)?;
        let Some((loaded, options)) = args.input.load_with_policies(&session, terminal) else {
            return Ok(Exit::Cluster);
        };
        if !valid(&loaded, terminal) {
            return Ok(Exit::BadFile);
        }
        let read = session.runtime.block_on(async {
            let (facts, mut plans) = planned(&session.door, &loaded.machines, &options, wishes).await?;
            tell_gaps(&facts, &plans, terminal);
            if args.server_side {
                for plan in &mut plans {
                    ask(&session.door, plan, false, |_, refused| Err(refused)).await?;
                }
            }
            Ok::<_, Refused>(plans)
        });
        match read {
            Ok(plans) => (plans, Vec::new()),
            Err(refused) => return Ok(tell(&refused, terminal)),
        }
    };
    show(args, &plans, &gone, terminal)
}

fn valid(loaded: &Loaded, terminal: &Terminal) -> bool {
    terminal.report(&loaded.report, &loaded.sources);
    loaded.report.is_valid()
}

fn show(args: &Args, plans: &[Plan], gone: &[String], terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    let document =
        || json!({"kind": "Plan", "machines": plans.iter().map(output::plan_json).collect::<Vec<_>>(), "gone": gone});
    match args.output {
        Format::Text => {
            let program = env::var("KUBECTL_EXTERNAL_DIFF").ok().filter(|program| !program.trim().is_empty());
            let text = output::plans(plans, program.is_none(), &terminal.out, terminal.out_width);
            out.write_all(text.as_bytes())?;
            for name in gone {
                writeln!(out, "{name} is not in the files any more; nothing of it is deleted")?;
            }
            if let Some(program) = program {
                out.flush()?;
                external(&program, plans)?;
            }
        }
        Format::Json => out.write_all(output::json(&document()).as_bytes())?,
        Format::Yaml => out.write_all(yaml(&document()).as_bytes())?,
    }
    let refused = plans.iter().any(|plan| !plan.refusals.is_empty() || !plan.conflicts.is_empty());
    let differs = !gone.is_empty() || plans.iter().any(Plan::differs);
    Ok(match (refused, differs) {
        (true, _) => Exit::Refused,
        (false, true) => Exit::Differs,
        (false, false) => Exit::Done,
    })
}

/// Runs another program on two directories, as kubectl does; quotes in the variable work.
fn external(program: &str, plans: &[Plan]) -> anyhow::Result<()> {
    let words = shell_words::split(program).context("KUBECTL_EXTERNAL_DIFF has an open quote")?;
    let (first, rest) = words.split_first().context("KUBECTL_EXTERNAL_DIFF is empty")?;
    let folder = tempfile::Builder::new().prefix("wukong-diff-").tempdir()?;
    let side = |name: &str| -> anyhow::Result<PathBuf> {
        let path = folder.path().join(name);
        fs::create_dir(&path)?;
        Ok(path)
    };
    let (live, merged) = (side("LIVE")?, side("MERGED")?);
    for plan in plans {
        for step in plan.steps.iter().filter(|step| step.op != Op::Keep) {
            let sides = output::sides(plan, step);
            for (folder, text) in [(&live, &sides.before), (&merged, &sides.after)] {
                if !text.is_empty() {
                    fs::write(folder.join(&sides.name), text)?;
                }
            }
        }
    }
    let status = Command::new(first).args(rest).arg(&live).arg(&merged).status();
    let status = status.with_context(|| format!("`{first}` of KUBECTL_EXTERNAL_DIFF did not start"))?;
    // Like diff itself, it says with 1 that there are differences.
    if status.code().is_none_or(|code| code > 1) {
        anyhow::bail!("`{first}` of KUBECTL_EXTERNAL_DIFF failed: {status}");
    }
    Ok(())
}
