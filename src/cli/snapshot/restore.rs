//! `kubectl wukong snapshot restore`

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::report;
use crate::cli::Exit;
use crate::cli::access::AccessArgs;
use crate::cli::confirm::confirmed;
use crate::cli::look::now;
use crate::cli::moved;
use crate::cli::session::{Session, refuse, tell};
use crate::cli::target::{OneArgs, Target as _};
use crate::cli::terminal::Terminal;
use crate::cluster::{Broken, Purpose, Refused, Resource, restore};
use crate::facts::{Facts, kind};
use crate::output;
use crate::snapshot::{Restoration, RestoreWish, View, restoration, view};
use crate::status::Subject;
use crate::text::{command_line, sanitize, word};

/// Take a machine back to a snapshot.
///
/// Its disks come back as new claims, and the claims that it has now stay, unused. The machine itself goes back as well:
/// CPU, memory, networks. At the end the new claims are told, or written into its file with --write.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong snapshot restore web before-upgrade --dry-run
  kubectl wukong snapshot restore web before-upgrade --stop --yes
  kubectl wukong snapshot restore web before-upgrade --stop --write web.yaml")]
pub(super) struct Args {
    #[command(flatten)]
    target: OneArgs,

    /// The name of the snapshot.
    #[arg(value_name = "SNAPSHOT")]
    snapshot: String,

    /// Shut the guest down if the machine runs, and start it again afterwards.
    #[arg(long)]
    stop: bool,

    /// Let KubeVirt delete the claim with the state of the machine's TPM and firmware, which it replaces.
    #[arg(long, value_name = "CLAIM", value_delimiter = ',')]
    delete_data: Vec<String>,

    /// Do not ask.
    #[arg(short = 'y', long)]
    yes: bool,

    /// Say what would be done.
    #[arg(long)]
    dry_run: bool,

