//! OpenEBS with LVM: a logical volume of one node.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command, on};
use crate::facts::{kind, text};

pub(super) static BACKEND: Backend = Backend {
    name: "OpenEBS LVM",
    drivers: &[Driver::Named("local.csi.openebs.io")],
    grows: Growing::Grows,
    kinds: &[kind::LVM_VOLUME],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let object = traced.objects(kind::LVM_VOLUME, traced.handle()).first().copied();
    let of = |pointer| object.and_then(|object| text(object, pointer)).filter(|text| !text.is_empty());
    let node = traced.node().or_else(|| of("/spec/ownerNodeID").map(|owner| traced.node_called(owner)));
    let group = of("/spec/volGroup").or(traced.attribute("openebs.io/volgroup"));
    let thin = of("/spec/thinProvision").or(traced.parameter("thinProvision"));
    let place = on(node.as_deref());
    let (at, look) = match (group, traced.identifier()) {
        (Some(group), Some(name)) => {
            let list = "lvs -o lv_path,lv_size,data_percent,devices";
            (Some(format!("/dev/{group}/{name}")), vec![command(&place, list, &[&format!("{group}/{name}")])])
        }
        (None, Some(name)) => {
            let look = command(&place, "lvs -o lv_path,lv_size,devices -S", &[&format!("lv_name={name}")]);
            (Some(name), vec![look])
        }
        (_, None) => (None, Vec::new()),
    };
    Place {
        at,
        look,
        full: if thin == Some("yes") { Full::Pauses } else { Full::Reserved },
        ..Place::new(Holder::Node(node))
    }
}
