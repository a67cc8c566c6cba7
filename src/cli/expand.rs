//! `kubectl wukong expand`

use std::time::Duration;

use super::Exit;
use super::access::AccessArgs;
use super::session::{Session, refuse, tell};
use super::target::{Target as _, TargetArgs};
use super::terminal::Terminal;
use crate::cluster::{Arrival, Write, grow, growing};
use crate::facts::text;
use crate::plan::{Expansion, expand};
use crate::quantity::Quantity;

/// Make a disk larger, and say what is left to do in the guest.
///
/// The size is what the guest shall see; where the disk is a file on a file system its claim asks for more. Disks never
/// shrink. A later apply of a file that still says the old size keeps the larger disk.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong expand web --disk data --size 100Gi
  kubectl wukong expand vm/legacy --disk rootdisk --size 60Gi --dry-run")]
pub(super) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    /// The disk, by its name in the file.
    #[arg(long, value_name = "DISK")]
    disk: String,

    /// What the guest shall see, such as `100Gi`.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    size: Quantity,

    /// Say what would be done.
    #[arg(long)]
    dry_run: bool,

    /// How long to wait for the new size; 0 does not wait.
    #[arg(long, value_name = "DURATION", value_parser = super::access::duration, default_value = "5m")]
    timeout: Duration,

    #[command(flatten)]
    access: AccessArgs,
}

fn size(text: &str) -> Result<Quantity, String> {
    let quantity = Quantity::parse(text).map_err(|_| "write it as Kubernetes does, such as `100Gi`".to_owned())?;
    match quantity.units() {
        Some(bytes) if bytes >= 1 << 20 => Ok(quantity),
        _ => Err("write a whole number of bytes of at least 1Mi, such as `100Gi`".into()),
    }
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let (facts, target) = match args.target.find_one("expand", &session, terminal) {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let Some(vm) = target.machine(&facts) else { return Ok(target.missing(terminal)) };
    let step = match expand(&facts, &target.namespace, vm, &target.shown(), &args.disk, &args.size) {
        Ok(Expansion::Step(step)) => step,
        Ok(Expansion::Enough) => {
            terminal.say(&format!("disk {} has {} already\n", args.disk, args.size));
            return Ok(Exit::Done);
        }
        Err(refusal) => {
            refuse(&refusal, terminal);
            return Ok(Exit::Refused);
        }
    };
    let from = step.live.as_ref().and_then(|live| text(live, "/spec/resources/requests/storage")).unwrap_or("?");
    let to = step.body["spec"]["resources"]["requests"]["storage"].as_str().unwrap_or("?").to_owned();
    let line = format!("disk {}: claim {} {from} -> {to}, so that the guest sees {}", args.disk, step.name, args.size);
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
