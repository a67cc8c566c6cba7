//! democratic-csi: a dataset of a ZFS server such as TrueNAS, or of a node itself.

use super::{Backend, Driver, Growing, Holder, Place, Traced, command, directory, iscsi, nfs, on};

pub(super) static BACKEND: Backend = Backend {
    name: "democratic-csi",
    // The person who installs it chooses the rest.
    drivers: &[Driver::Prefix("org.democratic-csi.")],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let of = |key| traced.attribute(key);
    let node = traced.node();
    let mut place = match of("node_attach_driver") {
        Some("nfs" | "lustre") => nfs::export(traced, of("server"), of("share")),
        Some("smb") => Place {
            at: of("server").zip(of("share")).map(|(server, share)| format!("//{server}/{}", traced.disk(share))),
            ..Place::new(server(of("server")))
        },
        Some("iscsi") => {
            let portal = of("portal").or_else(|| of("portals")?.split(',').next());
            iscsi::target(portal, of("iqn"), of("lun"))
        }
        Some("nvmeof") => Place {
            at: of("transport").zip(of("nqn")).map(|(address, name)| format!("{address} {name}")),
            ..Place::new(server(of("transport")))
        },
        Some("hostpath") => directory::at(traced, of("path"), &on(node.as_deref()), Holder::Node(node.clone())),
        Some("zfs-local") => {
            Place { at: of("zfs_asset_name").map(str::to_owned), ..Place::new(Holder::Node(node.clone())) }
        }
        _ => Place::new(node.clone().map_or_else(|| server(None), |node| Holder::Node(Some(node)))),
    };
    place.at = place.at.or_else(|| traced.identifier());
    if !traced.handle().is_empty() && of("node_attach_driver") != Some("hostpath") {
        let on = node.map_or_else(|| "on the storage server".to_owned(), |node| on(Some(&node)));
        let list = "zfs list -t filesystem,volume -o name,used,volsize,mountpoint | grep -F";
        place.look.push(command(&on, list, &[traced.handle()]));
    }
    place
}

fn server(name: Option<&str>) -> Holder {
    Holder::Server(name.unwrap_or("a storage server").to_owned())
}
