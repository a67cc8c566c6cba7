//! Diagnostics for people: the place, the source line, a caret under what is wrong, and the way out.

use std::fmt;

use owo_colors::OwoColorize as _;
use unicode_width::UnicodeWidthChar as _;

use super::mask::Mask;
use super::{Code, Diagnostic, Report, Severity};
use crate::source::{SourceMap, Span};
use crate::text::{MASK, Styles, sanitize, sanitize_char};

/// Cells before a source line: its number, a bar and spaces around them.
const GUTTER: usize = 8;

/// All problems of a report, ready to be printed.
pub struct Excerpts<'a> {
    report: &'a Report,
    sources: &'a SourceMap,
    mask: Mask,
    styles: Styles,
    /// The widest part of a source line that is shown, in terminal cells.
    room: usize,
}

impl<'a> Excerpts<'a> {
    /// Pairs the problems with the text that they are about. Source lines are cut to fit into `width` cells.
    pub fn new(report: &'a Report, sources: &'a SourceMap, styles: Styles, width: usize) -> Self {
        let room = width.saturating_sub(GUTTER).max(40);
        Self { report, sources, mask: Mask::new(report.hidden()), styles, room }
    }

    fn one(&self, f: &mut fmt::Formatter<'_>, problem: &Diagnostic) -> fmt::Result {
        let severity = problem.severity();
        let style = match severity {
            Severity::Error => self.styles.error,
            Severity::Warning => self.styles.warning,
            Severity::Note => self.styles.frame,
        };
        let head = format!("{}[{}]", severity.as_str(), problem.code);
        let message = sanitize(&problem.message);
        writeln!(f, "{}{} {}", head.style(style), ":".style(self.styles.strong), message.style(self.styles.strong))?;
        let mut width = 1;
        if let Some(span) = problem.span {
            let spans = problem.labels.iter().map(|(span, _)| *span).chain([span]);
            width = spans.map(|span| self.sources.position(span).0.to_string().len()).max().unwrap_or(1);
            self.place(f, span, "-->", width)?;
            // Documents of another kind have not been read, so nobody knows what in them is secret.
            if problem.code == Code::OtherKind {
                return self.help(f, problem, width);
            }
            self.lines(f, problem, span, width, style)?;
        } else if let Some(file) = &problem.file {
            writeln!(f, "{:width$}{} {}", "", "-->".style(self.styles.frame), sanitize(file))?;
        }
        if (problem.help.is_some() || problem.reason.is_some()) && problem.span.is_some() {
            writeln!(f, "{:width$} {}", "", "|".style(self.styles.frame))?;
        }
        self.help(f, problem, width)
    }

    /// The source lines with what is marked in them.
    fn lines(
        &self,
        f: &mut fmt::Formatter<'_>,
        problem: &Diagnostic,
        span: Span,
        width: usize,
        style: owo_colors::Style,
    ) -> fmt::Result {
        writeln!(f, "{:width$} {}", "", "|".style(self.styles.frame))?;
        // In the order of the text; places in other files come last, under their own name.
        let mut marks = vec![(span, '^', "", style)];
        marks.extend(problem.labels.iter().map(|(at, text)| (*at, '-', text.as_str(), self.styles.frame)));
        marks.sort_by_key(|(at, ..)| (at.file != span.file, *at));
        let decoded =
            !matches!(problem.code, Code::Syntax | Code::DuplicateKey | Code::TooComplex | Code::UnknownVersion);
        let mut printed = None;
        for (at, mark, text, style) in marks {
            if at.file != span.file {
                self.place(f, at, ":::", width)?;
                writeln!(f, "{:width$} {}", "", "|".style(self.styles.frame))?;
            }
            let shown = self.shown(at, decoded, self.room.saturating_sub(text.len()).max(40));
            let line = (at.file, self.sources.position(at).0, shown.text.clone());
            if printed.as_ref() != Some(&line) {
                self.source_line(f, line.1, &shown, width)?;
            }
            printed = Some(line);
            self.marks(f, &shown, width, (mark, text, style))?;
        }
        Ok(())
    }

    /// The way out, and an empty line.
    fn help(&self, f: &mut fmt::Formatter<'_>, problem: &Diagnostic, width: usize) -> fmt::Result {
        let equals = "=".style(self.styles.frame);
        if let Some(reason) = &problem.reason {
            writeln!(f, "{:width$} {equals} {} {}", "", "note:".style(self.styles.strong), sanitize(reason))?;
        }
        if let Some(help) = &problem.help {
            writeln!(f, "{:width$} {equals} {} {}", "", "help:".style(self.styles.help), sanitize(help))?;
        }
        writeln!(f)
    }

