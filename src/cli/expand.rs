//! `kubectl wukong expand`

use std::time::Duration;

use super::Exit;
use super::access::AccessArgs;
use super::autoexpand::{AutoArgs, Round};
use super::input::namespace;
use super::session::{Session, refuse, tell};
use super::target::{Target as _, one};
use super::terminal::Terminal;
use crate::cluster::{Arrival, Purpose, Write, grow, growing};
use crate::facts::text;
use crate::plan::{Expansion, expand};
use crate::quantity::Quantity;

/// Make a disk larger, or with --auto every disk that is nearly full.
///
/// What is left to do in the guest is told. The size is what the guest shall see; where the disk is a file on a file system its claim asks for more. Disks never
/// shrink. A later apply of a file that still says the old size keeps the larger disk.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong expand web --disk data --size 100Gi
  kubectl wukong expand vm/legacy --disk rootdisk --size 60Gi --dry-run
  kubectl wukong expand --auto --dry-run             # disks with autoExpand: who would grow, and why not
  kubectl wukong expand --auto -A --prometheus monitoring/prometheus-k8s:9090")]
pub(super) struct Args {
    /// The name of a Wukong, or `vm/NAME` for any VirtualMachine; with --auto any number of them, or all.
    #[arg(value_name = "NAME", required_unless_present = "auto")]
    names: Vec<String>,

    /// The namespace; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,

    /// The disk, by its name in the file.
    #[arg(long, value_name = "DISK", required_unless_present = "auto", requires = "size")]
    disk: Option<String>,

    /// What the guest shall see, such as `100Gi`.
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "disk")]
    size: Option<Quantity>,

    /// Grow every disk with `autoExpand: true` that is nearly full, by one step, up to its `maxSize`.
    #[arg(long, conflicts_with_all = ["disk", "size", "timeout"])]
    auto: bool,

    /// Say what would be done.
    #[arg(long)]
    dry_run: bool,

    /// How long to wait for the new size; 0 does not wait.
    #[arg(long, value_name = "DURATION", value_parser = super::access::duration, default_value = "5m")]
    timeout: Duration,

    #[command(flatten)]
    automatic: AutoArgs,

    #[command(flatten)]
    access: AccessArgs,
}

pub(super) fn size(text: &str) -> Result<Quantity, String> {
    let quantity = Quantity::parse(text).map_err(|_| "write it as Kubernetes does, such as `100Gi`".to_owned())?;
    match quantity.units() {
        Some(bytes) if bytes >= 1 << 20 => Ok(quantity),
        _ => Err("write a whole number of bytes of at least 1Mi, such as `100Gi`".into()),
    }
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    // clap has made sure that it is one or the other.
    let (Some(disk), Some(size)) = (&args.disk, &args.size) else {
        let Args { automatic, names, access, dry_run, .. } = args;
        let namespace = args.namespace.as_deref();
        return Round { args: automatic, names, namespace, dry_run: *dry_run, access, terminal }.go();
    };
    let [name] = args.names.as_slice() else {
        terminal.error("expand takes one machine at a time");
        return Ok(Exit::Usage);
    };
    let session = Session::open(&args.access, terminal)?;
    let (facts, target) = match one(name, args.namespace.as_deref(), Purpose::Plan, &session) {
        Ok(found) => found,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let Some(vm) = target.machine(&facts) else { return Ok(target.missing(&facts, terminal)) };
    let step = match expand(&facts, &target.namespace, vm, &target.shown(), disk, size, &[]) {
        Ok(Expansion::Step(step)) => step,
        Ok(Expansion::Enough) => {
            terminal.say(&format!("disk {disk} has {size} already\n"));
            return Ok(Exit::Done);
        }
        Err(refusal) => {
            refuse(&refusal, terminal);
            return Ok(Exit::Refused);
        }
    };
    let from = step.live.as_ref().and_then(|live| text(live, "/spec/resources/requests/storage")).unwrap_or("?");
    let to = step.body["spec"]["resources"]["requests"]["storage"].as_str().unwrap_or("?").to_owned();
    let line = format!("disk {disk}: claim {} {from} -> {to}, so that the guest sees {size}", step.name);
    terminal.say(&format!("{line}{}\n", if args.dry_run { " (dry run)" } else { "" }));
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let manager = target.manager();
    let write = Write { manager: &manager, force: false, dry_run: false };
    if let Err(refused) = session.runtime.block_on(grow(&session.door, &target.namespace, &step, &write)) {
        return Ok(tell(&refused, terminal));
    }
    if args.timeout.is_zero() {
        return Ok(Exit::Done);
    }
    let running = target.runs(&facts);
    let mut show = |detail: &str| terminal.progress("disk", detail);
    let (namespace, claim) = (&target.namespace, &step.name);
    let arrival = growing(&session.door, namespace, claim, &target.vm, args.timeout, &mut show);
    let describe =
        format!("`kubectl describe pvc {claim} -n {namespace}` has the driver's words; the claim goes on trying");
    match session.runtime.block_on(arrival) {
        Ok(Arrival::There) => {
            terminal.say(guest_steps(running));
            Ok(Exit::Done)
        }
        Ok(Arrival::Failed) => {
            terminal.help(&describe);
            Ok(Exit::Cluster)
        }
        Ok(Arrival::TimedOut) => {
            terminal.error("the new size did not arrive in time; the claim goes on asking for it");
            terminal.help(&describe);
            Ok(Exit::TimedOut)
        }
        Ok(Arrival::Interrupted) => Ok(Exit::Interrupted),
        Err(refused) => Ok(tell(&refused, terminal)),
    }
}

/// What is left to do: the disk is the cluster's, its file systems are the guest's.
const fn guest_steps(running: bool) -> &'static str {
    if running {
        "In the guest, `lsblk` shows the disk; then, for its first partition and file system:
  growpart /dev/vdX 1               the partition, if there is one
  resize2fs /dev/vdX1               ext4
  xfs_growfs /mountpoint            XFS
  btrfs filesystem resize max /     btrfs
  pvresize /dev/vdX1; lvextend -r -l +100%FREE VG/LV   LVM
  Resize-Partition                  Windows
"
    } else {
        "The machine does not run: its disk is larger at the next start. Cloud images then grow their root by themselves.
"
    }
}
