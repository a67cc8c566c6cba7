//! Exit codes: the one place where their numbers stand.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// `validate` found errors.
    Invalid,
    /// Wrong usage, or a place that cannot be written to.
    Usage,
    /// An invalid Wukong file.
    BadFile,
    /// `diff` found differences.
    Differs,
    /// `status` found a machine that is not healthy, or `doctor` a cluster that is not.
    Unhealthy,
    /// The cluster refused, or could not be reached.
    Cluster,
    /// Refused to keep data safe, or not confirmed.
    Refused,
    /// Waited in vain.
    TimedOut,
    /// The person interrupted.
    Interrupted,
}

impl Exit {
    /// Of several, refused wins over the cluster's over time; an interruption is what the person did last.
    pub(super) fn worst(exits: &[Self]) -> Self {
        let order = [Self::Interrupted, Self::Refused, Self::Cluster, Self::TimedOut];
        order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Self::Done)
    }

    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Invalid | Self::Differs | Self::Unhealthy => 1,
            Self::Usage => 2,
            Self::BadFile => 3,
            Self::Cluster => 4,
            Self::Refused => 5,
            Self::TimedOut => 6,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
