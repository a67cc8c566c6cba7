//! How full the file systems on a disk were over a time, as Prometheus has it from KubeVirt.
//!
//! The metrics are `kubevirt_vmi_filesystem_used_bytes` and `…_capacity_bytes`. They name a file system by the guest's
//! device, such as `vda1`, and not by the disk's serial, and the machine by its namespace, its name and its node. Source:
//! KubeVirt, docs/observability/metrics.md; pkg/monitoring/metrics/virt-handler/domainstats.

use std::collections::BTreeMap;

use serde_json::Value;

use super::disks::Disk;
use super::fullness::{FileSystem, Fullness};
use crate::facts::{is_on, text};
use crate::text::sanitize;

/// What is asked of Prometheus: a range of samples, one every [`Query::step`] seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The expression.
    pub expression: String,
    /// The first time, in seconds since 1970.
    pub start: i64,
    /// The last time.
    pub end: i64,
    /// Seconds between two samples.
    pub step: i64,
}

/// What Prometheus has of one file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    namespace: String,
    vm: String,
    /// The node that told it; empty if that is not kept.
    node: String,
    device: String,
    mount: String,
    /// Time and bytes, the oldest first.
    used: Vec<(i64, u64)>,
    total: Vec<(i64, u64)>,
}

/// Why an answer of Prometheus says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// Seconds between two samples: as often as most installations scrape, but at least ten in a window.
fn step(window: i64) -> i64 {
    (window / 10).clamp(1, 60)
}

/// The two questions: bytes in use, and all bytes. File systems that are only read fill nothing. `labels` are those that
/// series of this cluster have, where Prometheus knows several.
pub fn queries(namespace: Option<&str>, labels: &[(String, String)], window: i64, now: i64) -> [Query; 2] {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let wanted = namespace.map(|name| ("namespace", name)).into_iter();
    let wanted = wanted.chain(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let wanted: String = wanted.map(|(name, value)| format!(",{name}=\"{}\"", escaped(value))).collect();
    ["used", "capacity"].map(|which| Query {
        // Two that scrape the same node tell the same.
        expression: format!(
            "max by (namespace, name, node, disk_name, mount_point) \
             (kubevirt_vmi_filesystem_{which}_bytes{{file_system_type!~\"squashfs|iso9660|udf|tmpfs\"{wanted}}})"
        ),
        start: now.saturating_sub(window),
        end: now,
        step: step(window),
    })
}

/// Reads the two answers.
///
/// # Errors
/// One of them is an error, or nothing that Prometheus would say.
pub fn series(used: &Value, capacity: &Value) -> Result<Vec<Series>, Unreadable> {
    let (used, mut capacity) = (matrix(used)?, matrix(capacity)?);
    let all = used.into_iter().map(|(labels, used)| {
        let total = capacity.remove(&labels).unwrap_or_default();
        let [namespace, vm, node, device, mount] = labels;
        Series { namespace, vm, node, device, mount, used, total }
    });
    Ok(all.collect())
}

type Samples = Vec<(i64, u64)>;

fn matrix(answer: &Value) -> Result<BTreeMap<[String; 5], Samples>, Unreadable> {
    if answer["status"] != "success" {
        let error = text(answer, "/error").unwrap_or("it does not answer as Prometheus does");
        return Err(Unreadable(sanitize(error).chars().take(300).collect()));
    }
    if answer["data"]["resultType"] != "matrix" {
        return Err(Unreadable("it does not answer with samples over a time".into()));
    }
    let results = answer["data"]["result"].as_array().into_iter().flatten();
    let all = results.filter_map(|result| {
        let label = |key: &str| Some(result["metric"][key].as_str()?.to_owned());
        let node = label("node").unwrap_or_default();
        let labels = [label("namespace")?, label("name")?, node, label("disk_name")?, label("mount_point")?];
        Some((labels, result["values"].as_array()?.iter().filter_map(sample).collect()))
    });
    Ok(all.collect())
}

/// `[1700000000.123, "1.5e+10"]`. What is no number of bytes is no sample.
fn sample(value: &Value) -> Option<(i64, u64)> {
    let time = value.get(0)?.as_f64()?;
    let bytes: f64 = value.get(1)?.as_str()?.parse().ok()?;
    let fits = |number: f64| number.is_finite() && (0.0..9e18).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both were just looked at")]
    (fits(time) && fits(bytes)).then_some((time as i64, bytes as u64))
}

/// What Prometheus says about a disk: the least of a window that is used, so that a moment's peak counts for nothing.
pub(super) fn from_series(all: &[Series], disk: &Disk<'_>, window: i64, now: i64) -> Fullness {
    let unknown = |why: &str| Fullness::Unknown(why.to_owned());
    let Some(instance) = disk.instance else { return unknown("the machine does not run") };
    let Some(target) = disk.target() else { return unknown("it is not known where the guest sees this disk") };
    let part = |pointer: &str| text(disk.vm, pointer).unwrap_or_default();
    let (namespace, vm) = (part("/metadata/namespace"), part("/metadata/name"));
    let named = || all.iter().filter(|series| series.namespace == namespace && series.vm == vm);
    if named().next().is_some() && named().all(|series| !was_on(instance, &series.node)) {
        return unknown("what Prometheus has of this name is of another node, so it may be of another cluster");
    }
    let own = || named().filter(|series| was_on(instance, &series.node) && is_on(&series.device, target));
    let Some(largest) = own().max_by_key(|series| series.total.last().map(|(_, total)| *total)) else {
        return unknown("Prometheus has no file system on this disk");
    };
    // A machine that has moved is told by two nodes, one after the other.
    let (mut used, mut total) = (BTreeMap::new(), BTreeMap::new());
    for series in own().filter(|series| series.mount == largest.mount && series.device == largest.device) {
        for (all, samples) in [(&mut used, &series.used), (&mut total, &series.total)] {
            for (time, bytes) in samples {
                let known = all.entry(*time).or_insert(*bytes);
                *known = (*known).max(*bytes);
            }
        }
    }
    let old = step(window).saturating_mul(2);
    let (Some((first, _)), Some((last, _)), Some((measured, total))) =
        (used.first_key_value(), used.last_key_value(), total.last_key_value())
    else {
        return unknown("Prometheus has no samples of it");
    };
    if now.saturating_sub(*last.min(measured)) > old {
        return unknown("what Prometheus has of it is old; its machine or the scraping has stopped");
    }
    if first.saturating_sub(now.saturating_sub(window)) > old {
        return unknown("Prometheus has not known it for the whole window yet");
    }
    if used.keys().zip(used.keys().skip(1)).any(|(one, next)| next.saturating_sub(*one) > old) {
        return unknown("Prometheus has not known it for a part of the window");
    }
    let used = used.values().min().copied().unwrap_or_default();
    let system = FileSystem { mount: largest.mount.clone(), used, total: *total };
    Fullness::of(
        std::iter::once(system).filter(|system| system.used <= system.total),
        "what Prometheus has is not a file system",
    )
}

/// Whether a node is one that a machine runs on, or came from. Names of machines are those of one cluster; another one may
/// have the same.
fn was_on(instance: &Value, node: &str) -> bool {
    let places = ["/status/nodeName", "/status/migrationState/sourceNode", "/status/migrationState/targetNode"];
    places.iter().any(|place| text(instance, place) == Some(node))
}
