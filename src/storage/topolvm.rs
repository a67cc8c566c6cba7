//! TopoLVM: a logical volume of one node.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command, on};
use crate::facts::{kind, text};

pub(super) static BACKEND: Backend = Backend {
    name: "TopoLVM",
    // The second is its name before it moved.
    drivers: &[Driver::Named("topolvm.io"), Driver::Named("topolvm.cybozu.com")],
    grows: Growing::Grows,
    kinds: &[kind::LOGICAL_VOLUME],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    // Its object is called like the volume; the logical volume itself like the handle.
    let object = traced.objects(kind::LOGICAL_VOLUME, traced.name()).first().copied();
    let of = |pointer| object.and_then(|object| text(object, pointer)).filter(|text| !text.is_empty());
    let node = traced.node().or_else(|| of("/spec/nodeName").map(str::to_owned));
    let name = traced.identifier().or_else(|| of("/status/volumeID").map(str::to_owned));
    let class = of("/spec/deviceClass").or(traced.parameter("topolvm.io/device-class"));
    let list = "lvs -o lv_full_name,lv_path,lv_size,devices -S";
    Place {
        look: name.iter().map(|name| command(&on(node.as_deref()), list, &[&format!("lv_name={name}")])).collect(),
        at: name,
        details: class.iter().map(|class| ("device class", (*class).to_owned())).collect(),
        full: Full::Reserved,
        notes: vec!["the device class of the node's lvmd says which volume group it is in".to_owned()],
        ..Place::new(Holder::Node(node))
    }
}
