//! Azure's managed disks: in one zone, or in all of a region.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "Azure Disk",
    drivers: &[
        Driver::Named("disk.csi.azure.com"),
        Driver::Named("kubernetes.io/azure-disk"),
        Driver::Named("azureDisk"),
    ],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let id = traced.identifier().or_else(|| traced.shown("/spec/azureDisk/diskURI"));
    let sku = traced.attribute("skuName").or(traced.attribute("storageAccountType"));
    let is_wide = sku.is_some_and(|sku| sku.to_ascii_uppercase().ends_with("_ZRS"));
    let holder = match traced.zonal() {
        Holder::Zone(_) if is_wide => Holder::Region(None),
        holder => holder,
    };
    Place {
        look: id.iter().map(|id| command("anywhere", "az disk show --ids", &[id])).collect(),
        at: id,
        details: sku.iter().map(|sku| ("kind of disk", (*sku).to_owned())).collect(),
        full: Full::Reserved,
        snapshots_survive: true,
        ..Place::new(holder)
    }
}
