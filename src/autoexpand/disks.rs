//! Which disks of a machine may grow by themselves.

use serde_json::Value;

use crate::facts::{Facts, claim_of, has_ended, kind, path, text, volumes};
use crate::quantity::Quantity;
use crate::render::{AUTO_EXPAND, MAX_SIZE};
use crate::status::Subject;

/// A disk that may.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disk<'f> {
    /// The machine.
    pub vm: &'f Value,
    /// What runs of it.
    pub instance: Option<&'f Value>,
    /// Its name.
    pub name: &'f str,
    /// Its claim.
    pub claim: &'f Value,
    /// What carries what the file says of its growth: the DataVolume that made the claim, while it is there, because
    /// CDI hands annotations on only once; else the claim.
    pub says: &'f Value,
}

impl<'f> Disk<'f> {
    /// Where the guest sees it, such as `vda`.
    pub(super) fn target(&self) -> Option<&'f str> {
        let status = self.instance?.pointer("/status/volumeStatus")?.as_array()?;
        let found = status.iter().find(|status| status["name"] == self.name)?;
        text(found, "/target").filter(|target| !target.is_empty())
    }

    /// The largest size, as it is written; none if there is no end.
    pub(super) fn max(&self) -> Option<&'f str> {
        path(self.says, &["metadata", "annotations", MAX_SIZE]).and_then(Value::as_str)
    }

    /// The largest size in bytes.
    ///
    /// # Errors
    /// What is written there is none.
    pub(super) fn largest(&self) -> Result<Option<u64>, String> {
        let Some(text) = self.max() else { return Ok(None) };
        match Quantity::parse(text).ok().and_then(|quantity| quantity.units()) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(text.to_owned()),
        }
    }
}

/// The disks of a machine whose files say that they may.
pub(super) fn disks<'f>(facts: &'f Facts, subject: &Subject) -> Vec<Disk<'f>> {
    let Some(vm) = facts.get(kind::MACHINE, &subject.namespace, &subject.vm) else { return Vec::new() };
    let instance = facts.get(kind::INSTANCE, &subject.namespace, &subject.vm).filter(|found| !has_ended(found));
    let of = |volume: &'f Value| {
        let name = claim_of(volume)?;
        let claim = facts.get(kind::CLAIM, &subject.namespace, name)?;
        let says = facts.get(kind::DATA_VOLUME, &subject.namespace, name).unwrap_or(claim);
        let may = path(says, &["metadata", "annotations", AUTO_EXPAND]).is_some_and(|may| may == "true");
        may.then_some(Disk { vm, instance, name: text(volume, "/name")?, claim, says })
    };
    volumes(vm).iter().filter_map(of).collect()
}
