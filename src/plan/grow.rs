//! Whether and how far a claim grows. Disks never shrink.

use serde_json::Value;

use super::guest::version;
use super::moving::to_class;
use super::{Refusal, Step};
use crate::facts::{Facts, kind, strings, text};
use crate::quantity::Quantity;
use crate::storage::{Growing, growing};

/// What the disk asks of its claim.
pub(super) struct Ask<'a> {
    /// The Wukong, for the commands that are named.
    pub wukong: &'a str,
    /// The disk.
    pub disk: &'a str,
    /// The size in the file: what the guest shall see.
    pub size: &'a Quantity,
    /// The size that the file last said.
    pub last: Option<&'a Quantity>,
    /// What happens before: other claims that grow take of the same quota.
    pub steps: &'a [Step],
}

/// The answer.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// It stays; perhaps there is something to know.
    Stays(Option<String>),
    /// The claim shall ask for this much.
    Grows(String),
}

/// Decides for a claim that is there.
pub(super) fn answer(ask: &Ask<'_>, claim: &Value, facts: &Facts) -> Result<Answer, Refusal> {
    let name = text(claim, "/metadata/name").unwrap_or_default();
    let refuse = |reason: String, help: String| Refusal { object: format!("disk {}", ask.disk), reason, help };
    if let Some(last) = ask.last.filter(|last| ask.size < *last) {
        let help = format!(
            "write `size: {last}` again; for a smaller disk add a new one, copy in the guest, and remove this one"
        );
        return Err(refuse(format!("its size was {last} and would become {}; disks never shrink", ask.size), help));
    }
    let requested = quantity(claim, "/spec/resources/requests/storage");
    let (Some(size), Some(request)) = (ask.size.units(), requested.as_ref().and_then(Quantity::units)) else {
        return Ok(Answer::Stays(None));
    };
    let wanted = wanted(size, claim, facts);
    // An empty disk was made with its size alone, and that is enough. Less is what a run left that was killed before the
    // claim grew, because the record is written first.
    if ask.last.is_none_or(|last| last == ask.size) && request >= size {
        let note = requested.filter(|_| request > wanted).map(|request| {
            format!("the claim asks for {request}, more than the file's {} needs, and stays as it is", ask.size)
        });
        return Ok(Answer::Stays(note));
    }
    if wanted <= request {
        return Ok(Answer::Stays(None));
    }
    allowed(claim, wanted - request, ask.steps, facts).map_err(|(reason, help)| {
        refuse(
            format!("its claim {name} cannot grow to {}: {reason}", ask.size),
            help.unwrap_or_else(|| {
                let namespace = text(claim, "/metadata/namespace").unwrap_or_default();
                let migrate = to_class(ask.wukong, ask.disk, namespace, "CLASS");
                format!("`{migrate}` moves it to a class that can")
            }),
        )
    })?;
    Ok(Answer::Grows(mebibytes(wanted)))
}

fn wanted(size: u64, claim: &Value, facts: &Facts) -> u64 {
    let class = text(claim, "/spec/storageClassName").unwrap_or_default();
    claim_size(size, text(claim, "/spec/volumeMode") == Some("Block"), class, facts)
}

/// The bytes a claim must ask for so that the guest sees `size`, in whole mebibytes: a file on a file system leaves some
/// of it free, and is itself a whole number of mebibytes.
/// Source: CDI, doc/datavolumes.md and GetRequiredSpace; KubeVirt, pkg/storage/types.
pub(crate) fn claim_size(size: u64, block: bool, class: &str, facts: &Facts) -> u64 {
    let whole = |bytes: u64| bytes.div_ceil(1 << 20).saturating_mul(1 << 20);
    let size = whole(size);
    if block {
        return size;
    }
    let config = facts.all_of(kind::CDI_CONFIG).next().and_then(|config| config.pointer("/status/filesystemOverhead"));
    let own = config.and_then(|config| config["storageClass"][class].as_str());
    let share = own.or_else(|| config.and_then(|config| config["global"].as_str())).unwrap_or("0.06");
    // Parts of a million, so that no rounding of floating point numbers decides about a byte.
    let digits: String = share.trim_start_matches("0.").chars().chain("000000".chars()).take(6).collect();
    let parts = share.starts_with("0.").then(|| digits.parse::<u128>().ok()).flatten().unwrap_or_default();
    let wanted = (u128::from(size) * 1_000_000).div_ceil(1_000_000 - parts.min(999_999));
    whole(u64::try_from(wanted).unwrap_or(u64::MAX))
}

