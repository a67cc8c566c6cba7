//! Files, directories, globs and standard input, read with limits.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::folder;
use super::session::Session;
use super::terminal::Terminal;
use crate::cluster::policies;
use crate::diagnostic::{Code, Diagnostic};
use crate::machine::PolicyClass;
use crate::source::{MAX_FILE_BYTES, MAX_RUN_BYTES};
use crate::spec::{StoragePolicy, check_label};
use crate::{Input, Loaded, Options, load, too_large};

/// What standard input is called in messages.
const STDIN: &str = "<stdin>";

/// Which files to read, and what they do not say themselves.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct InputArgs {
    /// A file, a directory, a glob in quotes, or `-` for standard input. May be given several times.
    #[arg(short = 'f', long = "filename", value_name = "PATH", required = true)]
    filenames: Vec<String>,

    /// Read directories with all that is below them, but for what is hidden.
    #[arg(short = 'R', long)]
    recursive: bool,

    /// The namespace of documents that name none.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,

    /// What a storage policy stands for, such as `fast=longhorn-ssd` or `fast=ceph:ReadWriteMany:Block`.
    #[arg(long = "storage-policy", value_name = "POLICY=CLASS", value_parser = Options::parse_policy)]
    storage_policies: Vec<(StoragePolicy, PolicyClass)>,
}

pub(super) fn namespace(text: &str) -> Result<String, String> {
    check_label(text)
        .map(|()| text.to_owned())
        .map_err(|_| "a namespace has at most 63 lower-case letters, digits and `-`".to_owned())
}

impl InputArgs {
    /// What another command's flags say.
    pub(super) const fn of(filenames: Vec<String>, recursive: bool, namespace: Option<String>) -> Self {
        Self { filenames, recursive, namespace, storage_policies: Vec::new() }
    }

    /// The same for another path.
    pub(super) fn at(&self, path: &str) -> Self {
        Self { filenames: vec![path.to_owned()], ..self.clone() }
    }

    /// Reads and checks everything. The namespace of the context and what storage policies stand for come from the
    /// cluster. Nothing if that failed, which was told.
    pub(super) fn load_with_policies(&self, session: &Session, terminal: &Terminal) -> Option<(Loaded, Options)> {
        let options = Options { fallback_namespace: Some(session.door.namespace().to_owned()), ..self.options() };
        let mut unread = Vec::new();
        let inputs = self.read(false, &mut unread);
        let loaded = self.check(inputs.clone(), unread.clone(), &options);
        if loaded.report.problems().iter().all(|problem| problem.code != Code::StoragePolicy) {
            return Some((loaded, options));
        }
        let own = options.namespace.as_deref().unwrap_or(session.door.namespace());
        let cluster_policies = match session.runtime.block_on(policies(&session.door, own)) {
            Ok(Ok(found)) => found,
            Ok(Err(problem)) => {
                terminal.error(&problem);
                return None;
            }
            Err(refused) => {
                super::session::tell(&refused, terminal);
                return None;
            }
        };
        let options = Options { cluster_policies, ..options };
        Some((self.check(inputs, unread, &options), options))
    }

    /// What the flags say beyond the files.
    pub(super) fn options(&self) -> Options {
        Options { namespace: self.namespace.clone(), policies: self.storage_policies.clone(), ..Options::default() }
    }

    /// Reads and checks everything. Documents of another kind are a warning unless they are wanted.
    pub(super) fn load(&self, options: &Options) -> Loaded {
        let mut unread = Vec::new();
        let inputs = self.read(options.others_wanted, &mut unread);
        self.check(inputs, unread, options)
    }

    fn check(&self, inputs: Vec<Input>, unread: Vec<Diagnostic>, options: &Options) -> Loaded {
        let mut loaded = load(inputs, options);
        loaded.report.extend(unread);
        let names = self.filenames.first().map_or(STDIN, |name| if name == "-" { STDIN } else { name });
        loaded.only_machines(names, options.others_wanted);
        loaded
    }

