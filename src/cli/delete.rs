//! `kubectl wukong delete`

use std::collections::BTreeSet;
use std::time::Duration;

use owo_colors::{OwoColorize as _, Style};

use super::Exit;
use super::access::AccessArgs;
use super::confirm::{confirmed, typed};
use super::input::{InputArgs, namespace};
use super::session::{Session, refuse, tell};
use super::terminal::Terminal;
use crate::cluster::{Purpose, Refused, Unfinished, Wanted, fetch, read_secrets, remove, secrets, with_others};
use crate::facts::{Facts, kind};
use crate::output;
use crate::plan::{Removal, removal};
use crate::status::subject;
use crate::text::command_line;

/// Delete machines and keep their disks.
///
/// The machine is stopped, waited for and deleted, with its cloud-init Secret and the networks that were made for it.
/// Claims and DataVolumes stay, also those that an ordinary delete would take along, and are listed. Only disks that
/// --delete-data names lose their data, and not while a copy, a restore or snapshots would be lost with it. Existing
/// claims are never touched.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong delete web
  kubectl wukong delete -f vm.yaml --yes
  kubectl wukong delete web --delete-data scratch")]
pub(super) struct Args {
    /// Names of Wukongs.
    #[arg(value_name = "NAME", required_unless_present = "filenames")]
    names: Vec<String>,

    /// Wukong files whose machines are deleted.
    #[arg(short = 'f', long = "filename", value_name = "PATH", conflicts_with = "names")]
    filenames: Vec<String>,

    /// Read directories with all that is below them.
    #[arg(short = 'R', long)]
    recursive: bool,

    /// The namespace; that of the files, or of the context, if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,

    /// Delete the data of these disks as well, for ever. May be given several times.
    #[arg(long, value_name = "DISK", value_delimiter = ',')]
    delete_data: Vec<String>,

    /// Do not ask, not even for the data that was named.
    #[arg(short = 'y', long)]
    yes: bool,

    /// Say what would be done.
    #[arg(long)]
    dry_run: bool,

    /// How long the guest has to shut down.
    #[arg(long, value_name = "DURATION", value_parser = super::access::duration, default_value = "5m")]
    timeout: Duration,

