//! Colours as a value. The default is plain; only the command line decides otherwise.

use owo_colors::Style;

/// One style per meaning.
#[derive(Debug, Clone, Copy, Default)]
pub struct Styles {
    /// Something is wrong.
    pub error: Style,
    /// Something is probably wrong.
    pub warning: Style,
    /// What to do about it.
    pub help: Style,
    /// Frames, arrows and line numbers.
    pub frame: Style,
    /// What the eye should find first.
    pub strong: Style,
    /// Names of fields and types.
    pub name: Style,
    /// What comes.
    pub added: Style,
    /// What goes.
    pub removed: Style,
}

impl Styles {
    /// Colours that read well on dark and on light terminals.
    pub fn coloured() -> Self {
        Self {
            error: Style::new().red().bold(),
            warning: Style::new().yellow().bold(),
            help: Style::new().green().bold(),
            frame: Style::new().blue().bold(),
            strong: Style::new().bold(),
            name: Style::new().cyan(),
            added: Style::new().green(),
            removed: Style::new().red(),
        }
    }
}
