//! A disk's claim and what fills it. Nothing here takes a byte away.

use serde_json::{Value, json};

use super::grow::{Answer, Ask, answer};
use super::guest::Guest;
use super::moving::to_class;
use super::object::{Found, create, grow, update, written};
use super::own::{Standing, standing};
use super::owned::{at, leaves};
use super::{Data, DiskPlan, Note, Refusal, Step, Wishes};
use crate::facts::{Facts, Record, kind, path, strings, text};
use crate::machine::{Disk, Machine};
use crate::quantity::Quantity;

/// What a disk's plan needs to know.
pub(super) struct Scope<'a> {
    pub machine: &'a Machine,
    pub namespace: &'a str,
    pub record: Option<&'a Record>,
    pub wishes: Wishes,
    pub facts: &'a Facts,
    pub guest: &'a Guest,
    /// What happens before.
    pub steps: &'a [Step],
}

/// What happens to a disk.
pub(super) struct Outcome {
    pub steps: Vec<Found>,
    pub disk: DiskPlan,
    pub notes: Vec<Note>,
    /// What is asked first.
    pub question: Option<String>,
}

/// Plans the disk whose claim or DataVolume is `body`.
pub(super) fn plan(disk: &Disk, body: Value, scope: &Scope<'_>) -> Result<Outcome, Refusal> {
    let (facts, namespace) = (scope.facts, scope.namespace);
    let claim = facts.get(kind::CLAIM, namespace, &disk.claim);
    let volume = facts.get(kind::DATA_VOLUME, namespace, &disk.claim);
    let judge = |object: &Value| standing(object, &scope.machine.name, scope.record, scope.wishes, facts);
    let mut out = Outcome {
        steps: Vec::new(),
        disk: DiskPlan { disk: disk.name.clone(), claim: disk.claim.clone(), data: Data::Keep, detail: String::new() },
        notes: Vec::new(),
        question: None,
    };
    let imported = text(&body, "/kind") == Some(kind::DATA_VOLUME);
    let Some(there) = claim.or(volume.filter(|_| imported)) else {
        seen(disk, imported, scope)?;
        let made =
            [kind::CLAIM, kind::DATA_VOLUME].map(|kind| scope.record.and_then(|record| record.made(kind, &disk.claim)));
        if made.into_iter().flatten().any(|made| made.uid.is_some()) {
            // A volume with the data may still be there, Released.
            out.question = Some(format!(
                "make a new claim {} for disk {}? the one that was made here is gone, with what it held",
                disk.claim, disk.name
            ));
        }
        out.disk.data = Data::Create;
        out.disk.detail = disk.size.as_ref().map(ToString::to_string).unwrap_or_default();
        out.notes.extend(no_class(&body, facts).map(|text| Note { object: format!("disk {}", disk.name), text }));
        out.steps.push(Found { step: create(body), conflicts: Vec::new() });
        return Ok(out);
    };
    if text(there, "/status/phase") == Some("Lost") {
        let help = "its volume is gone; `kubectl describe pvc` says which. Restore it, or delete the claim and apply again for an empty disk";
        return Err(Refusal {
            object: format!("disk {}", disk.name),
            reason: format!("its claim {} is Lost", disk.claim),
            help: help.into(),
        });
    }
    let claim_standing = claim.map(&judge).transpose()?;
    let volume_standing = volume.filter(|_| imported).map(&judge).transpose()?;
    unchangeable(disk, claim, volume, scope)?;
    let last = scope.record.and_then(|record| record.sizes.get(&disk.name)).and_then(|size| Quantity::parse(size).ok());
    let answer = match (&disk.size, claim) {
        (Some(size), Some(claim)) => {
            let ask =
                Ask { wukong: &scope.machine.name, disk: &disk.name, size, last: last.as_ref(), steps: scope.steps };
            answer(&ask, claim, facts)?
        }
        (Some(size), None) => {
            out.disk.detail = later(disk, size, last)?;
            Answer::Stays(None)
        }
        (None, _) => Answer::Stays(None),
    };
    let object = format!("disk {}", disk.name);
    if let Answer::Stays(Some(note)) = &answer {
        out.notes.push(Note { object: object.clone(), text: note.clone() });
    }
    if let Answer::Grows(to) = &answer {
        out.disk.data = Data::Grow;
        let from = claim.and_then(|claim| text(claim, "/spec/resources/requests/storage")).unwrap_or("?");
        let guest = disk.size.as_ref().map(ToString::to_string).unwrap_or_default();
        out.disk.detail = format!("claim {from} -> {to}, the guest sees {guest}");
    }
    let grown = |claim: &Value| match &answer {
        Answer::Grows(to) => Some(grow(claim, to)),
        Answer::Stays(_) => None,
    };
    match (volume.filter(|_| imported), claim) {
        (Some(volume), claim) => {
            image(disk, &body, volume, scope.wishes, &mut out.notes)?;
            let handed_on = claim.and_then(|claim| super::policy::handed_on(claim, &body));
            let mut body = body;
            // A DataVolume cannot be changed, except for its metadata: what is sent of its spec is what it has.
            body["spec"] = restricted(&body["spec"], volume, &scope.machine.name);
            let own = volume_standing.unwrap_or(Standing::Own);
            out.steps.push(update(body, volume, &own, &scope.machine.name, scope.guest));
            let step = super::policy::with(claim.and_then(grown), handed_on);
            out.steps.extend(step.map(|step| Found { step, conflicts: Vec::new() }));
        }
        (None, Some(claim)) if imported => {
            // The DataVolume is gone and its claim is not: making another one would import over it, or be refused.
            if !filled(claim, scope.record) {
                other_image("nothing: it was made empty", disk, scope.wishes, &mut out.notes)?;
            }
            let adopted = claim_standing == Some(Standing::Adopted);
            let step = grown(claim).or_else(|| adopted.then(|| keep_claim(claim)));
            let step = super::policy::with(step, super::policy::handed_on(claim, &body));
            out.steps.extend(step.map(|step| Found { step, conflicts: Vec::new() }));
        }
        (None, Some(claim)) => {
            let mut body = body;
            let request = match answer {
                Answer::Grows(to) => json!(to),
                Answer::Stays(_) => claim.pointer("/spec/resources/requests/storage").cloned().unwrap_or(Value::Null),
            };
            body["spec"] = restricted(&body["spec"], claim, &scope.machine.name);
            body["spec"]["resources"] = json!({"requests": {"storage": request}});
            let own = claim_standing.unwrap_or(Standing::Own);
            out.steps.push(update(body, claim, &own, &scope.machine.name, scope.guest));
        }
        (None, None) => {}
    }
    Ok(out)
}

