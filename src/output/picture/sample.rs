//! Machines to draw, as `locate` would give them.

use crate::facts::kind;
use crate::locate::{Content, Event, Fate, Hop, Located, Placed, Trail, Verdict};
use crate::status::Subject;
use crate::storage::{Copy, CopyState, Holder, Place};

/// A machine in namespace `prod` that runs on a node.
pub(super) fn machine(name: &str, node: &str, disks: Vec<Trail>) -> Located {
    Located {
        subject: Subject {
            namespace: "prod".into(),
            vm: format!("{name}-vm"),
            wukong: Some(name.into()),
            record: None,
        },
        state: Some("Running".into()),
        node: Some(node.into()),
        restarts: true,
        pinned: None,
        disks,
        advice: None,
        unknown: Vec::new(),
    }
}

fn verdict(event: Event, fate: Fate, why: &str) -> Verdict {
    Verdict { event, fate, why: why.into(), steps: Vec::new() }
}

fn hop(kind: &'static str, name: &str, state: &str, gap: bool) -> Hop {
    Hop { kind, name: name.into(), state: state.into(), gap }
}

/// A disk in a claim of its name whose bytes lie somewhere.
pub(super) fn disk(name: &str, class: &str, backend: (&'static str, &str), place: Place) -> Trail {
    let healthy = place.copies.iter().filter(|copy| copy.state == CopyState::Healthy).count();
    let lost = match &place.holder {
        Holder::Node(_) => Fate::Lost,
        Holder::Copies if !place.copies.is_empty() && healthy < 2 => Fate::Lost,
        Holder::Unknown => Fate::Unknown,
        _ => Fate::Kept,
    };
    let seed = name.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let volume = format!("pvc-{seed:08x}-5d1c-4c8e-9a52-{:012x}", u64::from(seed) * 77_777);
    Trail {
        name: name.into(),
        content: Content::Disk,
        hops: vec![hop(kind::CLAIM, name, "Bound", false), hop(kind::VOLUME, &volume, "Bound, policy Delete", false)],
        claim: Some(name.into()),
        volume: Some(volume),
        size: Some("20Gi".into()),
        class: Some(class.into()),
        place: Some(Placed { backend: backend.0, driver: backend.1.into(), policy: "Delete".into(), place }),
        dies_with_vm: false,
        going: false,
        shared_with: Vec::new(),
        left: Vec::new(),
        verdicts: vec![
            verdict(Event::VmDeleted, Fate::Kept, "the VirtualMachine does not own it"),
            verdict(Event::NodeLost, lost, "as its place is"),
        ],
    }
}

/// A disk that its VirtualMachine owns.
pub(super) fn owned(mut disk: Trail) -> Trail {
    disk.dies_with_vm = true;
    disk.verdicts[0] = verdict(Event::VmDeleted, Fate::Lost, "the VirtualMachine owns it; policy Delete");
    disk
}

pub(super) fn local(name: &str, node: &str) -> Trail {
    let at = Some(format!("/opt/local-path-provisioner/pvc_prod_{name}/disk.img"));
    let place = Place { at, ..Place::new(Holder::Node(Some(node.into()))) };
    disk(name, "local-path", ("local-path", "rancher.io/local-path"), place)
}

pub(super) fn longhorn(name: &str, copies: &[(&str, CopyState)]) -> Trail {
    let copies = copies
        .iter()
        .map(|(node, state)| Copy {
            node: Some((*node).into()),
            at: Some(format!("/var/lib/longhorn/replicas/{name}")),
            state: *state,
        })
        .collect();
    disk(name, "longhorn", ("Longhorn", "driver.longhorn.io"), Place { copies, ..Place::new(Holder::Copies) })
}

pub(super) fn nfs(name: &str) -> Trail {
    let at = Some(format!("/export/kube/{name}/disk.img"));
    let place = Place { at, ..Place::new(Holder::Server("nfs.example.com".into())) };
    disk(name, "nfs-csi", ("NFS", "nfs.csi.k8s.io"), place)
}

/// A claim that waits for its first consumer.
pub(super) fn unbound(name: &str) -> Trail {
    let mut disk = nfs(name);
    disk.hops = vec![hop(kind::CLAIM, name, "not bound yet: waits for first consumer", true)];
    (disk.volume, disk.place, disk.verdicts) = (None, None, Vec::new());
    disk
}

/// A disk whose volume nobody lets us see.
pub(super) fn unseen(name: &str) -> Trail {
    let mut disk = nfs(name);
    disk.hops[1] = hop(kind::VOLUME, "pvc-unseen", "not permitted to list PersistentVolumes", true);
    (disk.volume, disk.place) = (Some("pvc-unseen".into()), None);
    disk.verdicts[1] = verdict(Event::NodeLost, Fate::Unknown, "where it lies cannot be seen");
    disk
}

/// What holds nothing that lasts.
pub(super) fn passing(name: &str, what: &str) -> Trail {
    let mut disk = nfs(name);
    disk.content = Content::Passing(what.into());
    disk.hops = Vec::new();
    (disk.claim, disk.volume, disk.size, disk.class, disk.place) = (None, None, None, None, None);
    disk.verdicts = Vec::new();
    disk
}

/// A file of the node on which the machine runs.
pub(super) fn host_file(name: &str, node: &str) -> Trail {
    let mut disk = local(name, node);
    disk.content = Content::HostDisk;
    disk.hops = Vec::new();
    (disk.claim, disk.volume, disk.size, disk.class) = (None, None, None, None);
    disk.place = Some(Placed {
        backend: "a file of the node",
        driver: "hostDisk".into(),
        policy: String::new(),
        place: Place { at: Some(format!("/data/{name}.img")), ..Place::new(Holder::Node(Some(node.into()))) },
    });
    disk
}

/// One machine with a disk of most kinds.
pub(super) fn one() -> Located {
    use CopyState::{Failed, Healthy};
    let copies = [("worker-1", Healthy), ("worker-2", Healthy), ("worker-3", Failed)];
    let disks = vec![
        owned(local("web-system", "worker-1")),
        longhorn("web-data", &copies),
        nfs("web-archive"),
        passing("cloudinit", "cloud-init"),
    ];
    let advice = "1 of 3 disks die with the VM: kubectl wukong delete web -n prod keeps them";
    Located { advice: Some(advice.into()), ..machine("web", "worker-1", disks) }
}

/// Five machines on five kinds of storage.
pub(super) fn five() -> Vec<Located> {
    use CopyState::{Healthy, Rebuilding};
    let copies = [("worker-1", Healthy), ("worker-2", Healthy), ("worker-3", Rebuilding)];
    let ceph = |name| disk(name, "ceph-block", ("Ceph RBD", "rook-ceph.rbd.csi.ceph.com"), Place::new(Holder::Copies));
    let ebs = |name| {
        disk(name, "gp3", ("Amazon EBS", "ebs.csi.aws.com"), Place::new(Holder::Zone(Some("eu-central-1a".into()))))
    };
    let odd = disk("queue", "fast", ("a driver that is not known here", "csi.acme.io"), Place::new(Holder::Unknown));
    vec![
        machine("web", "worker-1", vec![local("web-root", "worker-1"), nfs("web-files")]),
        machine("db", "worker-2", vec![longhorn("db-root", &copies), owned(local("db-wal", "worker-2"))]),
        machine("mail", "worker-3", vec![ceph("mail-root"), ceph("mail-spool")]),
        machine("build", "worker-3", vec![owned(ebs("build-root")), unbound("build-cache")]),
        machine("queue", "worker-2", vec![odd, unseen("queue-log"), host_file("scratch", "worker-2")]),
    ]
}

/// Many machines on few nodes, some of whose disks have copies.
pub(super) fn many(machines: usize, disks: usize, nodes: usize) -> Vec<Located> {
    let node = |number: usize| format!("worker-{}", number % nodes + 1);
    let one = |number: usize| {
        let own = (0..disks)
            .map(|index| {
                let name = format!("vm{number}-disk{index}");
                let first = number * 7 + number / 3;
                match (number + index) % 4 {
                    0 | 1 => local(&name, &node(first)),
                    2 => {
                        let names = [node(first), node(first + 1)];
                        longhorn(&name, &[(&names[0], CopyState::Healthy), (&names[1], CopyState::Healthy)])
                    }
                    _ => nfs(&name),
                }
            })
            .collect();
        machine(&format!("vm{number}"), &node(number), own)
    };
    (0..machines).map(one).collect()
}

/// Names that would break out of every format, if they could.
pub(super) const HOSTILE: [&str; 9] = [
    "\"]; n9[\"x\"] -->|\"y\"| n1",
    "</text><script>alert('1')</script>&amp;]]>",
    "\\\" label=\\N \\l\\",
    "a\nb\r\u{1b}[31m\u{202e}c\u{0}",
    "#quot;#35;%%{init: {}}%% %% end",
    "`**bold**` ::: style x:y #z; click n1 \"javascript:1\"",
    "<!-- --> {{x}} ((y)) $$z$$ @{shape: x} |",
    "生产-🐒-\u{fffe}\u{ffff}",
    "",
];

/// A machine all of whose names are hostile.
pub(super) fn hostile(bad: &str) -> Located {
    let mut disks = vec![
        owned(local(bad, bad)),
        longhorn(bad, &[(bad, CopyState::Failed), (bad, CopyState::Rebuilding)]),
        disk(bad, bad, ("x", bad), Place { at: Some(bad.into()), ..Place::new(Holder::Server(bad.into())) }),
        disk(bad, bad, ("y", bad), Place::new(Holder::Unknown)),
        unbound(bad),
        unseen(bad),
        host_file(bad, bad),
        passing(bad, bad),
    ];
    for (index, disk) in disks.iter_mut().enumerate() {
        disk.volume = disk.volume.as_ref().map(|_| format!("{bad}{index}"));
        disk.size = Some(bad.into());
        for hop in &mut disk.hops {
            hop.state = bad.into();
        }
        for verdict in &mut disk.verdicts {
            verdict.why = bad.into();
        }
    }
    Located {
        subject: Subject { namespace: bad.into(), vm: bad.into(), wukong: Some(bad.into()), record: None },
        state: Some(bad.into()),
        advice: Some(bad.into()),
        unknown: vec![bad.into()],
        ..machine(bad, bad, disks)
    }
}