/// The bytes of a claim that its guest has: the other way round.
pub(crate) fn seen_by_guest(claim: &Value, facts: &Facts) -> u64 {
    let request = quantity(claim, "/spec/resources/requests/storage").as_ref().and_then(Quantity::units);
    let request = request.unwrap_or_default();
    let more = wanted(request, claim, facts).max(1);
    u64::try_from(u128::from(request) * u128::from(request) / u128::from(more)).unwrap_or(request)
}

/// Bytes as a quantity that people can read, rounded up.
pub(crate) fn mebibytes(bytes: u64) -> String {
    let mebibytes = bytes.div_ceil(1 << 20);
    if mebibytes.is_multiple_of(1 << 10) { format!("{}Gi", mebibytes >> 10) } else { format!("{mebibytes}Mi") }
}

fn quantity(object: &Value, pointer: &str) -> Option<Quantity> {
    text(object, pointer).and_then(|text| Quantity::parse(text).ok())
}

/// Whether the class, the driver, the quota and the state of the claim let it grow by so many bytes.
fn allowed(claim: &Value, more: u64, steps: &[Step], facts: &Facts) -> Result<(), (String, Option<String>)> {
    let namespace = text(claim, "/metadata/namespace").unwrap_or_default();
    let name = text(claim, "/metadata/name").unwrap_or_default();
    match text(claim, "/status/phase") {
        Some("Bound") => {}
        phase => {
            let help = "start the machine, or wait until the claim is bound, and apply again";
            return Err((format!("it is {}, not Bound", phase.unwrap_or("new")), Some(help.to_owned())));
        }
    }
    let class = text(claim, "/spec/storageClassName").unwrap_or_default();
    if class.is_empty() && facts.unknown(kind::CLASS, "").is_none() {
        return Err(("it has no StorageClass, and only the storage of a class can grow".into(), None));
    }
    if let Some(found) = facts.get(kind::CLASS, "", class) {
        if found["allowVolumeExpansion"] != true {
            return Err((format!("its StorageClass {class} does not allow it (allowVolumeExpansion)"), None));
        }
        let provisioner = text(found, "/provisioner").unwrap_or_default();
        if let Growing::Pretends(reason) = growing(provisioner) {
            return Err((format!("the driver {provisioner} only pretends to: {reason}"), None));
        }
    } else if facts.unknown(kind::CLASS, "").is_none() {
        return Err((format!("its StorageClass {class} does not exist any more"), None));
    }
    if let Some(version) = facts.all_of(kind::KUBEVIRT).next().and_then(hides_growth) {
        let help = "add ExpandDisks to spec.configuration.developerConfiguration.featureGates of the KubeVirt, then apply again";
        return Err((
            format!("KubeVirt {version} shows it to a guest only with the feature gate ExpandDisks"),
            Some(help.into()),
        ));
    }
    for quota in facts.all(kind::QUOTA, namespace) {
        for resource in ["requests.storage".to_owned(), format!("{class}.storageclass.storage.k8s.io/requests.storage")]
        {
            let part = |field: &str| {
                let value = quota.pointer("/status").and_then(|status| status[field][&resource].as_str());
                value.and_then(|text| Quantity::parse(text).ok()).and_then(|quantity| quantity.units())
            };
            if let (Some(hard), Some(used)) = (part("hard"), part("used"))
                && let used = used.saturating_add(planned(steps, (resource != "requests.storage").then_some(class)))
                && used.saturating_add(more) > hard
            {
                let quota = text(quota, "/metadata/name").unwrap_or_default();
                let free = mebibytes(hard.saturating_sub(used));
                let help = format!(
                    "free storage in {namespace}, or ask for a larger quota; then apply again ({name} is unchanged)"
                );
                return Err((format!("the ResourceQuota {quota} has {free} of {resource} left"), Some(help)));
            }
        }
    }
    Ok(())
}

