//! What earlier moves left, and what deleting it takes.

mod copy;
mod held;

use serde_json::Value;

use super::policy::set_back;
use super::scene::Scene;
use super::step::{Act, Next};
use super::storage_live;
use crate::facts::{End, Facts, Journey, Kept, claim_of, has_ended, is_going, kind, text, volume_of, volumes};
use crate::plan::Refusal;
use crate::status::Subject;

/// A claim that a move left.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// Which.
    pub kept: Kept,
    /// The claim of that name as it is; none if there is none.
    pub claim: Option<Value>,
    /// The DataVolume that is deleted with it: the one that was kept, or the owner of the claim that was.
    pub copy: Option<Value>,
    /// What becomes of its volume with it, if it has one: the reclaim policy.
    pub policy: Option<String>,
    /// Why it is not deleted.
    pub refusal: Option<Refusal>,
    /// What else to know, as sentences.
    pub notes: Vec<String>,
}

impl Left {
    /// Whether something is deleted.
    pub const fn goes(&self) -> bool {
        self.refusal.is_none() && (self.claim.is_some() || self.copy.is_some())
    }

    /// The next step of a cleanup, for what a person has seen going and has confirmed: claims and their UIDs. All else
    /// stays, even if it could go by now.
    pub fn next(journey: &Journey, facts: &Facts, subject: &Subject, confirmed: &[(String, String)]) -> Next {
        if journey.is_open() {
            return Next::stuck(
                journey,
                "another move has begun meanwhile, and may need what is left",
                "--continue ends it, --abort takes it back",
            );
        }
        let namespace = &subject.namespace;
        let is_confirmed = |kept: &Kept| confirmed.iter().any(|(claim, uid)| *claim == kept.claim && *uid == kept.uid);
        let lefts = left(journey, facts, namespace);
        for left in lefts.iter().filter(|left| left.goes() && is_confirmed(&left.kept)) {
            if let Some(next) = delete(journey, left, facts) {
                return next;
            }
        }
        if let Some(scene) = Scene::of(facts, subject)
            && let Some(next) = storage_live::settled(journey, &scene)
        {
            return next;
        }
        let mut ended = journey.clone();
        ended.kept =
            lefts.into_iter().filter(|left| left.refusal.is_some() || left.goes()).map(|left| left.kept).collect();
        Next::End(journey.end.unwrap_or(End::Done), Box::new(ended))
    }
}

/// What a machine's moves left.
pub fn left(journey: &Journey, facts: &Facts, namespace: &str) -> Vec<Left> {
    journey.kept.iter().map(|kept| one(journey, kept, facts, namespace)).collect()
}

fn one(journey: &Journey, kept: &Kept, facts: &Facts, namespace: &str) -> Left {
    let has = |object: &Value, uid: &str| !uid.is_empty() && text(object, "/metadata/uid") == Some(uid);
    let claim = facts.get(kind::CLAIM, namespace, &kept.claim);
    let ours = claim.is_some_and(|claim| has(claim, &kept.uid) || is_owner(claim, &kept.uid));
    // A DataVolume that somebody made anew has only the name.
    let copy = facts.get(kind::DATA_VOLUME, namespace, &kept.claim).filter(|copy| {
        let owner = || claim.is_some_and(|claim| is_owner(claim, text(copy, "/metadata/uid").unwrap_or_default()));
        has(copy, &kept.uid) || ours && owner()
    });
    let refuse = |(reason, help): (String, String)| Refusal { object: format!("claim {}", kept.claim), reason, help };
    let mut notes = Vec::new();
    let refusal = match claim {
        Some(_) if !ours => Some(refuse((
            "it is another claim of that name now".into(),
            "it is left alone; delete it by hand if you know it".into(),
        ))),
        None if copy.is_none() => None,
        _ => match held::held(journey, kept, claim, facts, namespace) {
            Ok(known) => {
                notes = known;
                None
            }
            Err(why) => Some(refuse(why)),
        },
    };
    let policy = claim.and_then(|claim| {
        let volume = volume_of(claim, facts)?;
        kept.policy.as_deref().or_else(|| text(volume, "/spec/persistentVolumeReclaimPolicy"))
    });
    let policy = policy.map(str::to_owned);
    Left { kept: kept.clone(), claim: claim.cloned(), copy: copy.cloned(), policy, refusal, notes }
}

/// Whether an object with this UID is among the owners of another.
fn is_owner(owned: &Value, uid: &str) -> bool {
    let owners = owned.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    !uid.is_empty() && owners.into_iter().flatten().any(|owner| owner["uid"] == uid)
}

/// A launcher that a guest has left: KubeVirt keeps it as long as the guest runs elsewhere, and Kubernetes deletes no claim
/// that a pod names, ended or not. Source: Kubernetes, pkg/controller/volume/pvcprotection.
fn shell<'a>(claim: &'a Value, facts: &'a Facts) -> Option<&'a Value> {
    let (namespace, name) = (text(claim, "/metadata/namespace")?, text(claim, "/metadata/name")?);
    let is_launcher =
        |pod: &&Value| pod.pointer("/metadata/labels").is_some_and(|all| all["kubevirt.io"] == "virt-launcher");
    let names = |pod: &&Value| volumes(pod).iter().any(|volume| claim_of(volume) == Some(name));
    facts.all(kind::POD, namespace).filter(is_launcher).find(|pod| has_ended(pod) && !is_going(pod) && names(pod))
}

/// The policy that the volume had decides what becomes of the bytes; then the claim goes, with the DataVolume above it.
fn delete(journey: &Journey, left: &Left, facts: &Facts) -> Option<Next> {
    let name = left.kept.claim.clone();
    let claim = left.claim.as_ref();
    let volume = claim.filter(|claim| !is_going(claim)).and_then(|claim| volume_of(claim, facts));
    if let Some(next) = set_back(journey, volume, left.kept.policy.as_deref()) {
        return Some(next);
    }
    if let Some(pod) = claim.and_then(|claim| shell(claim, facts)) {
        let part = |pointer: &str| text(pod, pointer).unwrap_or_default().to_owned();
        let (name, uid) = (part("/metadata/name"), part("/metadata/uid"));
        let words = format!("delete the ended pod {name}, which still names {}", left.kept.claim);
        return Some(Next::step(journey, words, Act::Delete { kind: kind::POD, name, uid }));
    }
    for (kind, object) in [(kind::DATA_VOLUME, left.copy.as_ref()), (kind::CLAIM, claim)] {
        let Some(object) = object else { continue };
        if is_going(object) {
            return Some(Next::wait(format!("{name} goes")));
        }
        let uid = text(object, "/metadata/uid").unwrap_or_default().to_owned();
        return Some(Next::step(journey, format!("delete {kind} {name}"), Act::Delete { kind, name, uid }));
    }
    None
}
