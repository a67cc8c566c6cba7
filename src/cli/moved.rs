//! The Wukong file after a move of disks: the change is written, or printed for the person to make.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use super::Exit;
use super::terminal::Terminal;
use super::travel::Road;
use super::write::{Directory, Unwritable};
use crate::amend::{Change, amended};
use crate::facts::{Journey, Moved};
use crate::output;

/// A file that can be written to at the end of a move: found out at its beginning.
pub(super) fn check_file(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| Unwritable(format!("cannot read {shown}")))?;
    let kept = fs::metadata(path).with_context(|| Unwritable(format!("cannot read {shown}")))?;
    ensure!(!kept.permissions().readonly(), Unwritable(format!("{shown} cannot be written to")));
    ensure!(!text.trim().is_empty(), Unwritable(format!("{shown} is empty")));
    Ok(())
}

/// What the file has to say from now on.
fn changes(journey: &Journey) -> Vec<Change> {
    let change = |disk: &Moved| Change {
        disk: disk.disk.clone(),
        claim: disk.to.clone(),
        class: Some(disk.class.clone()),
        access_mode: Some(disk.access_mode.clone()),
        volume_mode: Some(disk.volume_mode.clone()),
    };
    journey.disks.iter().map(change).collect()
}

/// Writes the change into the file that was named, or prints it.
pub(super) fn file(road: &Road<'_>, journey: &Journey) -> Exit {
    let changes = changes(journey);
    let Some(wukong) = journey.wukong.as_deref().filter(|_| !changes.is_empty()) else { return Exit::Done };
    tell_or_write(road.write, wukong, &changes, road.terminal)
}

/// The same for any change of disks.
pub(super) fn tell_or_write(write: Option<&Path>, wukong: &str, changes: &[Change], terminal: &Terminal) -> Exit {
    let suggest = || {
        terminal.say("change the file, so that it says what is in the cluster:\n");
        terminal.say(&output::suggested(changes, &terminal.out));
    };
    let Some(path) = write else {
        suggest();
        return Exit::Done;
    };
    let result = fs::read_to_string(path).map_err(|error| error.to_string()).and_then(|before| {
        let after = amended(&before, wukong, changes)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("it has no name")?;
        let directory = Directory::open(folder).map_err(|error| format!("{error:#}"))?;
        directory.write(name, &after, false).map_err(|error| format!("{error:#}"))?;
        directory.sync();
        Ok((before, after))
    });
    match result {
        Ok((before, after)) => {
            terminal.say(&format!("wrote {}:\n", path.display()));
            terminal.say(&output::file_change(&before, &after, &terminal.out));
            Exit::Done
        }
        Err(why) => {
            terminal.error(&format!("{} was not changed: {why}", path.display()));
            suggest();
            Exit::Usage
        }
    }
}
