//! How wide lines may be.

/// Where lines go, which says how wide they may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// A terminal with so many cells in a line.
    Terminal(usize),
    /// A file or another program: prose has lines that a person can read, and a row of a table is one line.
    Pipe,
}

impl Width {
    /// How many cells a line of prose has.
    pub const fn cells(self) -> usize {
        match self {
            Self::Terminal(cells) => cells,
            Self::Pipe => 100,
        }
    }
}
