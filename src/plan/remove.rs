//! What deleting a Wukong takes away, and what it keeps. Disks stay unless they are named.

use serde_json::Value;

use super::dependents::Doomed;
use super::existing::user;
use super::lists::{LISTS, list, name};
use super::own::{Standing, standing};
use super::prune::{self, used};
use super::{Note, Refusal, Wishes, identity};
use crate::facts::{Facts, Record, Unread, claim_of, has_ended, is_going, kind, strings, text};
use crate::text::command_line;

/// What happens to one Wukong.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// The Wukong.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The name of its VirtualMachine.
    pub vm: String,
    /// Its VirtualMachine, if there still is one.
    pub machine: Option<Value>,
    /// Whether that runs.
    pub running: bool,
    /// Secrets and networks that go with it.
    pub things: Vec<Value>,
    /// Claims that stay, by disk.
    pub kept: Vec<(String, String)>,
    /// Claims of `kept` that the VirtualMachine owns: an ordinary delete would take them along.
    pub owned: Vec<String>,
    /// Claims of `kept` that may not be seen: they may not even be there.
    pub unseen: Vec<String>,
    /// The firmware's UUID, if the machine could not be made again with it: it is noted on the claims that stay.
    pub identity: Option<String>,
    /// The claims to note it on: those that this Wukong made or took over.
    pub noted: Vec<String>,
    /// Claims, and the DataVolumes that fill them, that were named to be deleted.
    pub data: Vec<Value>,
    /// Its record, which goes last.
    pub record: Option<Value>,
    /// Whether there is nothing to delete.
    pub absent: bool,
    /// Why nothing is done.
    pub refusals: Vec<Refusal>,
    /// What to know.
    pub notes: Vec<Note>,
}

/// Plans the deletion of a Wukong. `named` are the disks or claims whose data shall go.
pub fn removal(facts: &Facts, namespace: &str, wukong: &str, vm: &str, named: &[String]) -> Removal {
    let part = str::to_owned;
    let mut out = Removal { name: part(wukong), namespace: part(namespace), vm: part(vm), ..Removal::default() };
    let refuse = |object: String, reason: &str, help: String| Refusal { object, reason: reason.to_owned(), help };
    let found = facts.get(kind::CONFIG_MAP, namespace, &Record::name(wukong));
    let record = match found.map(Record::read) {
        None => None,
        Some(Ok(record)) => Some(record),
        Some(Err(unusable)) => {
            let help = format!("delete the machine by hand: kubectl delete vm {vm} -n {namespace} --cascade=orphan");
            out.refusals.push(refuse(
                format!("ConfigMap/{}", Record::name(wukong)),
                &format!("the record cannot be used: {}", unusable.0),
                help,
            ));
            return out;
        }
    };
    let machine = facts.get(kind::MACHINE, namespace, vm);
    let Some(record) = record else {
        out.absent = machine.is_none() && facts.unknown(kind::CONFIG_MAP, namespace).is_none();
        out.refusals.push(unknown(namespace, wukong, vm, machine, facts));
        return out;
    };
    out.refusals.extend(super::moving::under_way(wukong, namespace, vm, facts));
    out.record = found.cloned();
    for kind in [kind::MACHINE, kind::INSTANCE] {
        if let Some(unread) = facts.unknown(kind, namespace) {
            let help = "what cannot be seen cannot be deleted safely: ask for the right to list it".to_owned();
            out.refusals.push(refuse(format!("{namespace}/{wukong}"), &unread.reason, help));
        }
    }
    if let Some(machine) = machine {
        match standing(machine, wukong, Some(&record), Wishes::default(), facts) {
            // One that is being deleted already is waited for.
            Ok(_) => out.machine = Some(machine.clone()),
            Err(_)
                if record.made(kind::MACHINE, vm).and_then(|made| made.uid.as_deref())
                    == text(machine, "/metadata/uid") =>
            {
                match crate::facts::created_by_other(machine) {
                    Some(owner) => out.refusals.push(refuse(
                        format!("VirtualMachine/{vm}"),
                        &format!("it is controlled by {owner}"),
                        format!("stop the controller of {owner} first"),
                    )),
                    None => out.machine = Some(machine.clone()),
                }
            }
            Err(refusal) => out.refusals.push(refusal),
        }
    }
    let instance = facts.get(kind::INSTANCE, namespace, vm);
    out.running = instance.is_some_and(|instance| !has_ended(instance));
    disks(&mut out, &record, machine, facts, named);
    let unread = unread(facts, namespace).filter(|_| !out.kept.is_empty());
    let orphans = |machine: &Value| strings(machine, "/metadata/finalizers").contains(&"orphan");
    if machine.is_some_and(|machine| is_going(machine) && !orphans(machine)) {
        taken_along(&mut out, unread);
    }
    out.identity = machine.and_then(|machine| identity::to_keep(machine, namespace, wukong));
    let own = |claim: &String| record.claims.values().any(|known| known == claim);
    let there = |claim: &String| facts.get(kind::CLAIM, namespace, claim).is_some();
    if let Some(unread) = unread.filter(|_| !out.unseen.is_empty()) {
        let mut text = format!("they stay, but are not looked at: {}", unread.reason);
        if let Some(uuid) = &out.identity {
            text.push_str(&format!(
                "; the firmware's UUID {uuid} cannot be noted on them for a machine that comes back"
            ));
        }
        out.notes.push(Note { object: format!("the claims {}", out.unseen.join(", ")), text });
    }
    out.noted = out.kept.iter().map(|(_, claim)| claim.clone()).filter(|claim| own(claim) && there(claim)).collect();
    let wishes = Wishes::default();
    let scope = prune::Scope { wukong, namespace, vm, record: &record, machine: None, wishes, facts };
    for made in &record.made {
        if !matches!(made.kind.as_str(), kind::SECRET | kind::NETWORK) {
            continue;
        }
        let object = format!("{}/{}", made.kind, made.name);
        let Some(live) = facts.get(&made.kind, namespace, &made.name) else {
            if let Some(unread) = facts.unknown(&made.kind, namespace) {
                out.notes.push(Note { object, text: format!("it stays, because it is not known: {}", unread.reason) });
            }
            continue;
        };
        if standing(live, wukong, Some(&record), Wishes::default(), facts) != Ok(Standing::Own) {
            out.notes.push(Note { object, text: "it is not the one that was made here any more, and stays".into() });
        } else if let Some(reason) = (made.kind == kind::NETWORK).then(|| used(&scope, &made.name, true)).flatten() {
            out.notes.push(Note { object, text: format!("it stays: {reason}") });
        } else {
            out.things.push(live.clone());
        }
    }
    out
}

