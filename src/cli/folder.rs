//! The files of a directory.

use std::fs;
use std::path::{Path, PathBuf};

use super::input::unreadable;
use crate::diagnostic::{Code, Diagnostic};

/// By one of these files a directory belongs to another tool, which reads what is in it in its own way.
const OTHER_TOOLS: [(&str, &str); 4] = [
    ("Chart.yaml", "a Helm chart"),
    ("kustomization.yaml", "a kustomization"),
    ("kustomization.yml", "a kustomization"),
    ("Kustomization", "a kustomization"),
];

/// Files with manifests in the order of their names, with those of the directories below if that is wanted. Where
/// everything is to be printed, and not the machines alone, charts and kustomizations below are left out: of those,
/// files are not objects. Problems go to `unread`.
pub(super) fn files(directory: &Path, below: bool, everything: bool, unread: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut walk = Walk { below, everything, files: Vec::new(), unread };
    walk.enter(directory);
    walk.files
}

struct Walk<'u> {
    below: bool,
    everything: bool,
    files: Vec<PathBuf>,
    unread: &'u mut Vec<Diagnostic>,
}

impl Walk<'_> {
    /// Links to directories are not followed, so that none is read twice and no circle is entered.
    fn enter(&mut self, directory: &Path) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => {
                self.unread.push(unreadable(directory, &error));
                return;
            }
        };
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                // A file that is missed without a word would be a machine that is missing.
                Err(error) => self.unread.push(unreadable(directory, &error)),
            }
        }
        paths.sort();
        for path in paths {
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if path.is_dir() {
                if self.below && !hidden && !path.is_symlink() && !self.is_of_another_tool(&path) {
                    self.enter(&path);
                }
            } else if is_manifest(&path) {
                if hidden {
                    self.problem(Code::OtherKind, &path, "a hidden file is left out", "name it to read it");
                } else if path.is_file() {
                    self.files.push(path);
                } else {
                    let message = "it is neither a file nor a link to one";
                    self.problem(Code::Unreadable, &path, message, "remove it, or name the files");
                }
            }
        }
    }

    fn is_of_another_tool(&mut self, path: &Path) -> bool {
        let known = OTHER_TOOLS.iter().find(|(name, _)| self.everything && path.join(name).exists());
        if let Some((_, tool)) = known {
            let help = "render it with its own tool, which can run `kubectl wukong fn`";
            self.problem(Code::OtherKind, path, &format!("{tool} is left out"), help);
        }
        known.is_some()
    }

    fn problem(&mut self, code: Code, path: &Path, message: &str, help: &str) {
        self.unread.push(Diagnostic::of_file(code, path.display().to_string(), message).help(help));
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}
