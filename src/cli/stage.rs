//! What a cluster or a file is for, as a flag.

use crate::advice::Stage;

/// A stage on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum StageArg {
    /// To try things.
    Development,
    /// To see whether it would hold.
    PreProduction,
    /// For data that people need.
    Production,
}

impl From<StageArg> for Stage {
    fn from(stage: StageArg) -> Self {
        match stage {
            StageArg::Development => Self::Development,
            StageArg::PreProduction => Self::PreProduction,
            StageArg::Production => Self::Production,
        }
    }
}
