//! One volume with what is about it, as the backends ask for it.

use std::collections::HashMap;

use serde_json::Value;

use super::{Erased, Holder};
use crate::facts::{Facts, condition, kind, path, strings, text};

/// The objects of storage systems, in an order in which thousands of volumes find theirs.
pub struct Related<'a> {
    facts: &'a Facts,
    objects: HashMap<(&'static str, &'a str), Vec<&'a Value>>,
}

impl<'a> Related<'a> {
    /// Puts the objects of facts in order.
    pub fn of(facts: &'a Facts) -> Self {
        let mut objects: HashMap<_, Vec<_>> = HashMap::new();
        for &kind in super::BACKENDS.iter().flat_map(|backend| backend.kinds) {
            for object in facts.all_of(kind) {
                let names = [text(object, "/metadata/name"), text(object, "/spec/volumeName")];
                for name in names.into_iter().flatten() {
                    objects.entry((kind, name)).or_default().push(object);
                }
            }
        }
        Self { facts, objects }
    }

    /// Whether all objects of a kind were read.
    pub fn is_known(&self, kind: &str) -> bool {
        self.facts.unknown(kind, "").is_none()
    }
}

/// A bound volume.
#[derive(Clone, Copy)]
pub struct Traced<'a> {
    /// Everything that was read.
    pub related: &'a Related<'a>,
    /// The PersistentVolume.
    pub volume: &'a Value,
    /// The claim that it belongs to.
    pub claim: Option<&'a Value>,
    /// Its class, if it still exists.
    pub class: Option<&'a Value>,
}

