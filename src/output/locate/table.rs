//! One line for each disk.

use owo_colors::Style;

use super::super::table::table;
use super::{after, held, sign};
use crate::locate::{Fate, Located, Trail};
use crate::text::{Styles, Width};

/// Disks as a table. `wide`: with the volume, its policy and the path.
pub fn located_table(all: &[Located], wide: bool, styles: &Styles, width: Width) -> String {
    let mut head = vec!["MACHINE", "DISK", "CLAIM", "SIZE", "WHERE", "LOST IF"];
    if wide {
        head.extend(["VOLUME", "POLICY", "PATH"]);
    }
    let mut rows = Vec::new();
    for machine in all {
        for disk in machine.disks.iter().filter(|disk| disk.content.lasts()) {
            rows.push(row(machine, disk, wide, styles));
        }
    }
    // A path that is broken cannot be copied.
    table(&head, &rows, styles, if wide { Width::Pipe } else { width })
}

fn row(machine: &Located, disk: &Trail, wide: bool, styles: &Styles) -> Vec<(String, Style)> {
    let plain = Style::new();
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let gap = disk.hops.iter().find(|hop| hop.gap).map(|hop| hop.state.clone());
    let place = disk.place.as_ref().map_or_else(|| gap.unwrap_or_else(|| "not known".into()), held);
    let lost = after(disk, Fate::Lost);
    let (lost, style) =
        if lost.is_empty() { ("-".to_owned(), plain) } else { (lost.join(", "), sign(Fate::Lost, styles).1) };
    let mut row = vec![
        (format!("{}/{}", machine.subject.namespace, machine.subject.shown()), plain),
        (disk.name.clone(), plain),
        (or(&disk.claim), plain),
        (or(&disk.size), plain),
        (place, plain),
        (lost, style),
    ];
    if wide {
        let placed = disk.place.as_ref();
        row.push((or(&disk.volume), plain));
        row.push((
            placed
                .map(|placed| placed.policy.clone())
                .filter(|policy| !policy.is_empty())
                .unwrap_or_else(|| "-".into()),
            plain,
        ));
        row.push((or(&placed.and_then(|placed| placed.place.at.clone())), plain));
    }
    row
}
