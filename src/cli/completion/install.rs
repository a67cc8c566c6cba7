//! The program through which kubectl asks for completion: krew links one file of a plugin, and this is a second one.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::super::complete::{PROGRAM, WORD};
use super::super::terminal::Terminal;
use super::Exit;

/// By this line a file is known as one that may be replaced.
const MARK: &str = "Written by `kubectl wukong completion install`";

pub(super) fn run(terminal: &Terminal) -> anyhow::Result<Exit> {
    let Some(folder) = folder(env::var_os("PATH").as_deref()) else {
        bail!("kubectl-wukong is not on the PATH, where kubectl looks for both files: put it there first");
    };
    let ending = if cfg!(windows) { ".cmd" } else { "" };
    let path = folder.join(format!("{PROGRAM}{ending}"));
    let shown = path.display();
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => bail!("cannot look at {shown}: {error}"),
        Ok(found) => {
            // A link is followed by whoever writes to it.
            let ours = found.is_file() && fs::read(&path).is_ok_and(|text| is_ours(&text));
            if !ours {
                terminal.error(&format!("{shown} is there already, and was not written by this command"));
                terminal.help("remove or rename it, then run this again");
                return Ok(Exit::Refused);
            }
        }
    }
    write(&folder, &path).with_context(|| format!("cannot write {shown}"))?;
    writeln!(io::stdout(), "{shown}")?;
    terminal.help("kubectl's own completion must be on: kubectl completion --help");
    Ok(Exit::Done)
}

/// The folder of the plugin that kubectl would run.
fn folder(path: Option<&OsStr>) -> Option<PathBuf> {
    let name = if cfg!(windows) { "kubectl-wukong.exe" } else { "kubectl-wukong" };
    // What kubectl passes over: folders that depend on where it is started, and files that cannot be run.
    env::split_paths(path?).find(|folder| folder.is_absolute() && can_run(&folder.join(name)))
}

fn can_run(path: &Path) -> bool {
    let Ok(found) = fs::metadata(path) else { return false };
    #[cfg(unix)]
    let can = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let can = true;
    found.is_file() && can
}

fn is_ours(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).lines().nth(1).is_some_and(|line| line.contains(MARK))
}

fn text() -> String {
    if cfg!(windows) {
        format!("@echo off\r\nrem {MARK}.\r\nkubectl-wukong.exe {WORD} %*\r\n")
    } else {
        format!("#!/bin/sh\n# {MARK}.\nexec kubectl-wukong {WORD} \"$@\"\n")
    }
}

/// Under its final name it is there whole, and can be run.
fn write(folder: &Path, path: &Path) -> anyhow::Result<()> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    let mut file = builder.prefix(".wukong-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(text().as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_this_command_is_ours() {
        assert!(is_ours(text().as_bytes()));
        assert!(!is_ours(b"#!/bin/sh\nexec other\n"));
        assert!(!is_ours(format!("#!/bin/sh\necho a\n# {MARK}.\n").as_bytes()));
        assert!(!is_ours(b"\x7fELF\0\0"));
    }

    #[test]
    fn the_first_folder_of_the_path_is_that_of_kubectl() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = if cfg!(windows) { "kubectl-wukong.exe" } else { "kubectl-wukong" };
        let path = env::join_paths([first.path(), second.path()]).unwrap();
        assert_eq!(folder(Some(&path)), None);
        let put = |folder: &Path, mode: u32| {
            let path = folder.join(name);
            fs::write(&path, "").unwrap();
            #[cfg(unix)]
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        };
        put(second.path(), 0o755);
        assert_eq!(folder(Some(&path)).as_deref(), Some(second.path()));
        #[cfg(unix)]
        {
            put(first.path(), 0o644);
            assert_eq!(folder(Some(&path)).as_deref(), Some(second.path()), "it cannot be run");
        }
        put(first.path(), 0o755);
        assert_eq!(folder(Some(&path)).as_deref(), Some(first.path()));
        assert_eq!(folder(None), None);
        assert_eq!(folder(Some(OsStr::new(".:"))), None, "relative");
    }
}