/// Refuses to make what may be there: a disk whose claim or DataVolume cannot be read.
fn seen(disk: &Disk, imported: bool, scope: &Scope<'_>) -> Result<(), Refusal> {
    let (facts, namespace) = (scope.facts, scope.namespace);
    let claims = facts.unknown(kind::CLAIM, namespace).map(|unread| ("persistentvolumeclaims", unread));
    let volumes = facts.unknown(kind::DATA_VOLUME, namespace).filter(|_| imported);
    let Some((resource, unread)) = claims.or(volumes.map(|unread| ("datavolumes.cdi.kubevirt.io", unread))) else {
        return Ok(());
    };
    Err(Refusal {
        object: format!("disk {}", disk.name),
        reason: format!("whether its {} {} exists is not known: {}", unread.kind, disk.claim, unread.reason),
        help: format!("ask for the right to list them: kubectl auth can-i list {resource} -n {namespace}"),
    })
}

/// What is said of a class that is not there. It may be right: volumes that somebody makes by hand need none.
fn no_class(body: &Value, facts: &Facts) -> Option<String> {
    let class = text(body, "/spec/storageClassName").or_else(|| text(body, "/spec/storage/storageClassName"))?;
    if class.is_empty() || facts.unknown(kind::CLASS, "").is_some() || facts.get(kind::CLASS, "", class).is_some() {
        return None;
    }
    let known: Vec<_> = facts.all_of(kind::CLASS).filter_map(|known| text(known, "/metadata/name")).collect();
    let known = if known.is_empty() { "there are none".to_owned() } else { format!("there are {}", known.join(", ")) };
    Some(format!("there is no StorageClass {class} ({known}): its claim waits for one, or for a volume made by hand"))
}

/// What is said of a size that changes before there is a claim.
fn later(disk: &Disk, size: &Quantity, last: Option<Quantity>) -> Result<String, Refusal> {
    match last.filter(|last| last != size) {
        Some(last) if *size < last => {
            let reason = format!("its size was {last} and would become {size}; disks never shrink");
            let help = format!("write `size: {last}` again");
            Err(Refusal { object: format!("disk {}", disk.name), reason, help })
        }
        Some(last) => Ok(format!("{last} -> {size} once its claim is there: apply again then")),
        None => Ok(String::new()),
    }
}

/// A claim that is only noted in the record.
fn keep_claim(claim: &Value) -> Step {
    let mut step = create(json!({
        "apiVersion": "v1", "kind": kind::CLAIM,
        "metadata": {"name": claim["metadata"]["name"], "namespace": claim["metadata"]["namespace"]},
    }));
    step.op = super::Op::Adopt;
    step.live = Some(claim.clone());
    step.expected = Some(claim.clone());
    step
}