    /// How long the guest has to shut down, and KubeVirt to restore; 0 means as long as it takes.
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::access::duration, default_value = "15m")]
    timeout: Duration,

    /// Write the new claims into this Wukong file.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,

    #[command(flatten)]
    access: AccessArgs,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    if let Some(path) = &args.write {
        moved::check_file(path)?;
    }
    let session = Session::open(&args.access, terminal)?;
    let (facts, target) = match args.target.find(Purpose::Snapshot, &session) {
        Ok(found) => found,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let Some(vm) = target.machine(&facts) else { return Ok(target.missing(&facts, terminal)) };
    let Some(found) = facts.get(kind::SNAPSHOT, &target.namespace, &args.snapshot) else {
        return Ok(report::missing(&target, &args.snapshot, &facts, terminal));
    };
    let seen = view(&facts, found, std::slice::from_ref(&target), now());
    let plan = match session.runtime.block_on(plan(args, &session, &facts, &target, vm, &seen)) {
        Ok(plan) => plan,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    for refusal in &plan.refusals {
        refuse(refusal, terminal);
    }
    if !plan.refusals.is_empty() {
        return Ok(Exit::Refused);
    }
    let wukong = plan.wukong.as_deref().or(target.wukong.as_deref());
    if args.write.is_some() && wukong.is_none() {
        terminal.error(&format!("{} is of no Wukong, so there is no file to write into", target.shown()));
        terminal.help("leave out --write");
        return Ok(Exit::Usage);
    }
    show(&plan, &seen, terminal);
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let time = seen.time.as_deref().unwrap_or("an unknown time");
    let replaced: Vec<_> = plan.kept.iter().map(String::as_str).collect();
    let question = format!(
        "{}take {} back to {} of {time}, and put new claims in place of {}?",
        if plan.stop { "shut down, and " } else { "" },
        target.shown(),
        seen.name,
        if replaced.is_empty() { "none".to_owned() } else { replaced.join(", ") },
    );
    let lost = args.delete_data.iter().map(|claim| format!("let KubeVirt delete the claim {claim}, for ever?"));
    if !confirmed(&std::iter::once(question).chain(lost).collect::<Vec<_>>(), args.yes, terminal) {
        return Ok(Exit::Refused);
    }
    let say = |line: &str| terminal.progress(&target.shown(), line);
    match session.runtime.block_on(restore(&session.door, &target, &plan, args.timeout, &say)) {
        Ok(back) => {
            terminal.say(&format!("{} is back at {} of {time}\n", target.shown(), seen.name));
            let changes = report::changes(&back, &facts, &target);
            let wrote = wukong
                .filter(|_| !changes.is_empty())
                .map_or(Exit::Done, |wukong| moved::tell_or_write(args.write.as_deref(), wukong, &changes, terminal));
            terminal.say(&kept(&plan, &facts, &target.namespace));
            Ok(wrote)
        }
        Err(broken) => Ok(ended(&broken, &target, &seen, terminal)),
    }
}

async fn plan(
    args: &Args,
    session: &Session,
    facts: &Facts,
    target: &Subject,
    vm: &Value,
    seen: &View,
) -> Result<Restoration, Refused> {
    let content = match &seen.content {
        Some(name) => session.door.get(Resource::SnapshotContent, Some(&target.namespace), name).await?,
        None => None,
    };
    let fields = session.door.spec_fields(Resource::Restore).await?;
    let wish = RestoreWish { stop: args.stop, delete_data: &args.delete_data, fields: &fields };
    Ok(restoration(facts, target, vm, seen, &content.unwrap_or_default(), &wish))
}

/// What is replaced.
fn show(plan: &Restoration, seen: &View, terminal: &Terminal) {
    let styles = &terminal.out;
    let rows: Vec<_> = plan
        .disks
        .iter()
        .map(|disk| {
            let old = disk.old.as_deref().map_or_else(|| "-".to_owned(), |old| format!("{old} (stays)"));
            let new = disk.new.clone().unwrap_or_else(|| "a name of KubeVirt's".to_owned());
            vec![(disk.disk.clone(), styles.strong), (old, styles.help), (new, styles.added)]
        })
        .collect();
    terminal.say(&output::table(&["DISK", "CLAIM NOW", "NEW CLAIM"], &rows, styles, terminal.out_width));
    if plan.resumed {
        terminal
            .progress("goes on:", &format!("the restore {} was begun before, and did not come to its end", plan.name));
    }
    if !seen.missing.is_empty() {
        terminal.warning(&format!("not in the snapshot: {}", seen.missing.join(", ")));
    }
    for note in &plan.notes {
        terminal.progress("note:", note);
    }
}

/// The claims that are not used any more, and what would delete each.
fn kept(plan: &Restoration, facts: &Facts, namespace: &str) -> String {
    let mut text = String::new();
    for claim in &plan.kept {
        let filler = facts.get(kind::DATA_VOLUME, namespace, claim);
        let owned = filler
            .and_then(|volume| volume.pointer("/metadata/ownerReferences/0/kind"))
            .is_some_and(|k| k == kind::MACHINE);
        let kind = if filler.is_some() { "dv" } else { "pvc" };
        let command = format!("kubectl delete {kind} {} -n {}", word(claim), word(namespace));
        let with = if owned { "; it also goes with the VirtualMachine, which owns it" } else { "" };
        let line = format!("kept, and not used any more: claim {claim}; what would delete it: {command}{with}");
        text.push_str(&format!("{}\n", sanitize(&line)));
    }
    text
}

fn ended(broken: &Broken, target: &Subject, seen: &View, terminal: &Terminal) -> Exit {
    let again = format!(
        "run it again to go on: {}",
        command_line("snapshot restore", &[&target.shown(), &seen.name], &target.namespace, "")
    );
    match broken {
        Broken::Refused(refused) => {
            let exit = tell(refused, terminal);
            terminal.help(&again);
            exit
        }
        Broken::TimedOut(what) => {
            terminal.error(what);
            terminal.help(&again);
            Exit::TimedOut
        }
        Broken::Failed(what) => {
            terminal.error(what);
            terminal.help(&format!(
                "nothing was deleted; `{}` and `kubectl describe vmrestore -n {}` say more",
                target.command("snapshot list", ""),
                target.namespace
            ));
            Exit::Cluster
        }
        Broken::NameTaken(what) => {
            terminal.error(what);
            terminal.help("nothing was restored; the next run plans another name");
            terminal.help(&again);
            Exit::Refused
        }
        Broken::Unsafe(what) => {
            terminal.error(what);
            terminal.help("nothing further was done; `kubectl get pvc,dv` and the events say who took it");
            Exit::Refused
        }
        Broken::Interrupted => {
            terminal.error("interrupted; what was begun goes on");
            terminal.help(&again);
            Exit::Interrupted
        }
    }
}