impl Removal {
    /// Why data that was named stays after all: the guest may have taken minutes to stop, and others act meanwhile.
    pub fn objections(&self, facts: &Facts) -> Vec<Refusal> {
        let mut claims: Vec<_> = self.data.iter().filter_map(|object| text(object, "/metadata/name")).collect();
        claims.dedup();
        let objection = |claim: &str| {
            // A machine of the same name is another one by now.
            let (reason, help) = self.needed(claim, "", facts).err()?;
            let help = format!("{help}; then run the same command again");
            Some(Refusal { object: format!("claim {claim}"), reason, help })
        };
        claims.into_iter().filter_map(objection).collect()
    }

    /// Why a claim must stay, and what helps; else what becomes of its snapshots. `own` is the machine that may use it.
    fn needed(&self, name: &str, own: &str, facts: &Facts) -> Result<Vec<String>, (String, String)> {
        if let Some(user) = user(name, &self.namespace, own, false, facts) {
            return Err((format!("{user} uses it"), "take the disk from it first".to_owned()));
        }
        let claim = facts.get(kind::CLAIM, &self.namespace, name);
        Doomed { name, claim, namespace: &self.namespace, vm: &self.vm, policy: None, facts }.check()
    }
}

/// Why something without a record is not deleted.
fn unknown(namespace: &str, wukong: &str, vm: &str, machine: Option<&Value>, facts: &Facts) -> Refusal {
    let (reason, help) = match (machine, facts.unknown(kind::CONFIG_MAP, namespace)) {
        (_, Some(unread)) => (
            format!("its record cannot be read: {}", unread.reason),
            format!("kubectl auth can-i list configmaps -n {namespace}"),
        ),
        (Some(_), None) => (
            "it was not made by this tool: there is no record of it".to_owned(),
            format!(
                "take it over with `{}`, or delete it by hand and keep its disks: kubectl delete vm {vm} -n {namespace} --cascade=orphan",
                command_line("apply -f FILE", &[], namespace, "--adopt")
            ),
        ),
        (None, None) => {
            ("there is no such Wukong".to_owned(), format!("`kubectl get vm -n {namespace}` lists the machines"))
        }
    };
    Refusal { object: format!("{namespace}/{wukong}"), reason, help }
}

/// Why it is not known which disks there are, if it is not.
fn unread<'a>(facts: &'a Facts, namespace: &str) -> Option<&'a Unread> {
    [kind::CLAIM, kind::DATA_VOLUME].into_iter().find_map(|kind| facts.unknown(kind, namespace))
}