/// The class and the modes of a claim are for ever.
fn unchangeable(disk: &Disk, claim: Option<&Value>, volume: Option<&Value>, scope: &Scope<'_>) -> Result<(), Refusal> {
    let field = |name: &str| {
        let of = |object: &'_ Value, pointer: &str| text(object, &format!("{pointer}/{name}")).map(str::to_owned);
        claim.and_then(|claim| of(claim, "/spec")).or_else(|| {
            let volume = volume?;
            of(volume, "/spec/storage").or_else(|| of(volume, "/spec/pvc"))
        })
    };
    let refuse = |what: &str, is: &str, wanted: &str, help: String| Refusal {
        object: format!("disk {}", disk.name),
        reason: format!(
            "its claim {} has {what} {is}, the file asks for {wanted}; a claim cannot change it",
            disk.claim
        ),
        help,
    };
    let migrate = |class: &str| to_class(&scope.machine.name, &disk.name, scope.namespace, class);
    // A policy chooses the class of a new disk; one that exists keeps its own.
    if let (Some(class), Some(is), false) = (&disk.class, field("storageClassName"), disk.class_by_policy)
        && *class != is
    {
        let help = format!("move it: {}", migrate(class));
        return Err(refuse("StorageClass", &is, class, help));
    }
    if let (Some(mode), Some(is)) = (disk.volume_mode, field("volumeMode"))
        && mode.as_str() != is
        && !disk.class_by_policy
    {
        let help = format!("move it to a class with that mode: {}", migrate("CLASS"));
        return Err(refuse("volume mode", &is, mode.as_str(), help));
    }
    let modes = claim.map(|claim| strings(claim, "/spec/accessModes")).or_else(|| {
        let volume = volume?;
        Some([strings(volume, "/spec/storage/accessModes"), strings(volume, "/spec/pvc/accessModes")].concat())
    });
    let modes = modes.unwrap_or_default();
    if !modes.is_empty() && !modes.contains(&disk.access_mode.as_str()) && !disk.class_by_policy {
        let help = format!("write `accessMode: {}`, or move it: {}", modes[0], migrate("CLASS"));
        return Err(refuse("access mode", &modes.join(", "), disk.access_mode.as_str(), help));
    }
    Ok(())
}

/// An image is written once. Another one in the file means the next machine, not this one's bytes.
fn image(disk: &Disk, body: &Value, volume: &Value, wishes: Wishes, notes: &mut Vec<Note>) -> Result<(), Refusal> {
    let (wanted, is) = (&body["spec"]["source"], &volume["spec"]["source"]);
    if super::merge::same(wanted, is) || is.is_null() {
        return Ok(());
    }
    other_image("another one", disk, wishes, notes)
}

/// Says that a disk was not made from the file's image but from `origin`.
fn other_image(origin: &str, disk: &Disk, wishes: Wishes, notes: &mut Vec<Note>) -> Result<(), Refusal> {
    let object = format!("disk {}", disk.name);
    if wishes.strict_image {
        let reason = format!("the file names an image, and it was made from {origin}");
        let help = "write what it was made from again, or rename the disk to make a new one; the old claim stays";
        return Err(Refusal { object, reason, help: help.to_owned() });
    }
    let text = format!("the image in the file is not the disk's, which was made from {origin}; it keeps its bytes");
    notes.push(Note { object, text });
    Ok(())
}

/// Whether CDI filled a claim whose DataVolume is not there.
fn filled(claim: &Value, record: Option<&Record>) -> bool {
    let name = text(claim, "/metadata/name").unwrap_or_default();
    let annotations = path(claim, &["metadata", "annotations"]).and_then(Value::as_object);
    record.is_some_and(|record| record.made(kind::DATA_VOLUME, name).is_some())
        || annotations.is_some_and(|all| all.keys().any(|key| key.starts_with("cdi.kubevirt.io/")))
}

/// The live values of the fields of the spec `wanted`, and of those that were sent before: server-side apply takes away
/// what is sent no more, and of a claim nothing can be taken away.
fn restricted(wanted: &Value, live: &Value, wukong: &str) -> Value {
    let sent =
        written(live, wukong).into_iter().filter_map(|path| Some(path.strip_prefix(&["spec".to_owned()])?.to_vec()));
    let mut out = Value::Null;
    for path in leaves(wanted).into_iter().chain(sent) {
        if let Some(value) = at(&live["spec"], &path).filter(|value| !value.is_null()) {
            let mut place = &mut out;
            for key in &path {
                place = &mut place[key.as_str()];
            }
            *place = value.clone();
        }
    }
    out
}
