//! What holds after a move, line by line.

use serde_json::Value;

use super::check::Check;
use super::scene::Scene;
use super::size::guest_bytes;
use super::swap::{Stand, stand};
use crate::facts::{Facts, Journey, Way, bytes_at, condition, kind, text};
use crate::status::Subject;

/// The checklist after a move that has come to its end.
pub fn verify(journey: &Journey, facts: &Facts, subject: &Subject) -> Vec<Check> {
    let Some(scene) = Scene::of(facts, subject) else {
        return vec![Check::failed(
            "the machine",
            "it is not there any more",
            "`kubectl get events` may tell who deleted it",
        )];
    };
    let more = |tells: &str| format!("`{}` {tells}", subject.command("status", ""));
    let mut all = Vec::new();
    if journey.ran || scene.instance.is_some() {
        all.push(running(journey, &scene, more("says why")));
        all.extend(guest(&scene, &more("tells more")));
    } else {
        all.push(Check::passed("it is off", "as it was before"));
    }
    for moved in &journey.disks {
        let what = format!("disk {}", moved.disk);
        let claim = facts.get(kind::CLAIM, &subject.namespace, &moved.to);
        let there = scene.claim(&moved.disk) == Some(&moved.to)
            && (scene.instance.is_none() || scene.instance_claim(&moved.disk) == Some(&moved.to));
        all.push(match claim {
            Some(claim) if there && text(claim, "/status/phase") == Some("Bound") => size(&what, moved, claim, &scene),
            Some(claim) if there && !journey.ran => Check::unknown(
                what,
                format!("on {}, which is {}", moved.to, text(claim, "/status/phase").unwrap_or("new")),
            ),
            Some(_) => Check::failed(what, format!("it does not stand on {}", moved.to), more("tells more")),
            None => Check::failed(what, format!("its claim {} is gone", moved.to), "the old claim is whole: see below"),
        });
        let old = facts.get(kind::CLAIM, &subject.namespace, &moved.from);
        let same = old.is_some_and(|old| text(old, "/metadata/uid") == Some(moved.from_uid.as_str()));
        all.push(if same {
            Check::passed(format!("old claim {}", moved.from), "kept")
        } else {
            Check::failed(
                format!("old claim {}", moved.from),
                "it is gone",
                "somebody else deleted it: `kubectl get events`",
            )
        });
    }
    if journey.disks.is_empty() {
        for disk in &scene.disks {
            let bound = disk.claim.is_some_and(|claim| text(claim, "/status/phase") == Some("Bound"));
            let what = format!("disk {}", disk.name);
            all.push(if bound {
                Check::passed(what, format!("on {}, as before", disk.claim_name))
            } else {
                Check::failed(what, format!("its claim {} is not bound", disk.claim_name), more("tells more"))
            });
        }
    }
    if scene.instance.is_some()
        && journey.way == Way::StorageLive
        && stand(scene.vm, journey) == Stand::Target
        && text(scene.vm, "/spec/updateVolumesStrategy") != journey.volumes_strategy.as_deref()
    {
        all.push(Check::unknown(
            "updateVolumesStrategy",
            "it stays Migration while this guest runs, or KubeVirt would want a restart; --cleanup sets it back after the next start",
        ));
    }
    all
}

fn running(journey: &Journey, scene: &Scene<'_>, help: String) -> Check {
    let Some(node) = scene.node().filter(|_| scene.runs()) else {
        return Check::failed("it runs", "it does not", help);
    };
    match journey.node.as_deref() {
        Some(wanted) if wanted != node => {
            Check::failed("it runs", format!("on {node}, not on {wanted}"), "look at `kubectl get vmim`")
        }
        _ => Check::passed("it runs", format!("on {node}")),
    }
}

/// Readiness, network and agent, as KubeVirt reports them.
fn guest(scene: &Scene<'_>, help: &str) -> Vec<Check> {
    let Some(instance) = scene.instance else { return Vec::new() };
    let mut all = Vec::new();
    all.push(match condition(instance, "Ready") {
        Some((true, ..)) => Check::passed("KubeVirt calls it ready", ""),
        Some((false, reason, message)) => {
            let why = if message.is_empty() { reason } else { message };
            Check::failed("KubeVirt calls it ready", why, format!("it may need some seconds; {help}"))
        }
        None => Check::unknown("KubeVirt calls it ready", "it has not said so yet"),
    });
    let interfaces = instance.pointer("/status/interfaces").and_then(Value::as_array);
    let addresses: Vec<_> = interfaces.into_iter().flatten().filter_map(|nic| text(nic, "/ipAddress")).collect();
    all.push(if addresses.is_empty() {
        Check::unknown("network", "no address is reported")
    } else {
        Check::passed("network", addresses.join(", "))
    });
    all.push(match condition(instance, "AgentConnected") {
        Some((true, ..)) => Check::passed("guest agent", "connected"),
        _ => Check::unknown("guest agent", "it is not connected: look into the guest yourself"),
    });
    if let Some((true, _, message)) = condition(scene.vm, "RestartRequired") {
        all.push(Check::failed("no restart is due", message, "restart it when it suits"));
    }
    all
}

fn size(what: &str, moved: &crate::facts::Moved, claim: &Value, scene: &Scene<'_>) -> Check {
    let real = bytes_at(claim, "/status/capacity/storage");
    let old = scene.facts.get(kind::CLAIM, scene.namespace, &moved.from);
    let needed = old.and_then(|old| {
        let disk = super::scene::Disk {
            name: &moved.disk,
            claim_name: &moved.from,
            claim: Some(old),
            data_volume: scene.facts.get(kind::DATA_VOLUME, scene.namespace, &moved.from),
            volume: None,
            device: None,
            read_only: false,
        };
        guest_bytes(&disk, scene.facts)
    });
    match (real, needed) {
        (Some(real), Some(needed)) if real < needed => Check::failed(
            what,
            format!("on {}, which has less than the old one", moved.to),
            "keep the old claim, and look at the guest's file systems",
        ),
        _ => Check::passed(what, format!("on {} of {}", moved.to, moved.class)),
    }
}
