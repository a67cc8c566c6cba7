//! Azure Files: a share of a storage account.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "Azure Files",
    drivers: &[
        Driver::Named("file.csi.azure.com"),
        Driver::Named("kubernetes.io/azure-file"),
        Driver::Named("azureFile"),
    ],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    // `GROUP#ACCOUNT#SHARE#DISK#…`; an administrator's own volume may have any handle.
    let parts: Vec<_> = traced.handle().split('#').collect();
    let [group, account, share] = [("resourceGroup", 0), ("storageAccount", 1), ("shareName", 2)].map(|(key, at)| {
        let stated = parts.get(at).copied().filter(|part| parts.len() >= 3 && !part.is_empty());
        traced.attribute(key).or(stated)
    });
    let share = share.or(traced.text("/spec/azureFile/shareName"));
    let server = traced.attribute("server").or(account);
    let mut look = Vec::new();
    if let (Some(account), Some(share)) = (account, share) {
        let group = group.map(|group| format!(" --resource-group {}", super::word(group))).unwrap_or_default();
        let show = format!("az storage share-rm show{group} --storage-account {} --name", super::word(account));
        look.push(command("anywhere", &show, &[share]));
    }
    let at = share.map(|share| match server {
        Some(server) => format!("{server}/{}", traced.disk(share)),
        None => traced.disk(share),
    });
    Place {
        at: at.or_else(|| traced.identifier()),
        details: group.iter().map(|group| ("resource group", (*group).to_owned())).collect(),
        look,
        full: Full::Reserved,
        notes: vec!["how many copies there are is chosen for the storage account".to_owned()],
        ..Place::new(Holder::Region(None))
    }
}
