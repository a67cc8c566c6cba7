//! The rules as data.

use crate::diagnostic::Code;

/// What a cluster or a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// To try things: everything there can be made again.
    Development,
    /// To see whether it would hold: as production, but nobody's data is in it.
    PreProduction,
    /// For data that people need.
    Production,
}

/// How loudly a rule speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Not at all.
    Silent,
    /// Worth knowing.
    Note,
    /// To be mended.
    Warning,
}

/// What can speak against a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Disks that lie on one node.
    NodeLocal,
    /// Disks of which their storage keeps one copy.
    OneCopy,
    /// Disks that cannot grow.
    NoGrowth,
    /// Disks of which nothing takes snapshots.
    NoSnapshots,
    /// Machines whose only disk is the one they start from.
    SystemAndData,
    /// Machines without a young backup or snapshot.
    NoBackup,
    /// Machines whose young snapshots lie in the volumes themselves.
    OnlySnapshots,
    /// Machines whose namespace a program backs up that does not tell what of disks it holds.
    BackupUnseen,
    /// Volumes that are erased with their claims.
    Erased,
    /// Disks of a file that leaves the class to the cluster.
    ClassByDefault,
    /// Disks of a file that do not grow by themselves.
    NoAutoExpand,
}

/// A row of the table.
struct Row {
    word: &'static str,
    /// In development, before production, in production.
    weights: [Weight; 3],
    /// What would happen.
    why: &'static str,
    /// What it is called about a file, if a file can break it.
    code: Option<Code>,
}

impl Stage {
    /// All of them, from the one where least is at risk.
    pub const ALL: [Self; 3] = [Self::Development, Self::PreProduction, Self::Production];

    /// As people type it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::PreProduction => "pre-production",
            Self::Production => "production",
        }
    }

    /// How old the youngest backup of a machine may be, in days, where nobody says it. In development nobody asks.
    pub const fn backup_days(self) -> u32 {
        match self {
            Self::Development | Self::PreProduction => 7,
            Self::Production => 1,
        }
    }
}

impl Weight {
    /// As programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

impl Rule {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::NodeLocal,
        Self::OneCopy,
        Self::NoGrowth,
        Self::NoSnapshots,
        Self::SystemAndData,
        Self::NoBackup,
        Self::OnlySnapshots,
        Self::BackupUnseen,
        Self::Erased,
        Self::ClassByDefault,
        Self::NoAutoExpand,
    ];

    const fn row(self) -> Row {
        use Weight::{Note, Silent, Warning};
        match self {
            Self::NodeLocal => Row {
                word: "node-local",
                weights: [Silent, Note, Warning],
                why: "a node that is lost takes the bytes with it; until it is back, the machine is down",
                code: Some(Code::NodeLocal),
            },
            Self::OneCopy => Row {
                word: "one-copy",
                weights: [Silent, Note, Warning],
                why: "the loss of that copy is the loss of the bytes",
                code: Some(Code::OneCopy),
            },
            Self::NoGrowth => Row {
                word: "no-growth",
                weights: [Silent, Note, Warning],
                why: "a full disk stays full until it is moved",
                code: Some(Code::NoGrowth),
            },
            Self::NoSnapshots => Row {
                word: "no-snapshots",
                weights: [Silent, Note, Warning],
                why: "after an upgrade that fails there is no point to go back to",
                code: Some(Code::NoSnapshots),
            },
            Self::SystemAndData => Row {
                word: "system-and-data",
                weights: [Silent, Silent, Warning],
                why: "a system that goes back to a snapshot, or is installed anew, takes the data with it",
                code: Some(Code::SystemAndData),
            },
            Self::NoBackup => Row {
                word: "no-backup",
                weights: [Silent, Note, Warning],
                why: "what is deleted, or lost with its storage, is gone for good",
                code: None,
            },
            Self::OnlySnapshots => Row {
                word: "only-snapshots",
                weights: [Silent, Note, Note],
                why: "they help against mistakes in the guest, and are lost with their volumes: no backup",
                code: None,
            },
            Self::BackupUnseen => Row {
                word: "backup-unseen",
                weights: [Silent, Note, Note],
                why: "the cluster does not tell whether the bytes of disks are in such a backup, or their names alone",
                code: None,
            },
            Self::Erased => Row {
                word: "erased-with-claim",
                weights: [Silent, Silent, Note],
                why: "who deletes such a claim, or its namespace, deletes the bytes",
                code: None,
            },
            Self::ClassByDefault => Row {
                word: "class-by-default",
                weights: [Silent, Silent, Warning],
                why: "who changes that default decides what the next disk survives",
                code: Some(Code::ClassByDefault),
            },
            Self::NoAutoExpand => Row {
                word: "no-auto-expand",
                weights: [Silent, Silent, Note],
                why: "a full disk stops what writes to it",
                code: Some(Code::NoAutoExpand),
            },
        }
    }

    /// As programs read it.
    pub const fn word(self) -> &'static str {
        self.row().word
    }

    /// How loudly it speaks at a stage.
    pub const fn weight(self, stage: Stage) -> Weight {
        let [development, before, production] = self.row().weights;
        match stage {
            Stage::Development => development,
            Stage::PreProduction => before,
            Stage::Production => production,
        }
    }

    /// What would happen: a clause.
    pub const fn why(self) -> &'static str {
        self.row().why
    }

    /// What it is called about a file; none if no file can break it.
    pub const fn code(self) -> Option<Code> {
        self.row().code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_stage_is_never_quieter() {
        for rule in Rule::ALL {
            let weights = Stage::ALL.map(|stage| rule.weight(stage));
            assert!(weights.is_sorted(), "{rule:?}: {weights:?}");
            assert_eq!(weights[0], Weight::Silent, "{rule:?} speaks in development");
            assert!(weights[2] > Weight::Silent, "{rule:?} never speaks");
            assert!(!rule.why().is_empty());
        }
        let mut words = Rule::ALL.map(Rule::word).to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Rule::ALL.len());
        assert!(Stage::ALL.is_sorted_by_key(|stage| std::cmp::Reverse(stage.backup_days())));
    }
}
