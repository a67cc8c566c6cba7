//! How boxes and lines look in every format. The strong colours are those of Okabe and Ito, which people tell apart who
//! do not see all colours; and none of them stands alone: thickness, dashes and a sign say the same.

use super::Look;
use super::risk::Level;

/// Colours as `#rrggbb`, on a light ground and on a dark one.
pub(super) struct Colours {
    pub(super) strong: &'static str,
    pub(super) light: &'static str,
    pub(super) dark: &'static str,
}

/// How a line is drawn, in pixels.
pub(super) struct Stroke {
    pub(super) colour: &'static str,
    pub(super) width: &'static str,
    /// Dash and gap; empty for a solid line.
    pub(super) dashes: &'static str,
}

/// The colours of a box.
pub(super) const fn colours(level: Level) -> Colours {
    match level {
        Level::Muted => Colours { strong: "#8b949e", light: "#f3f4f6", dark: "#20242b" },
        Level::Safe => Colours { strong: "#009e73", light: "#edf8f4", dark: "#13291f" },
        Level::Unknown => Colours { strong: "#cc79a7", light: "#fbf1f6", dark: "#2e1f28" },
        Level::WithVm => Colours { strong: "#e69f00", light: "#fef7e6", dark: "#30260f" },
        Level::WithNode => Colours { strong: "#d55e00", light: "#fdefe6", dark: "#331e10" },
    }
}

/// The border of a box.
pub(super) const fn border(level: Level) -> Stroke {
    match level {
        Level::Muted => Stroke { colour: colours(level).strong, width: "1", dashes: "" },
        Level::Safe => stroke(Look::Safe),
        Level::Unknown => stroke(Look::Unknown),
        Level::WithVm => stroke(Look::WithVm),
        Level::WithNode => stroke(Look::WithNode),
    }
}

/// A line between boxes.
pub(super) const fn stroke(look: Look) -> Stroke {
    match look {
        Look::Muted => Stroke { colour: "#8b949e", width: "1", dashes: "" },
        Look::Broken => Stroke { colour: "#8b949e", width: "1.5", dashes: "5 4" },
        Look::Plain => Stroke { colour: "#8b949e", width: "1.5", dashes: "" },
        Look::Safe => Stroke { colour: colours(Level::Safe).strong, width: "1.5", dashes: "" },
        Look::Unknown => Stroke { colour: colours(Level::Unknown).strong, width: "2", dashes: "2 3" },
        Look::WithVm => Stroke { colour: colours(Level::WithVm).strong, width: "3", dashes: "9 4" },
        Look::WithNode => Stroke { colour: colours(Level::WithNode).strong, width: "3", dashes: "" },
    }
}
