//! Alibaba Cloud's disks: in one zone, or in those of a region.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command, word};

pub(super) static BACKEND: Backend = Backend {
    name: "Alibaba Cloud disk",
    drivers: &[Driver::Named("diskplugin.csi.alibabacloud.com")],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let id = traced.identifier();
    let region = traced.affinity(|key| key.ends_with("/region")).first().map(|region| (*region).to_owned());
    let holder = match (traced.zonal(), &region) {
        (Holder::Zone(None), Some(region)) => Holder::Region(Some(region.clone())),
        (holder, _) => holder,
    };
    let option = region.map(|region| format!(" --RegionId {}", word(&region))).unwrap_or_default();
    let describe = format!("aliyun ecs DescribeDisks{option} --DiskIds");
    Place {
        look: id.iter().map(|id| command("anywhere", &describe, &[&format!("[\"{id}\"]")])).collect(),
        at: id,
        full: Full::Reserved,
        snapshots_survive: true,
        ..Place::new(holder)
    }
}
