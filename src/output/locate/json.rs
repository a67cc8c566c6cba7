//! Where the bytes lie, for programs.

use serde_json::{Value, json};

use crate::locate::{Content, Located, Placed, Trail};
use crate::storage::{CopyState, Holder};

/// A machine.
pub fn located_json(machine: &Located) -> Value {
    json!({
        "namespace": machine.subject.namespace,
        "wukong": machine.subject.wukong,
        "virtualMachine": machine.subject.vm,
        "state": machine.state,
        "nodeName": machine.node,
        "disks": machine.disks.iter().map(disk).collect::<Vec<_>>(),
        "advice": machine.advice,
        "unknown": machine.unknown,
    })
}

fn disk(disk: &Trail) -> Value {
    let (content, what) = match &disk.content {
        Content::Disk => ("disk", None),
        Content::Plugged => ("hotplugged", None),
        Content::State => ("tpm-and-firmware-state", None),
        Content::HostDisk => ("host-disk", None),
        Content::Passing(what) => ("no-lasting-data", Some(what)),
    };
    json!({
        "name": disk.name,
        "content": content,
        "what": what,
        "path": disk.hops.iter().map(|hop| json!({
            "kind": hop.kind, "name": hop.name, "state": hop.state, "gap": hop.gap,
        })).collect::<Vec<_>>(),
        "pvcName": disk.claim,
        "persistentVolume": disk.volume,
        "size": disk.size,
        "storageClassName": disk.class,
        "place": disk.place.as_ref().map(place),
        "diesWithVm": disk.dies_with_vm,
        "verdicts": disk.verdicts.iter().map(|verdict| json!({
            "event": verdict.event.word(), "fate": verdict.fate.word(), "why": verdict.why, "steps": verdict.steps,
        })).collect::<Vec<_>>(),
    })
}

fn place(placed: &Placed) -> Value {
    let place = &placed.place;
    let (holder, name) = match &place.holder {
        Holder::Node(node) => ("node", node.as_deref()),
        Holder::Copies => ("copies", None),
        Holder::Server(server) => ("server", Some(server.as_str())),
        Holder::Zone(zone) => ("zone", zone.as_deref()),
        Holder::Region(region) => ("region", region.as_deref()),
        Holder::Unknown => ("unknown", None),
    };
    let state = |state| match state {
        CopyState::Healthy => "healthy",
        CopyState::Rebuilding => "rebuilding",
        CopyState::Failed => "failed",
        CopyState::Unknown => "unknown",
    };
    json!({
        "backend": placed.backend,
        "driver": placed.driver,
        "reclaimPolicy": placed.policy,
        "holder": {"kind": holder, "name": name},
        "at": place.at,
        "copies": place.copies.iter().map(|copy| json!({
            "node": copy.node, "at": copy.at, "state": state(copy.state),
        })).collect::<Vec<_>>(),
        "details": place.details.iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>(),
        "look": place.look,
        "notes": place.notes,
    })
}
