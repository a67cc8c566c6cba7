//! What can happen to a disk, and what then becomes of its bytes.

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The machine is stopped, started again, or its guest shuts down.
    VmStopped,
    /// The VirtualMachine is deleted, as `kubectl delete vm` does it.
    VmDeleted,
    /// The Wukong is deleted, as `kubectl wukong delete` does it.
    WukongDeleted,
    /// The claim of the disk is deleted.
    ClaimDeleted,
    /// The node that holds the bytes starts again.
    NodeRebooted,
    /// A node that holds the bytes is gone for good.
    NodeLost,
    /// The namespace is deleted.
    NamespaceDeleted,
    /// The class of the claim is deleted.
    ClassDeleted,
    /// The place where the bytes lie is full.
    DiskFull,
}

impl Event {
    /// All of them, from what happens every day to what hopefully never does.
    pub const ALL: [Self; 9] = [
        Self::VmStopped,
        Self::NodeRebooted,
        Self::WukongDeleted,
        Self::VmDeleted,
        Self::ClaimDeleted,
        Self::NamespaceDeleted,
        Self::ClassDeleted,
        Self::NodeLost,
        Self::DiskFull,
    ];

    /// As programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::VmStopped => "vm-stopped",
            Self::VmDeleted => "vm-deleted",
            Self::WukongDeleted => "wukong-deleted",
            Self::ClaimDeleted => "pvc-deleted",
            Self::NodeRebooted => "node-rebooted",
            Self::NodeLost => "node-lost",
            Self::NamespaceDeleted => "namespace-deleted",
            Self::ClassDeleted => "class-deleted",
            Self::DiskFull => "disk-full",
        }
    }

    /// In a sentence: `if the VM is deleted`.
    pub const fn clause(self) -> &'static str {
        match self {
            Self::VmStopped => "the VM stops",
            Self::VmDeleted => "the VM is deleted",
            Self::WukongDeleted => "the Wukong is deleted",
            Self::ClaimDeleted => "its claim is deleted",
            Self::NodeRebooted => "its node reboots",
            Self::NodeLost => "its node is lost",
            Self::NamespaceDeleted => "the namespace is deleted",
            Self::ClassDeleted => "its class is deleted",
            Self::DiskFull => "its storage is full",
        }
    }
}

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// They stay, and the machine still finds them.
    Kept,
    /// They stay, and someone has to do something before a machine finds them.
    Recoverable,
    /// They are gone.
    Lost,
    /// It is not known; whoever plans takes it for lost.
    Unknown,
}

impl Fate {
    /// As programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Recoverable => "recoverable",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
}

/// What becomes of a disk if something happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What happens.
    pub event: Event,
    /// What becomes of the bytes.
    pub fate: Fate,
    /// Why, as a clause.
    pub why: String,
    /// How to get them back, or to keep them before: commands and orders, in their order.
    pub steps: Vec<String>,
}