    fn place(&self, f: &mut fmt::Formatter<'_>, span: Span, arrow: &str, width: usize) -> fmt::Result {
        let name = self.sources.file(span.file).map_or("", |file| file.name.as_str());
        let (line, column) = self.sources.position(span);
        writeln!(f, "{:width$}{} {}:{line}:{column}", "", arrow.style(self.styles.frame), sanitize(name))
    }

    fn shown(&self, span: Span, decoded: bool, room: usize) -> Shown {
        let (line, start) = self.sources.line(span);
        let from = (span.start as usize).saturating_sub(start).min(line.len());
        let to = (span.end as usize).saturating_sub(start).clamp(from, line.len());
        let secret = self.mask.ranges(self.sources, span, decoded);
        let mut cells: Vec<(String, usize, bool)> = Vec::new();
        let mut masked = false;
        // Only the neighbourhood of the span is looked at: a hostile file may be one line of many megabytes.
        let first = line.floor_char_boundary(from.saturating_sub(4 * room));
        let last = line.floor_char_boundary(from + 4 * room);
        for (offset, c) in line[first..last].char_indices().map(|(offset, c)| (offset + first, c)) {
            let inside = (from..to.max(from + 1)).contains(&offset);
            if secret.iter().any(|range| range.contains(&offset)) {
                if !masked {
                    cells.extend(MASK.chars().map(|c| (c.to_string(), 1, inside)));
                }
                masked = true;
                continue;
            }
            masked = false;
            let mut text = String::new();
            if c == '\t' {
                text.push_str("    ");
            } else {
                sanitize_char(c, &mut text);
            }
            let width = text.chars().map(|c| c.width().unwrap_or(0)).sum();
            cells.push((text, width, inside));
        }
        Shown::cut(&cells, room)
    }

    fn source_line(&self, f: &mut fmt::Formatter<'_>, number: usize, shown: &Shown, width: usize) -> fmt::Result {
        let gutter = format!("{number:>width$}");
        writeln!(f, "{} {} {}", gutter.style(self.styles.frame), "|".style(self.styles.frame), shown.text)
    }

    fn marks(
        &self,
        f: &mut fmt::Formatter<'_>,
        shown: &Shown,
        width: usize,
        (mark, text, style): (char, &str, owo_colors::Style),
    ) -> fmt::Result {
        let marks: String = std::iter::repeat_n(mark, shown.marked).collect();
        let label = if text.is_empty() { marks } else { format!("{marks} {text}") };
        let bar = "|".style(self.styles.frame);
        writeln!(f, "{:width$} {bar} {:indent$}{}", "", "", label.style(style), indent = shown.before)
    }
}

impl fmt::Display for Excerpts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.report.problems() {
            self.one(f, problem)?;
        }
        match self.report.dropped() {
            0 => Ok(()),
            more => writeln!(f, "… and {more} more problems\n"),
        }
    }
}

/// A source line as it may be shown: secrets masked, control characters escaped, tabs expanded, long lines cut.
struct Shown {
    text: String,
    before: usize,
    marked: usize,
}

impl Shown {
    /// The part of the line around the mark that fits.
    fn cut(cells: &[(String, usize, bool)], room: usize) -> Self {
        let mark = cells.iter().position(|cell| cell.2).unwrap_or(cells.len());
        let width = |cells: &[(String, usize, bool)]| cells.iter().map(|cell| cell.1).sum::<usize>();
        let mut first = 0;
        while width(&cells[first..]) > room && width(&cells[first..mark]) > room / 2 {
            first += 1;
        }
        let mut last = cells.len();
        while last > mark + 1 && width(&cells[first..last]) > room {
            last -= 1;
        }
        let mut text: String = cells[first..last].iter().map(|cell| cell.0.as_str()).collect();
        let mut before = width(&cells[first..mark]);
        let marked: usize = cells[mark..last].iter().take_while(|cell| cell.2).map(|cell| cell.1).sum();
        if first > 0 {
            text.insert(0, '…');
            before += 1;
        }
        if last < cells.len() {
            text.push('…');
        }
        Self { text: text.trim_end().to_owned(), before, marked: marked.max(1) }
    }
}