    fn read(&self, others_wanted: bool, unread: &mut Vec<Diagnostic>) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut seen = HashSet::new();
        let mut total = 0;
        for name in &self.filenames {
            let paths = if name == "-" { vec![PathBuf::from(STDIN)] } else { self.paths(name, others_wanted, unread) };
            for path in paths {
                let identity = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
                if !seen.insert(identity) {
                    continue;
                }
                let shown = path.display().to_string();
                let input = if name == "-" {
                    text(&shown, io::stdin().lock(), unread)
                } else {
                    match open(&path) {
                        Ok(file) => text(&shown, file, unread),
                        Err(problem) => {
                            unread.push(*problem);
                            None
                        }
                    }
                };
                total += input.as_ref().map_or(0, |input| input.text.len());
                if total > MAX_RUN_BYTES {
                    let message = format!("all files together are larger than {} MiB", MAX_RUN_BYTES >> 20);
                    unread.push(Diagnostic::of_file(Code::TooComplex, shown, message).help("render them in parts"));
                    return inputs;
                }
                inputs.extend(input);
            }
        }
        inputs
    }

    /// The files that a name stands for.
    fn paths(&self, name: &str, others_wanted: bool, unread: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
        if name.contains("://") {
            let help = "this command works offline; fetch the file first and pass `-f -`";
            unread.push(Diagnostic::of_file(Code::Unreadable, name, "addresses are not fetched").help(help));
            return Vec::new();
        }
        let path = Path::new(name);
        if path.is_dir() {
            let files = folder::files(path, self.recursive, others_wanted, unread);
            if files.is_empty() {
                let help = if self.recursive { "" } else { "`-R` reads the directories below it as well" };
                let problem =
                    Diagnostic::of_file(Code::Unreadable, name, "no .yaml, .yml or .json file in this directory");
                unread.push(if help.is_empty() { problem } else { problem.help(help) });
            }
            return files;
        }
        if !path.exists() && name.contains(['*', '?', '[']) {
            let found: Vec<_> = match glob::glob(name) {
                Ok(paths) => paths.flatten().filter(|path| path.is_file()).collect(),
                Err(error) => {
                    let message = format!("not a pattern: {}", error.msg);
                    unread.push(Diagnostic::of_file(Code::Unreadable, name, message));
                    return Vec::new();
                }
            };
            if found.is_empty() {
                unread.push(Diagnostic::of_file(Code::Unreadable, name, "no file matches"));
            }
            return found;
        }
        vec![path.to_owned()]
    }
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let message = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read by this user".to_owned(),
        _ => error.to_string(),
    };
    Diagnostic::of_file(Code::Unreadable, path.display().to_string(), message)
}

fn open(path: &Path) -> Result<File, Box<Diagnostic>> {
    let file = File::open(path).map_err(|error| Box::new(unreadable(path, &error)))?;
    // A pipe has no length; the limit while reading covers it.
    match file.metadata() {
        Ok(metadata) if metadata.len() > MAX_FILE_BYTES as u64 => Err(Box::new(too_large(path.display().to_string()))),
        _ => Ok(file),
    }
}

/// Reads text with a limit; what is not text is a problem.
/// Standard input as one text, or why it cannot be read.
pub(super) fn standard_input() -> Result<Input, Box<Diagnostic>> {
    let mut unread = Vec::new();
    let input = text(STDIN, io::stdin().lock(), &mut unread);
    let nothing = || Diagnostic::of_file(Code::Unreadable, STDIN, "standard input cannot be read");
    input.ok_or_else(|| Box::new(unread.pop().unwrap_or_else(nothing)))
}

fn text(name: &str, reader: impl Read, unread: &mut Vec<Diagnostic>) -> Option<Input> {
    let mut bytes = Vec::new();
    if let Err(error) = reader.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes) {
        unread.push(unreadable(Path::new(name), &error));
        return None;
    }
    if bytes.len() > MAX_FILE_BYTES {
        unread.push(too_large(name));
        return None;
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let problem = Diagnostic::of_file(Code::Encoding, name, "the file is UTF-16 text");
        unread.push(problem.help("save it as UTF-8"));
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(Input::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let problem = Diagnostic::of_file(Code::Encoding, name, format!("line {line} is not UTF-8 text"));
            unread.push(problem.help("save the file as UTF-8"));
            None
        }
    }
}
