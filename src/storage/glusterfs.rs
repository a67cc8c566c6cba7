//! GlusterFS: Kubernetes 1.26 took the plugin away, and only the field is left.

use super::{Backend, Driver, Erased, Full, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "GlusterFS",
    drivers: &[Driver::Named("glusterfs"), Driver::Named("kubernetes.io/glusterfs")],
    grows: Growing::Pretends("no node can mount it any more"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let volume = traced.text("/spec/glusterfs/path");
    let endpoints = traced.text("/spec/glusterfs/endpoints");
    let name = volume.map(|path| path.trim_start_matches('/').split('/').next().unwrap_or_default());
    Place {
        at: volume.map(|path| traced.disk(path)),
        details: endpoints.iter().map(|name| ("endpoints", (*name).to_owned())).collect(),
        look: name.iter().map(|name| command("on a Gluster server", "gluster volume info", &[name])).collect(),
        erased: Erased::No("no plugin is left that deletes it".to_owned()),
        full: Full::Pauses,
        notes: vec!["no node can mount it any more: copy it off the servers".to_owned()],
        ..Place::new(Holder::Server(endpoints.unwrap_or("Gluster servers").to_owned()))
    }
}
