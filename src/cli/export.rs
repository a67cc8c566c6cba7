//! `kubectl wukong export`

use std::path::PathBuf;
use std::time::Duration;

use super::Exit;
use super::access::AccessArgs;
use super::fetched::{Fetched, in_the_way};
use super::input::namespace;
use super::look::now;
use super::session::{Session, refuse, tell};
use super::target::Target as _;
use super::terminal::Terminal;
use crate::cluster::{Order, Purpose, Resource, Served, Unfetched, Wanted, fetch, fetch_disk, offer, ready, withdraw};
use crate::export::{self, Format, GROUP, Origin, Taken, fetch_commands, link, taken};
use crate::facts::{Facts, kind};
use crate::snapshot::view;
use crate::status::subject;
use crate::text::command_line;

/// Fetch a disk as a file.
///
/// The disk of a machine that does not run, of a snapshot, or a claim. KubeVirt serves it for as long as it is fetched;
/// the token for that is made here, shown nowhere, and deleted with the export. Without --output nothing is fetched: the
/// links are printed, and the commands to fetch them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong export web --disk data --output data.img.gz
  kubectl wukong export --snapshot before-upgrade --disk system --output system.img
  kubectl wukong export --claim web-data --output data.img --force")]
pub(super) struct Args {
    /// A Wukong, or `vm/NAME` for any VirtualMachine.
    #[arg(value_name = "NAME", required_unless_present_any = ["snapshot", "claim"])]
    machine: Option<String>,