/// By how much the claims of earlier steps grow, those of one class or all.
fn planned(steps: &[Step], class: Option<&str>) -> u64 {
    let claims = steps.iter().filter(|step| step.kind == kind::CLAIM);
    let more = claims.filter_map(|step| {
        let live =
            step.live.as_ref().filter(|live| class.is_none() || text(live, "/spec/storageClassName") == class)?;
        let bytes = |object: &Value| quantity(object, "/spec/resources/requests/storage")?.units();
        Some(bytes(step.expected.as_ref()?)?.saturating_sub(bytes(live)?))
    });
    more.fold(0, u64::saturating_add)
}

/// The version of a KubeVirt that does not enlarge disks. Source: KubeVirt, featuregate/inactive.go.
pub(crate) fn hides_growth(kubevirt: &Value) -> Option<&str> {
    let gates = strings(kubevirt, "/spec/configuration/developerConfiguration/featureGates");
    let (numbers, name) = version(kubevirt)?;
    (numbers < (1, 8) && !gates.contains(&"ExpandDisks")).then_some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claim(mode: &str, request: &str) -> Value {
        json!({
            "kind": "PersistentVolumeClaim", "metadata": {"name": "web-data", "namespace": "n"},
            "spec": {"volumeMode": mode, "storageClassName": "fast", "resources": {"requests": {"storage": request}}},
            "status": {"phase": "Bound"},
        })
    }

    fn facts(expands: bool, provisioner: &str) -> Facts {
        let mut facts = Facts::default();
        facts.insert(json!({
            "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": provisioner,
            "allowVolumeExpansion": expands,
        }));
        facts
    }

    fn ask(last: Option<&str>, size: &str, claim: &Value, facts: &Facts) -> Result<Answer, Refusal> {
        let (size, last) = (Quantity::parse(size).unwrap(), last.map(|last| Quantity::parse(last).unwrap()));
        answer(&Ask { wukong: "web", disk: "data", size: &size, last: last.as_ref(), steps: &[] }, claim, facts)
    }

    #[test]
    fn sizes_are_what_the_guest_sees() {
        let longhorn = facts(true, "driver.longhorn.io");
        let grown = |mode: &str| ask(Some("10Gi"), "20Gi", &claim(mode, "10Gi"), &longhorn).unwrap();
        assert_eq!(grown("Block"), Answer::Grows("20Gi".into()));
        // 20 GiB / 0.94, rounded up to a mebibyte.
        assert_eq!(grown("Filesystem"), Answer::Grows("21788Mi".into()));
    }

    #[test]
    fn what_did_not_change_stays() {
        let longhorn = facts(true, "driver.longhorn.io");
        let same = ask(Some("10Gi"), "10240Mi", &claim("Filesystem", "10Gi"), &longhorn).unwrap();
        assert_eq!(same, Answer::Stays(None));
        let Answer::Stays(Some(note)) = ask(Some("10Gi"), "10Gi", &claim("Block", "30Gi"), &longhorn).unwrap() else {
            panic!("no note");
        };
        assert!(note.contains("30Gi"));
        assert!(
            ask(Some("10Gi"), "5Gi", &claim("Block", "10Gi"), &longhorn).unwrap_err().reason.contains("never shrink")
        );
    }

    #[test]
    fn what_cannot_grow_is_refused_with_the_reason() {
        let refused = |facts: &Facts, claim: &Value| ask(Some("10Gi"), "20Gi", claim, facts).unwrap_err().reason;
        let claim = claim("Block", "10Gi");
        assert!(refused(&facts(false, "driver.longhorn.io"), &claim).contains("allowVolumeExpansion"));
        assert!(refused(&facts(true, "rancher.io/local-path"), &claim).contains("only pretends"));
        assert!(refused(&Facts::default(), &claim).contains("does not exist"));
        let mut pending = claim.clone();
        pending["status"]["phase"] = json!("Pending");
        assert!(refused(&facts(true, "driver.longhorn.io"), &pending).contains("Pending"));
        let mut limited = facts(true, "driver.longhorn.io");
        limited.insert(json!({
            "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "n"},
            "status": {"hard": {"requests.storage": "15Gi"}, "used": {"requests.storage": "10Gi"}},
        }));
        assert!(refused(&limited, &claim).contains("has 5Gi of requests.storage left"));
    }
}
