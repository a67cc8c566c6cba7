//! Tables of words, without frames, for terminals and logs.

use owo_colors::{OwoColorize as _, Style};
use tabled::builder::Builder;
use tabled::settings::{Padding, Style as Frame, Width as Columns};
use unicode_width::UnicodeWidthStr;

use crate::text::{Styles, Width, fold, sanitize};

/// The cells between two columns.
const GAP: usize = 2;

/// Rows under a head; each cell has a style.
///
/// On a terminal the columns with the most to give are folded between words until the table fits: those of prose, whose
/// words are short. A name is one word and is never cut: a person copies it. Where nothing is gained by folding, and in a
/// pipe, each row is one line.
pub fn table(head: &[&str], rows: &[Vec<(String, Style)>], styles: &Styles, width: Width) -> String {
    let head = head.iter().map(|title| ((*title).to_owned(), styles.frame)).collect();
    let clean = |(text, style): &(String, Style)| (sanitize(text).into_owned(), *style);
    let mut all = vec![head];
    all.extend(rows.iter().map(|row| row.iter().map(clean).collect::<Vec<_>>()));
    let widths = widths(&all, width);
    let mut builder = Builder::default();
    for row in &all {
        builder.push_record(row.iter().zip(&widths).map(|((text, style), room)| cell(text, *style, *room)));
    }
    let mut table = builder.build();
    table.with(Frame::empty()).with(Padding::new(0, GAP, 0, 0));
    // A folded cell may be narrower than its column.
    table.with(Columns::list(widths.iter().map(|width| width + GAP)));
    table.to_string().split('\n').map(|line| format!("{}\n", line.trim_end())).collect()
}

/// How wide each column is.
fn widths(rows: &[Vec<(String, Style)>], width: Width) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |of: &dyn Fn(&str) -> usize| -> Vec<usize> {
        let cells = |column| rows.iter().filter_map(move |row| row.get(column));
        (0..columns).map(|column| cells(column).map(|(text, _)| of(text)).max().unwrap_or(0)).collect()
    };
    let mut wide = widest(&UnicodeWidthStr::width);
    let Width::Terminal(room) = width else { return wide };
    let room = room.max(40).saturating_sub(GAP * columns.saturating_sub(1));
    let least = widest(&|text| text.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or(0));
    if least.iter().sum::<usize>() > room {
        return wide;
    }
    while wide.iter().sum::<usize>() > room {
        let Some(prose) = (0..columns).max_by_key(|column| wide[*column] - least[*column]) else { break };
        wide[prose] -= 1;
    }
    wide
}

/// A text in as many lines as it needs; each has its own colour, so that none reaches into the next column.
fn cell(text: &str, style: Style, room: usize) -> String {
    // Nothing has no colour: its codes would hide the spaces at the end of a line.
    let shown = |part: &str| if part.is_empty() { String::new() } else { part.style(style).to_string() };
    if text.width() <= room {
        return shown(text);
    }
    fold(text, room).iter().map(|part| shown(part)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "default/a-name-of-fifty-nine-characters-that-a-person-chose-so";

    fn shown(rows: &[[&str; 3]], width: Width) -> Vec<String> {
        let cell = |text: &&str| ((*text).to_owned(), Style::new());
        let rows: Vec<_> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let text = table(&["MACHINE", "CLAIM", "LOST IF"], &rows, &Styles::default(), width);
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn prose_is_folded_between_words_and_names_are_whole() {
        let row = ["default/hello", "hello-system", "its node is gone for good, or the VM is deleted"];
        let lines = [
            "MACHINE        CLAIM         LOST IF",
            "default/hello  hello-system  its node is",
            "                             gone for good,",
            "                             or the VM is",
            "                             deleted",
        ];
        assert_eq!(shown(&[row], Width::Terminal(44)), lines);
        let prose = "its node is gone for good, or the VM is deleted by somebody who did not know";
        for cells in 60..200 {
            let lines = shown(&[[LONG, "a", "b"], ["default/hello", "hello-system", prose]], Width::Terminal(cells));
            assert!(lines.iter().any(|line| line.starts_with(LONG)), "{lines:#?}");
            let fits = lines.iter().all(|line| line.width() <= cells);
            assert!(fits || lines.len() == 3, "{cells}: {lines:#?}");
            assert!(cells < 90 || fits, "{cells}: {lines:#?}");
        }
    }

    #[test]
    fn prose_gives_way_before_what_a_name_stands_in() {
        let rows = [["VirtualMachine/web", "disk data: a-claim-with-a-long-name", "runs now; it is shut down first"]];
        let lines = shown(&rows, Width::Terminal(80));
        assert_eq!(
            lines[1..],
            [
                "VirtualMachine/web  disk data: a-claim-with-a-long-name  runs now; it is shut",
                "                                                         down first",
            ]
        );
    }

    #[test]
    fn a_line_goes_on_where_it_began() {
        for cells in 40..80 {
            let row =
                ["a", "b", "down until worker-1 returns; for good if its disk is gone and nobody has a copy of it"];
            for line in &shown(&[row], Width::Terminal(cells))[2..] {
                assert_eq!(line.len() - line.trim_start().len(), "MACHINE  CLAIM  ".len(), "{line}");
            }
        }
    }

    #[test]
    fn a_row_in_a_pipe_is_one_line() {
        let prose = "a cause that is told in many words ".repeat(9);
        let lines = shown(&[[LONG, "hello-system", prose.trim_end()]], Width::Pipe);
        assert_eq!(lines[1..], [format!("{LONG}  hello-system  {}", prose.trim_end())]);
    }

    #[test]
    fn colours_take_no_room() {
        let rows = [vec![("a name".to_owned(), Style::new().red()), (String::new(), Style::new().red())]];
        let text = table(&["NAME", ""], &rows, &Styles::coloured(), Width::Terminal(80));
        assert_eq!(text, "\u{1b}[34;1mNAME\u{1b}[0m\n\u{1b}[31ma name\u{1b}[0m\n");
    }

    #[test]
    fn a_folded_column_keeps_its_width_and_each_of_its_lines_its_colour() {
        let plain = |text: &str| (text.to_owned(), Style::new());
        let rows =
            [vec![plain("web"), ("one two three four five-and-six".to_owned(), Style::new().red()), plain(LONG)]];
        let text = table(&["A", "B", "C"], &rows, &Styles::default(), Width::Terminal(83));
        let lines = [
            "A    B               C".to_owned(),
            format!("web  \u{1b}[31mone two three\u{1b}[0m   {LONG}"),
            "     \u{1b}[31mfour\u{1b}[0m".to_owned(),
            "     \u{1b}[31mfive-and-six\u{1b}[0m".to_owned(),
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    }
}
