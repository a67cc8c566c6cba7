//! A file that is fetched, and its checksum. Without --force nothing is overwritten, whenever it came.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::terminal::Terminal;

/// A file that would be overwritten.
pub(super) fn in_the_way(output: &Path, force: bool) -> Option<PathBuf> {
    let all = [output.to_owned(), with(output, ".sha256"), with(output, ".partial")];
    all.into_iter().find(|path| !force && path.symlink_metadata().is_ok())
}

/// A file that is fetched, under a name of its own until all of it is there.
pub(super) struct Fetched {
    output: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    told: Instant,
    terminal: Terminal,
}

/// How often is told how far it is.
const PACE: Duration = Duration::from_secs(5);

impl Fetched {
    pub(super) fn begin(output: &Path, force: bool, terminal: Terminal) -> anyhow::Result<Self> {
        let partial = with(output, ".partial");
        let file = created(&partial, force).with_context(|| cannot(&partial))?;
        Ok(Self {
            output: output.to_owned(),
            partial,
            file: BufWriter::new(file),
            hash: Sha256::new(),
            bytes: 0,
            told: Instant::now(),
            terminal,
        })
    }

    pub(super) fn take(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)?;
        self.hash.update(data);
        self.bytes += data.len() as u64;
        if self.told.elapsed() >= PACE {
            self.told = Instant::now();
            self.terminal.progress("export", &format!("{} MiB", self.bytes >> 20));
        }
        Ok(())
    }

    /// Gives the file its name, and writes its checksum beside it, as `sha256sum --check` reads it.
    pub(super) fn end(mut self, force: bool) -> anyhow::Result<String> {
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).with_context(|| cannot(&self.partial))?;
        let stays = |path: &Path| format!("{}; all of it is in {}", cannot(path), self.partial.display());
        let sum: String = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = self.output.file_name().unwrap_or_default().to_string_lossy();
        let beside = with(&self.output, ".sha256");
        let mut checksum = created(&beside, force).with_context(|| stays(&beside))?;
        let ended = writeln!(checksum, "{sum}  {name}").with_context(|| stays(&beside));
        let named = || if force { fs::rename(&self.partial, &self.output) } else { named(&self.partial, &self.output) };
        if let Err(error) = ended.and_then(|()| named().with_context(|| stays(&self.output))) {
            // It is of this run, and the checksum of nothing.
            let _ = fs::remove_file(&beside);
            return Err(error);
        }
        Ok(sum)
    }

    /// Half a disk is of no use.
    pub(super) fn give_up(self) {
        drop(self.file);
        // It may be gone already.
        let _ = fs::remove_file(&self.partial);
    }
}

/// A file's name with something behind it.
fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

fn cannot(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// A new file; with `force` in place of what has its name.
fn created(path: &Path, force: bool) -> io::Result<File> {
    if force {
        // A link of that name is replaced, not followed.
        let _ = fs::remove_file(path);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a file another name, unless there is a file of that name.
fn named(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => named_once(from, to),
        other => {
            other?;
            // The file has its name, and a second one harms nothing.
            let _ = fs::remove_file(from);
            Ok(())
        }
    }
}

/// The same where the file system has no second names: what is replaced is an empty file of this run.
fn named_once(from: &Path, to: &Path) -> io::Result<()> {
    created(to, false)?;
    fs::rename(from, to).inspect_err(|_| _ = fs::remove_file(to))
}

#[cfg(test)]
mod tests {
    use crate::cli::terminal::ColorChoice;

    use super::*;

    /// Fetches `new`; `meanwhile` happens before its end.
    fn fetched(output: &Path, force: bool, meanwhile: impl Fn()) -> anyhow::Result<String> {
        let mut fetched = Fetched::begin(output, force, Terminal::new(ColorChoice::Never)).unwrap();
        fetched.take(b"new").unwrap();
        meanwhile();
        fetched.end(force)
    }

    #[test]
    fn what_came_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("disk.img");
        let [checksum, partial] = [".sha256", ".partial"].map(|end| with(&output, end));
        for (came, other) in [(&checksum, &output), (&output, &checksum)] {
            let error = fetched(&output, false, || fs::write(came, "theirs").unwrap()).unwrap_err();
            assert!(error.to_string().contains("all of it is in"), "{error}");
            assert_eq!(fs::read_to_string(came).unwrap(), "theirs");
            assert!(!other.exists() && fs::read_to_string(&partial).unwrap() == "new");
            fs::remove_file(came).unwrap();
            fs::remove_file(&partial).unwrap();
        }
        let sum = fetched(&output, false, || ()).unwrap();
        assert_eq!(fs::read_to_string(&checksum).unwrap(), format!("{sum}  disk.img\n"));
        assert!(fs::read_to_string(&output).unwrap() == "new" && !partial.exists());
    }

    #[test]
    fn a_file_is_not_replaced_where_there_are_no_second_names() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "theirs").unwrap();
        assert_eq!(named_once(&from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert!(fs::read_to_string(&to).unwrap() == "theirs" && from.exists());
        fs::remove_file(&to).unwrap();
        named_once(&from, &to).unwrap();
        assert!(fs::read_to_string(&to).unwrap() == "new" && !from.exists());
        // What cannot be renamed leaves no empty file.
        assert!(named_once(&from, &folder.path().join("other")).is_err());
        assert!(!folder.path().join("other").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("disk.img");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "theirs").unwrap();
        let link = |end: &str| std::os::unix::fs::symlink(&elsewhere, with(&output, end)).unwrap();
        assert!(fetched(&output, false, || link(".sha256")).is_err());
        for end in ["", ".partial"] {
            let _ = fs::remove_file(with(&output, end));
            link(end);
        }
        fetched(&output, true, || ()).unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(&output).unwrap(), "new");
    }
}