    #[command(flatten)]
    access: AccessArgs,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let Some(names) = names(args, &session, terminal) else { return Ok(Exit::BadFile) };
    let removals = match session.runtime.block_on(plan(&session, &names, &args.delete_data)) {
        Ok(removals) => removals,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let mut exits = Vec::new();
    for removal in &removals {
        show(removal, terminal);
        if !removal.refusals.is_empty() {
            exits.push(if removal.absent { Exit::Cluster } else { Exit::Refused });
        }
    }
    if !args.delete_data.is_empty() && removals.len() > 1 {
        terminal.error("--delete-data takes one machine at a time: a name may mean a disk of each");
        return Ok(Exit::Usage);
    }
    if args.dry_run {
        return Ok(Exit::worst(&exits));
    }
    let ready: Vec<_> = removals.iter().filter(|removal| removal.refusals.is_empty()).collect();
    let questions: Vec<_> = ready
        .iter()
        .map(|removal| format!("{}delete {}?", if removal.running { "shut down and " } else { "" }, removal.name))
        .collect();
    if !confirmed(&questions, args.yes, terminal) {
        return Ok(Exit::Refused);
    }
    if !args.delete_data.is_empty() && ready.iter().any(|removal| !removal.data.is_empty()) && !args.yes {
        terminal.warning("the data of these disks is lost for ever");
        if !typed(&lost(&ready).join(","), terminal) {
            return Ok(Exit::Refused);
        }
    }
    for removal in ready {
        let say = |line: &str| terminal.progress(&removal.name, line);
        match session.runtime.block_on(remove(&session.door, removal, args.timeout, &say)) {
            Ok(()) => done(removal, terminal),
            Err(unfinished) => exits.push(unfinished_exit(&unfinished, removal, terminal)),
        }
    }
    Ok(Exit::worst(&exits))
}

/// The claims whose data is deleted.
fn lost(removals: &[&Removal]) -> Vec<String> {
    let data = removals.iter().flat_map(|removal| &removal.data);
    let mut names: Vec<_> = data.filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    names
}

/// The Wukongs that are meant, by namespace and name.
fn names(args: &Args, session: &Session, terminal: &Terminal) -> Option<Vec<(String, String)>> {
    let own = || args.namespace.clone().unwrap_or_else(|| session.door.namespace().to_owned());
    if args.filenames.is_empty() {
        return Some(args.names.iter().map(|name| (own(), name.trim_start_matches("wukong/").to_owned())).collect());
    }
    let input = InputArgs::of(args.filenames.clone(), args.recursive, args.namespace.clone());
    let (loaded, _) = input.load_with_policies(session, terminal)?;
    terminal.report(&loaded.report, &loaded.sources);
    let named =
        loaded.machines.iter().map(|machine| (machine.namespace.clone().unwrap_or_else(own), machine.name.clone()));
    loaded.report.is_valid().then(|| named.collect())
}

async fn plan(session: &Session, names: &[(String, String)], data: &[String]) -> Result<Vec<Removal>, Refused> {
    let namespaces: BTreeSet<_> = names.iter().map(|(namespace, _)| namespace.clone()).collect();
    let purpose = if data.is_empty() { Purpose::Plan } else { Purpose::Data };
    let wanted = Wanted { namespaces, purpose, ..Wanted::default() };
    let mut facts = fetch(&session.door, &wanted).await?;
    // Secrets are not listed: which ones there are is in the record.
    let made = names.iter().flat_map(|(namespace, name)| secrets(&facts, namespace, name)).collect();
    read_secrets(&session.door, &made, &mut facts).await?;
    let plan = |facts: &Facts| -> Vec<_> {
        let one = |(namespace, name): &(String, String)| {
            removal(facts, namespace, name, &subject(name, namespace, facts).vm, data)
        };
        names.iter().map(one).collect()
    };
    let takes = |removal: &Removal| removal.things.iter().any(|thing| thing["kind"] == kind::NETWORK);
    with_others(&session.door, &wanted.namespaces, &mut facts, plan, takes).await
}

fn show(removal: &Removal, terminal: &Terminal) {
    let styles = &terminal.out;
    let plain = Style::new();
    let mut rows = Vec::new();
    let mut row = |what: String, word: &str, style: Style, detail: &str| {
        rows.push(vec![(what, styles.strong), (word.to_owned(), style), (detail.to_owned(), plain)]);
    };
    let name = |object: &serde_json::Value| {
        let part = |pointer: &str| object.pointer(pointer).and_then(|value| value.as_str()).unwrap_or("?").to_owned();
        format!("{}/{}", part("/kind"), part("/metadata/name"))
    };
    if let Some(machine) = &removal.machine {
        row(
            name(machine),
            "delete",
            styles.removed,
            if removal.running { "runs now; it is shut down first" } else { "" },
        );
    }
    for thing in &removal.things {
        row(name(thing), "delete", styles.removed, "");
    }
    for object in &removal.data {
        row(name(object), "delete", styles.error, "its data is lost for ever");
    }
    for (disk, claim) in &removal.kept {
        let detail = match () {
            () if removal.owned.contains(claim) => "the machine owns it; it is released, and stays",
            () if removal.unseen.contains(claim) => "it may not be seen; if it is there, it stays",
            () => "",
        };
        row(format!("disk {disk}: {claim}"), "keep", styles.help, detail);
    }
    if !rows.is_empty() {
        let table = output::table(&["OBJECT", "OP", ""], &rows, styles, terminal.out_width);
        terminal.say(&format!("{}/{}\n{table}", removal.namespace, removal.name));
    }
    for note in &removal.notes {
        terminal.warning(&format!("{}: {}", note.object, note.text));
    }
    for refusal in &removal.refusals {
        refuse(refusal, terminal);
    }
}

/// What stays, and how the machine comes back.
fn done(removal: &Removal, terminal: &Terminal) {
    let mut text = format!("deleted {}/{}\n", removal.namespace, removal.name);
    if !removal.kept.is_empty() {
        let claims: Vec<_> = removal.kept.iter().map(|(_, claim)| claim.as_str()).collect();
        let back = command_line("apply -f FILE", &[], &removal.namespace, "--adopt");
        text.push_str(&format!("kept the claims {}\n", claims.join(", ")));
        text.push_str(&format!("bring the machine back on them with: {}\n", back.style(terminal.out.strong)));
    }
    terminal.say(&text);
}

fn unfinished_exit(unfinished: &Unfinished, removal: &Removal, terminal: &Terminal) -> Exit {
    match unfinished {
        Unfinished::Refused(refused) => tell(refused, terminal),
        Unfinished::TimedOut(what) => {
            terminal.error(what);
            terminal.help(&format!(
                "run it again, or stop the guest at once: virtctl stop --force --grace-period 0 -n {} VM",
                removal.namespace
            ));
            Exit::TimedOut
        }
        Unfinished::Missing(what) => {
            terminal.error(what);
            terminal.help("nothing further was deleted; `kubectl get pvc,dv` and the events say who took it");
            Exit::Refused
        }
        Unfinished::Needed(objections) => {
            terminal.error(&format!("the data of {} is needed by now, and stays", removal.name));
            for objection in objections {
                refuse(objection, terminal);
            }
            Exit::Refused
        }
    }
}
