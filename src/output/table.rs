//! Tables of words, without frames, for terminals and logs.

use owo_colors::{OwoColorize as _, Style};
use tabled::builder::Builder;
use tabled::settings::{Padding, Style as Frame, Width, peaker::PriorityMax};

use crate::text::{Styles, sanitize};

/// Rows under a head, in at most `width` cells; the longest column is broken into lines. Each cell has a style.
pub fn table(head: &[&str], rows: &[Vec<(String, Style)>], styles: &Styles, width: usize) -> String {
    let mut builder = Builder::default();
    builder.push_record(head.iter().map(|title| title.style(styles.frame).to_string()));
    for row in rows {
        builder.push_record(row.iter().map(|(text, style)| sanitize(text).style(*style).to_string()));
    }
    let mut table = builder.build();
    table.with(Frame::empty()).with(Padding::new(0, 2, 0, 0));
    table.with(Width::wrap(width.max(40)).priority(PriorityMax::right()).keep_words(true));
    let text = table.to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
