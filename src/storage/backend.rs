//! What is known of a kind of storage, and what it says of one volume.

use super::Growing;
use super::traced::Traced;
use crate::text::MASK;

/// A kind of storage.
pub struct Backend {
    /// As people call it.
    pub name: &'static str,
    /// How its driver is called.
    pub drivers: &'static [Driver],
    /// What becomes of a claim that asks for more.
    pub grows: Growing,
    /// Kinds of objects that tell more about its volumes; read only where there is such a volume.
    pub kinds: &'static [&'static str],
    /// What it knows of where the bytes of a volume lie; asked through [`Backend::place`].
    pub(super) locate: fn(&Traced<'_>) -> Place,
}

impl Backend {
    /// Where the bytes of a volume lie.
    pub fn place(&self, traced: &Traced<'_>) -> Place {
        let mut place = (self.locate)(traced);
        // Whatever a driver is called, a volume that only one node may use is lost to the machine with that node.
        if let (false, Some(node)) = (matches!(place.holder, Holder::Node(Some(_))), traced.node()) {
            place.holder = Holder::Node(Some(node));
        }
        let texts = place.at.iter_mut().chain(&mut place.look).chain(place.details.iter_mut().map(|(_, value)| value));
        texts.for_each(without_login);
        place
    }
}

/// Takes the name and password out of an address such as `//user:password@server/share`.
fn without_login(text: &mut String) {
    let Some(start) = text.find("//").map(|at| at + 2) else { return };
    let rest = &text[start..];
    let end = rest.find('/').unwrap_or(rest.len());
    if let Some(at) = rest[..end].rfind('@') {
        text.replace_range(start..start + at, MASK);
    }
}

/// The name of the detail that says how many copies a storage shall keep.
pub(super) const COPIES: &str = "copies wanted";

/// The name of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// Always the same.
    Named(&'static str),
    /// With a prefix of the cluster's and a dot before it, or without.
    Suffix(&'static str),
    /// It begins so, and the cluster chooses how it goes on.
    Prefix(&'static str),
    /// A chart names it after its release: `cluster.local/`, then a name in which this stands.
    Release(&'static str),
}

impl Driver {
    /// Whether a driver is called so.
    pub fn is(self, name: &str) -> bool {
        match self {
            Self::Named(known) => name == known,
            Self::Suffix(known) => {
                name.strip_suffix(known).is_some_and(|start| start.is_empty() || start.ends_with('.'))
            }
            Self::Prefix(known) => name.starts_with(known),
            Self::Release(known) => name.strip_prefix("cluster.local/").is_some_and(|release| release.contains(known)),
        }
    }
}

/// Where the bytes of one volume lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What would have to be lost for them to be lost.
    pub holder: Holder,
    /// The path, device, image or identifier there: `/var/lib/rancher/k3s/storage/pvc-1_prod_web/disk.img`.
    pub at: Option<String>,
    /// Copies, where the cluster tells.
    pub copies: Vec<Copy>,
    /// More that identifies them, as names and values.
    pub details: Vec<(&'static str, String)>,
    /// Commands with which an administrator looks at them, each with where it is run: `on worker-1: ls -ls …`.
    pub look: Vec<String>,
    /// What the driver does when the claim is deleted and the volume's policy is Delete.
    pub erased: Erased,
    /// What happens when the place is full.
    pub full: Full,
    /// Whether a VolumeSnapshot survives the volume.
    pub snapshots_survive: bool,
    /// Whether it survives the loss of any one node, where copies are not listed and the storage tells; none if not.
    pub survives_node: Option<bool>,
    /// What else to know, as sentences.
    pub notes: Vec<String>,
}

/// What holds the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A disk of one node. None: no node is named, so it is whichever runs the machine, if a note does not say more.
    Node(Option<String>),
    /// Several nodes, each with a copy or with parts of copies.
    Copies,
    /// A server or an appliance outside of the nodes.
    Server(String),
    /// One zone of a cloud. None: the volume does not name it.
    Zone(Option<String>),
    /// More than one zone of a cloud: the zones or the region, if the volume names them.
    Region(Option<String>),
    /// Nobody here knows.
    Unknown,
}

/// One of several copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The node that has it.
    pub node: Option<String>,
    /// Where it has it.
    pub at: Option<String>,
    /// How it is.
    pub state: CopyState,
}

/// How a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyState {
    /// Complete.
    Healthy,
    /// It is being filled.
    Rebuilding,
    /// Of no use.
    Failed,
    /// Not told.
    Unknown,
}

/// What a driver does with the bytes of a claim that is deleted, where the policy is Delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erased {
    /// They are gone.
    Yes,
    /// They stay, and where: a clause.
    No(String),
    /// Not known.
    Unknown,
}

/// What happens to a machine that writes when the place is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All disks there share its space: a write fails, and KubeVirt pauses the machine.
    Pauses,
    /// The space of the volume is set aside.
    Reserved,
    /// Writes wait until there is space.
    Hangs,
    /// Not known.
    Unknown,
}

impl Place {
    /// A place of which nothing more is known than what holds it.
    pub const fn new(holder: Holder) -> Self {
        Self {
            holder,
            at: None,
            copies: Vec::new(),
            details: Vec::new(),
            look: Vec::new(),
            erased: Erased::Yes,
            full: Full::Unknown,
            snapshots_survive: false,
            survives_node: None,
            notes: Vec::new(),
        }
    }

    /// How many copies the storage shall keep; none where it keeps no copies, or does not tell.
    pub fn wanted(&self) -> Option<u64> {
        self.details.iter().find(|(name, _)| *name == COPIES)?.1.parse().ok()
    }
}
