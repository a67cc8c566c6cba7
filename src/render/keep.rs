//! The annotations that keep other tools from deleting a disk.
//!
//! Each of these tools deletes what is no longer in its source, and a claim that is deleted takes its data along.
//! They are annotations only, so that handing them on from a DataVolume to its claim, as CDI does, is wanted.

use serde_json::{Map, Value, json};

use crate::machine::{Disk, Options};

/// Never prune, never delete. Sources: the documentation of Argo CD (sync options, compare options), Flux
/// (kustomize-controller), Helm (resource policy), cli-utils (lifecycle directives) and kapp (delete strategy).
const KEEP: [(&str, &str); 6] = [
    // Prune=false alone does not protect when the whole Application is deleted.
    ("argocd.argoproj.io/sync-options", "Prune=false,Delete=false"),
    ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
    ("helm.sh/resource-policy", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
    ("kapp.k14s.io/delete-strategy", "orphan"),
];

/// Create, then leave alone: the spec of a DataVolume is immutable, and a changed size in the file would be refused.
const CREATE_ONLY: [(&str, &str); 3] = [
    ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent"),
    ("client.lifecycle.config.k8s.io/mutation", "ignore"),
    ("kapp.k14s.io/update-strategy", "skip"),
];

/// Older versions of CDI deleted a DataVolume when it was done; the claim would then look like one of nobody.
const NO_GARBAGE_COLLECTION: (&str, &str) = ("cdi.kubevirt.io/storage.deleteAfterCompletion", "false");

/// Whether a disk may grow by itself, and how far: noted for whatever grows claims.
pub(crate) const AUTO_EXPAND: &str = "vm.novasphere.dev/auto-expand";
pub(crate) const MAX_SIZE: &str = "vm.novasphere.dev/max-size";

/// Whether an annotation is one that a disk carries wherever it goes.
pub(crate) fn is_keep(key: &str) -> bool {
    KEEP.iter().any(|(known, _)| *known == key) || key == AUTO_EXPAND || key == MAX_SIZE
}

/// The annotations of a claim.
pub(super) fn claim(disk: &Disk, options: &Options) -> Map<String, Value> {
    let mut annotations = Map::new();
    if !options.no_keep_annotations {
        add(&mut annotations, &KEEP);
    }
    if let Some(growth) = &disk.growth {
        annotations.insert(AUTO_EXPAND.into(), json!("true"));
        if let Some(max) = &growth.max {
            annotations.insert(MAX_SIZE.into(), json!(max.as_str()));
        }
    }
    annotations
}

/// The annotations of a DataVolume.
pub(super) fn data_volume(disk: &Disk, options: &Options) -> Map<String, Value> {
    let mut annotations = claim(disk, options);
    if !options.no_keep_annotations {
        add(&mut annotations, &CREATE_ONLY);
    }
    add(&mut annotations, &[NO_GARBAGE_COLLECTION]);
    annotations
}

fn add(annotations: &mut Map<String, Value>, pairs: &[(&str, &str)]) {
    for (key, value) in pairs {
        annotations.insert((*key).into(), json!(value));
    }
}