impl<'a> Traced<'a> {
    /// A text of the volume.
    pub fn text(&self, pointer: &str) -> Option<&'a str> {
        text(self.volume, pointer).filter(|text| !text.is_empty())
    }

    /// The name of the volume.
    pub fn name(&self) -> &'a str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// An annotation of the volume.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        path(self.volume, &["metadata", "annotations", key])?.as_str()
    }

    /// A number or a text of the volume, as a text.
    pub fn shown(&self, pointer: &str) -> Option<String> {
        match self.volume.pointer(pointer)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// What the CSI driver calls it.
    pub fn handle(&self) -> &'a str {
        self.text("/spec/csi/volumeHandle").unwrap_or_default()
    }

    /// The same, if there is one.
    pub fn identifier(&self) -> Option<String> {
        Some(self.handle().to_owned()).filter(|handle| !handle.is_empty())
    }

    /// An attribute that the CSI driver gave it. Drivers do not agree with themselves on upper and lower case.
    pub fn attribute(&self, key: &str) -> Option<&'a str> {
        let all = self.volume.pointer("/spec/csi/volumeAttributes")?.as_object()?;
        let found = all.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        found.1.as_str().filter(|value| !value.is_empty())
    }

    /// A parameter of its class.
    pub fn parameter(&self, key: &str) -> Option<&'a str> {
        path(self.class?, &["parameters", key])?.as_str().filter(|value| !value.is_empty())
    }

    /// Objects of a kind with this name, or that name this volume.
    pub fn objects(&self, kind: &'static str, name: &'a str) -> &'a [&'a Value] {
        self.related.objects.get(&(kind, name)).map_or(&[], Vec::as_slice)
    }

    /// All objects of a kind.
    pub fn all(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> {
        self.related.facts.all_of(kind)
    }

    /// Whether a node is ready; none if that is not known, as where nodes may not be read.
    pub fn is_ready(&self, node: &str) -> Option<bool> {
        let facts = self.related.facts;
        match facts.get(kind::NODE, "", node) {
            Some(node) => condition(node, "Ready").map(|(ready, _, _)| ready),
            None => self.is_gone(node).then_some(false),
        }
    }

    /// Whether there is no such node. Where none was read, nothing is concluded.
    pub fn is_gone(&self, node: &str) -> bool {
        let facts = self.related.facts;
        facts.get(kind::NODE, "", node).is_none()
            && facts.unknown(kind::NODE, "").is_none()
            && self.all(kind::NODE).next().is_some()
    }

    /// Whether the volume is a device and not a file system.
    pub fn is_block(&self) -> bool {
        self.text("/spec/volumeMode") == Some("Block")
    }

    /// A directory, and the disk's file in it; where the volume is a device, its path alone. KubeVirt and CDI write one
    /// raw file with this name. Source: KubeVirt, pkg/emptydisk and CDI, pkg/common.
    pub fn disk(&self, directory: &str) -> String {
        if self.is_block() { directory.to_owned() } else { format!("{}/disk.img", directory.trim_end_matches('/')) }
    }

    /// Whether a driver made the volume, and not an administrator.
    pub fn is_provisioned(&self) -> bool {
        self.annotation("pv.kubernetes.io/provisioned-by").is_some()
    }

    /// What becomes of its bytes where only the provisioner that made them deletes them. Source: Kubernetes,
    /// pkg/controller/volume/persistentvolume, `findDeletablePlugin`.
    pub fn erased(&self) -> Erased {
        if self.is_provisioned() { Erased::Yes } else { Erased::No(super::FAILED.to_owned()) }
    }

    /// The values that its affinity asks of a label of nodes, in order and once.
    pub fn affinity(&self, fits: impl Fn(&str) -> bool) -> Vec<&'a str> {
        let mut found = Vec::new();
        for expression in self.expressions() {
            if text(expression, "/operator") == Some("In") && text(expression, "/key").is_some_and(&fits) {
                found.extend(strings(expression, "/values"));
            }
        }
        let mut once = Vec::new();
        found.retain(|value| {
            let new = !once.contains(value);
            once.push(*value);
            new
        });
        found
    }

    /// The zones that it may be used in. A cloud without zones gives an empty name.
    pub fn zones(&self) -> Vec<&'a str> {
        let mut zones = self.affinity(|key| key.ends_with("/zone") || key.ends_with("-zone"));
        zones.retain(|zone| !zone.is_empty());
        zones
    }

    /// What holds a disk of a cloud that may be used in these zones.
    pub fn zonal(&self) -> Holder {
        match self.zones().as_slice() {
            [] => Holder::Zone(None),
            [zone] => Holder::Zone(Some((*zone).to_owned())),
            zones => Holder::Region(Some(zones.join(", "))),
        }
    }

    /// The one node that it is tied to, by the name of the node.
    pub fn node(&self) -> Option<String> {
        let terms = self.volume.pointer("/spec/nodeAffinity/required/nodeSelectorTerms")?.as_array()?;
        // Any of the terms is enough, so each must name the same node.
        let (first, rest) = terms.split_first()?;
        let node = self.node_of(first)?;
        if rest.iter().any(|term| self.node_of(term).as_ref() != Some(&node)) {
            return None;
        }
        // local-path-provisioner writes the name down; labels are only what nodes say of themselves.
        Some(self.annotation("local.path.provisioner/selected-node").map_or(node, str::to_owned))
    }

    /// The name of the node that a driver calls so. OpenEBS takes a label's value for it.
    pub fn node_called(&self, id: &str) -> String {
        let known = ["openebs.io/nodename", "openebs.io/nodeid", "kubernetes.io/hostname"];
        let found = known.iter().find_map(|key| self.node_with(key, id).filter(|name| name != id));
        found.unwrap_or_else(|| id.to_owned())
    }

    /// The node that a term of the affinity names.
    fn node_of(&self, term: &'a Value) -> Option<String> {
        let one = |expression: &'a Value| match strings(expression, "/values").as_slice() {
            [value] if text(expression, "/operator") == Some("In") && !value.is_empty() => Some(*value),
            _ => None,
        };
        let list = |pointer| term.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let named = list("/matchFields").find_map(|field| one(field).filter(|_| field["key"] == "metadata.name"));
        let labelled = || {
            list("/matchExpressions").find_map(|expression| {
                let (key, value) = (text(expression, "/key")?, one(expression)?);
                self.node_with(key, value)
            })
        };
        named.map(str::to_owned).or_else(labelled)
    }

    /// The name of the node that a label names; the label's value where there is no such node (any more).
    fn node_with(&self, key: &str, value: &str) -> Option<String> {
        // What lies on a disk of a node may be tied to it by any label. For other drivers a label such as the
        // operating system's says nothing, even if only one node has it.
        let is_directory = path(self.volume, &["spec", "local"]).or(path(self.volume, &["spec", "hostPath"])).is_some();
        if !names_node(key) && (!is_directory || is_zone(key)) {
            return None;
        }
        let has = |node: &&Value| path(node, &["metadata", "labels", key]).is_some_and(|found| found == value);
        let mut nodes = self.all(kind::NODE).filter(has);
        match (nodes.next(), nodes.next()) {
            (Some(node), None) => text(node, "/metadata/name").map(str::to_owned),
            (None, _) if names_node(key) => Some(value.to_owned()),
            _ => None,
        }
    }

    fn expressions(&self) -> impl Iterator<Item = &'a Value> {
        let terms = self.volume.pointer("/spec/nodeAffinity/required/nodeSelectorTerms").and_then(Value::as_array);
        let each = |term: &'a Value| term.pointer("/matchExpressions").and_then(Value::as_array);
        terms.into_iter().flatten().filter_map(each).flatten()
    }
}

/// Whether a label tells zones or regions apart.
fn is_zone(key: &str) -> bool {
    ["/zone", "-zone", "/region"].iter().any(|end| key.ends_with(end))
}

/// Whether a label tells nodes apart. Mayastor's `openebs.io/csi-node` is the same on all of them.
fn names_node(key: &str) -> bool {
    ["/hostname", "/node", "/nodename", "/nodeid", "/node-name"].iter().any(|end| key.ends_with(end))
}
