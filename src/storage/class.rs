//! Where the disks of a class would lie, before there is one.

use serde_json::{Value, json};

use super::{Holder, Place, Related, Traced, backend};
use crate::facts::{Facts, text};

/// What volumes of this class are made by an administrator, who alone knows where each lies.
const BY_HAND: &str = "kubernetes.io/no-provisioner";

/// What a volume that the class makes would say of itself. Copies and nodes are not known yet.
pub fn of_class(class: &Value) -> Place {
    let driver = text(class, "/provisioner").unwrap_or_default();
    if driver == BY_HAND {
        return Place::new(Holder::Unknown);
    }
    // Drivers hand their parameters on as attributes. An affinity without terms names no node, and is not none.
    let volume = json!({
        "metadata": {"annotations": {"pv.kubernetes.io/provisioned-by": driver}},
        "spec": {
            "nodeAffinity": {},
            "csi": {"driver": driver, "volumeAttributes": class.get("parameters").unwrap_or(&Value::Null)},
        },
    });
    let nothing = Facts::default();
    let related = Related::of(&nothing);
    backend(driver).place(&Traced { related: &related, volume: &volume, claim: None, class: Some(class) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_tells_who_holds_its_disks() {
        let held = |driver: &str, parameters: Value| {
            let place = of_class(&json!({"provisioner": driver, "parameters": parameters}));
            (place.holder.clone(), place.wanted())
        };
        for local in [
            "rancher.io/local-path",
            "docker.io/hostpath",
            "k8s.io/minikube-hostpath",
            "microk8s.io/hostpath",
            "kubevirt.io.hostpath-provisioner",
            "hostpath.csi.k8s.io",
            "topolvm.io",
            "openebs.io/local",
            "local.csi.openebs.io",
            "zfs.csi.openebs.io",
        ] {
            assert_eq!(held(local, json!({})), (Holder::Node(None), None), "{local}");
        }
        let one = (Holder::Node(None), Some(1));
        assert_eq!(held("driver.longhorn.io", json!({"numberOfReplicas": "1"})), one);
        assert_eq!(held("linstor.csi.linbit.com", json!({"linstor.csi.linbit.com/placementCount": "1"})), one);
        assert_eq!(held("io.openebs.csi-mayastor", json!({"repl": "1"})), one);
        assert_eq!(held("pxd.portworx.com", json!({"repl": "1"})), one);
        assert_eq!(held("driver.longhorn.io", json!({"numberOfReplicas": "3"})), (Holder::Copies, Some(3)));
        assert_eq!(held("driver.longhorn.io", json!(null)), (Holder::Copies, None));
        assert_eq!(held("rook-ceph.rbd.csi.ceph.com", json!({"pool": "p"})).0, Holder::Copies);
        assert!(matches!(held("nfs.csi.k8s.io", json!({"server": "nas"})).0, Holder::Server(_)));
        assert_eq!(held("ebs.csi.aws.com", json!({})).0, Holder::Zone(None));
        for unknown in ["kubernetes.io/no-provisioner", "example.com/new", ""] {
            assert_eq!(held(unknown, json!({})).0, Holder::Unknown, "{unknown}");
        }
    }
}
