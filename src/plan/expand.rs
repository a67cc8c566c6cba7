//! Growing one disk on request, without a file.

use serde_json::Value;

use super::grow::{Answer, Ask, answer, seen_by_guest};
use super::lists::{LISTS, list, name};
use super::object::grow;
use super::{Refusal, Step};
use crate::facts::{Facts, claim_of, kind, text};
use crate::quantity::Quantity;
use crate::text::command_line;

/// What a disk's growth needs.
#[derive(Debug)]
pub enum Expansion {
    /// It is that large already.
    Enough,
    /// The step that grows its claim.
    Step(Box<Step>),
}

/// Plans the growth of a disk of a VirtualMachine to what its guest shall see. `before` are other growths of the same run,
/// which take of the same quota.
///
/// # Errors
/// Why it cannot grow, and the way out.
pub fn expand(
    facts: &Facts,
    namespace: &str,
    vm: &Value,
    wukong: &str,
    disk: &str,
    size: &Quantity,
    before: &[Step],
) -> Result<Expansion, Refusal> {
    let refuse = |reason: String, help: String| Refusal { object: format!("disk {disk}"), reason, help };
    let volumes = list(vm, &LISTS[1]);
    let names: Vec<_> = volumes.iter().filter(|volume| claim_of(volume).is_some()).map(name).collect();
    let Some(volume) = volumes.iter().find(|volume| name(volume) == disk) else {
        return Err(refuse(format!("{wukong} has no such disk"), format!("its disks are {}", names.join(", "))));
    };
    let Some(claim_name) = claim_of(volume) else {
        return Err(refuse(
            "it has no claim, so it holds nothing that lasts".into(),
            format!("disks with claims are {}", names.join(", ")),
        ));
    };
    let Some(claim) = facts.get(kind::CLAIM, namespace, claim_name) else {
        let reason = facts
            .unknown(kind::CLAIM, namespace)
            .map_or_else(|| "does not exist".into(), |unread| unread.reason.clone());
        let help = format!("`{}` tells more", command_line("status", &[wukong], namespace, ""));
        return Err(refuse(format!("its claim {claim_name}: {reason}"), help));
    };
    let seen = seen_by_guest(claim, facts);
    if size.units().is_some_and(|bytes| bytes < seen) {
        let request = text(claim, "/spec/resources/requests/storage").unwrap_or("?");
        let help = "disks never shrink; for a smaller one add a new disk, copy in the guest, and remove this one";
        return Err(refuse(
            format!("its claim {claim_name} asks for {request}, which is more than {size}"),
            help.into(),
        ));
    }
    let ask = Ask { wukong, disk, size, last: None, steps: before };
    Ok(match answer(&ask, claim, facts)? {
        Answer::Stays(_) => Expansion::Enough,
        Answer::Grows(to) => Expansion::Step(Box::new(grow(claim, &to))),
    })
}