/// Refuses where somebody else deletes the machine in a way that takes the disks along that it owns.
fn taken_along(out: &mut Removal, unread: Option<&Unread>) {
    let object = format!("VirtualMachine/{}", out.vm);
    let reason = "it is being deleted by someone else, and takes";
    if !out.owned.is_empty() {
        let help = format!(
            "to save them, remove the owner reference from each: kubectl patch dv,pvc {} -n {} --type=json -p '[{{\"op\":\"remove\",\"path\":\"/metadata/ownerReferences\"}}]'",
            out.owned.join(" "),
            out.namespace
        );
        let reason = format!("{reason} its disks along: {}", out.owned.join(", "));
        out.refusals.push(Refusal { object, reason, help });
    } else if let Some(unread) = unread {
        let reason = format!("{reason} the disks along that it owns; which these are is not known: {}", unread.reason);
        out.refusals.push(Refusal { object, reason, help: format!("ask for the right to list each {}", unread.kind) });
    }
}

/// Which disks stay and which go.
fn disks(out: &mut Removal, record: &Record, machine: Option<&Value>, facts: &Facts, named: &[String]) {
    let namespace = out.namespace.clone();
    let mut claims: Vec<(String, String)> =
        record.claims.iter().map(|(disk, claim)| (disk.clone(), claim.clone())).collect();
    // Detached disks are known by their claims alone.
    for made in record.made.iter().filter(|made| made.kind == kind::CLAIM || made.kind == kind::DATA_VOLUME) {
        if claims.iter().all(|(_, known)| *known != made.name) {
            claims.push((made.name.clone(), made.name.clone()));
        }
    }
    for volume in machine.map(|machine| list(machine, &LISTS[1])).unwrap_or_default() {
        if let Some(claim) = claim_of(volume).filter(|claim| claims.iter().all(|(_, known)| known != claim)) {
            claims.push((name(volume).to_owned(), claim.to_owned()));
        }
    }
    for asked in named {
        let meant = claims.iter().filter(|(disk, claim)| disk == asked || claim == asked).count();
        if meant > 1 {
            out.refusals.push(Refusal {
                object: format!("disk {asked}"),
                reason: "one disk has this name, and another one's claim".to_owned(),
                help: "name the claim of the one, or the disk whose claim is called otherwise".to_owned(),
            });
        }
        if meant == 0 {
            let known: Vec<_> = claims.iter().map(|(disk, _)| disk.as_str()).collect();
            out.refusals.push(Refusal {
                object: format!("disk {asked}"),
                reason: format!("{} has no such disk", out.name),
                help: format!("its disks are {}", known.join(", ")),
            });
        }
    }
    let own_name = machine.and_then(|machine| text(machine, "/metadata/name")).unwrap_or_default();
    let unread = unread(facts, &namespace);
    for (disk, claim) in claims {
        let volume = facts.get(kind::DATA_VOLUME, &namespace, &claim);
        let found = facts.get(kind::CLAIM, &namespace, &claim);
        let goes = named.iter().any(|asked| *asked == disk || *asked == claim);
        if volume.is_none() && found.is_none() && unread.is_none() {
            continue;
        }
        let owned_by_machine = [volume, found]
            .into_iter()
            .flatten()
            .any(|object| machine.is_some_and(|machine| is_owner(machine, object)));
        if !goes {
            if owned_by_machine {
                out.owned.push(claim.clone());
            }
            if found.is_none() && unread.is_some() {
                out.unseen.push(claim.clone());
            }
            out.kept.push((disk, claim));
            continue;
        }
        let own =
            |object: &Value| standing(object, &out.name, Some(record), Wishes::default(), facts) == Ok(Standing::Own);
        // What was taken over as a claim may be filled by a DataVolume, which then goes with it.
        let fills = |volume: &Value| found.is_some_and(|claim| own(claim) && is_owner(volume, claim));
        let others =
            volume.is_some_and(|volume| !own(volume) && !fills(volume)) || found.is_some_and(|claim| !own(claim));
        let checked = if others && !owned_by_machine {
            Err(("it was not made by this Wukong".to_owned(), None))
        } else {
            out.needed(&claim, own_name, facts).map_err(|(reason, help)| (reason, Some(help)))
        };
        match checked {
            Err((reason, help)) => out.refusals.push(Refusal {
                object: format!("disk {disk}"),
                reason: format!("its claim {claim} is not deleted: {reason}"),
                help: help.map(|help| help + "; or ").unwrap_or_default() + "leave it out of --delete-data",
            }),
            Ok(known) => {
                let object = format!("claim {claim}");
                out.notes.extend(known.into_iter().map(|text| Note { object: object.clone(), text }));
                out.data.extend([volume, found].into_iter().flatten().cloned());
            }
        }
    }
}

/// Whether an object names another one as its owner.
fn is_owner(owner: &Value, object: &Value) -> bool {
    let uid = text(owner, "/metadata/uid");
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    uid.is_some() && owners.into_iter().flatten().any(|named| text(named, "/uid") == uid)
}