    /// Take the disk from this snapshot.
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["claim", "machine"])]
    snapshot: Option<String>,

    /// Take this claim.
    #[arg(long, value_name = "CLAIM", conflicts_with_all = ["disk", "machine"])]
    claim: Option<String>,

    /// The disk, by its name in the file; not needed where there is only one.
    #[arg(long, value_name = "DISK")]
    disk: Option<String>,

    /// The namespace; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,

    /// The file to write. It is there under this name when all of it was fetched.
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How it is fetched; gzip if FILE ends with `.gz`, else raw.
    #[arg(long, value_name = "gzip|raw", hide_possible_values = true)]
    format: Option<Form>,

    /// Overwrite files that exist.
    #[arg(long)]
    force: bool,

    /// How long to wait until KubeVirt serves the disk; 0 means as long as it takes.
    #[arg(long, value_name = "DURATION", value_parser = super::access::duration, default_value = "5m")]
    timeout: Duration,

    /// When KubeVirt ends the export, if nobody else does. Fetching must not take longer.
    #[arg(long, value_name = "DURATION", value_parser = super::access::duration, default_value = "2h")]
    ttl: Duration,

    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Compressed.
    Gzip,
    /// Byte for byte.
    Raw,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    if let Some(file) = args.output.as_deref().and_then(|output| in_the_way(output, args.force)) {
        terminal.error(&format!("{} exists", file.display()));
        terminal.help("--force overwrites it; or choose another --output");
        return Ok(Exit::Refused);
    }
    let session = Session::open(&args.access, terminal)?;
    let namespace = args.namespace.clone().unwrap_or_else(|| session.door.namespace().to_owned());
    let wanted = Wanted { namespaces: [namespace.clone()].into(), purpose: Purpose::Snapshot, ..Wanted::default() };
    let facts = match session.runtime.block_on(fetch(&session.door, &wanted)) {
        Ok(facts) => facts,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let taken = match find(args, &session, &facts, &namespace, terminal) {
        Ok(taken) => taken,
        Err(exit) => return Ok(exit),
    };
    let served = match session.runtime.block_on(session.door.versions(GROUP)) {
        Ok(served) => served,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let Some(version) = export::version(&served) else {
        terminal.error("this cluster serves no VirtualMachineExport");
        terminal.help("KubeVirt serves it; before 1.9 the feature gate VMExport lets it be used");
        return Ok(Exit::Cluster);
    };
    let order = Order { version, namespace: &namespace, taken: &taken, ttl: args.ttl.as_secs().max(60) };
    let mut served = match session.runtime.block_on(offer(&session.door, &order)) {
        Ok(served) => served,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let result = serve(args, &session, &mut served, &taken, terminal);
    if args.output.is_some() || !matches!(result, Ok(Exit::Done)) {
        // Whatever happened: what lets others in does not stay.
        if let Err(refused) = session.runtime.block_on(withdraw(&session.door, &served)) {
            terminal
                .warning(&format!("the export was not deleted, and ends by itself after {} s: {refused}", order.ttl));
        }
    }
    result
}

/// The disk that is meant.
fn find(args: &Args, session: &Session, facts: &Facts, namespace: &str, terminal: &Terminal) -> Result<Taken, Exit> {
    let disk = args.disk.as_deref();
    let found = if let Some(claim) = &args.claim {
        taken(facts, namespace, Origin::Claim(claim), disk)
    } else if let Some(name) = &args.snapshot {
        let Some(snapshot) = facts.get(kind::SNAPSHOT, namespace, name) else {
            match facts.unknown(kind::SNAPSHOT, namespace) {
                Some(unread) => terminal.error(&unread.reason),
                None => terminal.error(&format!("there is no snapshot {name} in {namespace}")),
            }
            terminal.help(&format!("`{}` lists them", command_line("snapshot list", &[], namespace, "")));
            return Err(Exit::Cluster);
        };
        let seen = view(facts, snapshot, &[], now());
        let content = seen.content.as_deref().map(|content| {
            session.runtime.block_on(session.door.get(Resource::SnapshotContent, Some(namespace), content))
        });
        let content = match content.transpose() {
            Ok(content) => content.flatten().unwrap_or_default(),
            Err(refused) => return Err(tell(&refused, terminal)),
        };
        taken(facts, namespace, Origin::Snapshot(&seen, &content), disk)
    } else {
        let target = subject(args.machine.as_deref().unwrap_or_default(), namespace, facts);
        let Some(vm) = target.machine(facts) else { return Err(target.missing(facts, terminal)) };
        taken(facts, namespace, Origin::Machine(&target, vm), disk)
    };
    found.map_err(|refusal| {
        refuse(&refusal, terminal);
        Exit::Refused
    })
}

/// Waits until the disk is served, and fetches it or says how.
fn serve(
    args: &Args,
    session: &Session,
    served: &mut Served,
    taken: &Taken,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let mut show = |detail: &str| terminal.progress("export", detail);
    if let Err(unfetched) = session.runtime.block_on(ready(&session.door, served, args.timeout, &mut show)) {
        return Ok(ended(&unfetched, terminal));
    }
    let format = format(args);
    let link = match link(&served.export, &taken.claim, format) {
        Ok(link) => link,
        Err(why) => {
            terminal.error(&why);
            return Ok(Exit::Cluster);
        }
    };
    let Some(output) = &args.output else {
        let name = format!("{}.img{}", taken.disk, if format == Format::Gzip { ".gz" } else { "" });
        terminal.say(&format!("{}\n", crate::text::sanitize(&link.url)));
        terminal.help(&format!("KubeVirt serves it for {} s; fetch it with", args.ttl.as_secs().max(60)));
        for command in fetch_commands(&served.export, &link, &name) {
            terminal.say(&format!("{}\n", crate::text::sanitize(&command)));
        }
        return Ok(Exit::Done);
    };
    let way = if link.path.is_some() { "through the API server" } else { "from outside of the cluster" };
    terminal.progress("export", &format!("fetching disk {} as {} {way}", taken.disk, format.word()));
    let mut fetched = Fetched::begin(output, args.force, *terminal)?;
    let mut sink = |data: &[u8]| fetched.take(data).map_err(|error| error.to_string());
    if let Err(unfetched) = session.runtime.block_on(fetch_disk(&session.door, served, &link, &mut sink)) {
        fetched.give_up();
        return Ok(ended(&unfetched, terminal));
    }
    let sum = fetched.end(args.force)?;
    terminal.say(&format!("{sum}  {}\n", output.display()));
    Ok(Exit::Done)
}

fn format(args: &Args) -> Format {
    let by_name = args.output.as_deref().is_none_or(|output| output.extension().is_some_and(|end| end == "gz"));
    match args.format {
        Some(Form::Gzip) => Format::Gzip,
        Some(Form::Raw) => Format::Raw,
        None if by_name => Format::Gzip,
        None => Format::Raw,
    }
}

fn ended(unfetched: &Unfetched, terminal: &Terminal) -> Exit {
    match unfetched {
        Unfetched::Refused(refused) => tell(refused, terminal),
        Unfetched::NotServed(why) => {
            terminal.error(&format!("KubeVirt does not serve it: {why}"));
            Exit::Cluster
        }
        Unfetched::TimedOut(why) => {
            terminal.error(&format!("KubeVirt does not serve it in time: {why}"));
            terminal.help("--timeout waits longer; a disk in use is served when its machine is stopped");
            Exit::TimedOut
        }
        Unfetched::Broken(why) => {
            terminal.error(why);
            terminal.help("through the API server it needs the right to `get services/proxy`; without --output the commands for another way are printed");
            Exit::Cluster
        }
        Unfetched::Unwritten(why) => {
            terminal.error(&format!("it cannot be written: {why}"));
            Exit::Usage
        }
        Unfetched::Interrupted => {
            terminal.error("interrupted; nothing of it stays");
            Exit::Interrupted
        }
    }
}
