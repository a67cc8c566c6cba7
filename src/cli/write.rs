//! Files that are there whole or not at all.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Says of a file that it cannot be written. What a person named is wrong then, not the cluster.
#[derive(Debug)]
pub(super) struct Unwritable(pub(super) String);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

/// A directory that receives one file per object.
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Opens a directory, making it if it is not there.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make the directory {}", path.display()))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes a file under its final name only when all of it is on disk. A file with secrets is for its owner alone.
    /// A link of that name is replaced, not followed.
    pub(super) fn write(&self, name: &str, text: &str, secret: bool) -> anyhow::Result<PathBuf> {
        let target = self.path.join(name);
        let result = || -> anyhow::Result<()> {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".wukong-").suffix(".tmp");
            #[cfg(not(unix))]
            let _ = secret;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                builder.permissions(fs::Permissions::from_mode(if secret { 0o600 } else { 0o666 }));
            }
            let mut file = builder.tempfile_in(&self.path)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&target)?;
            Ok(())
        };
        result().with_context(|| format!("cannot write {}", target.display()))?;
        Ok(target)
    }

    /// Makes the new names last through a crash of the computer.
    pub(super) fn sync(&self) {
        // Not every file system can; the files themselves are on disk already.
        let _ = File::open(&self.path).and_then(|directory| directory.sync_all());
    }
}
