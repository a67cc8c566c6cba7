//! Which machines a command looks at, and what it knows of them: from a cluster, or from a file of facts.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use super::Exit;
use super::access::AccessArgs;
use super::input::namespace;
use super::session::{Session, tell};
use super::terminal::Terminal;
use super::write::Unwritable;
use crate::cluster::{Purpose, Wanted};
use crate::facts::{Facts, kind, text};
use crate::output;
use crate::status::{Subject, subject, subjects};
use crate::storage;

#[derive(Debug, clap::Args)]
pub(super) struct LookArgs {
    /// Wukongs, or `vm/NAME` for any VirtualMachine; all Wukongs if none is named.
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,

    /// The namespace; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(super) namespace: Option<String>,

    /// Look into all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "names"])]
    pub(super) all_namespaces: bool,

    /// Only machines with these labels: `app=web,tier!=db`.
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with_all = ["names", "facts"])]
    pub(super) selector: Option<String>,

    /// Every VirtualMachine, not only Wukongs.
    #[arg(long, conflicts_with = "names")]
    pub(super) all_vms: bool,

    /// Write what was read into a file, without secrets: for a bug report.
    #[arg(long, value_name = "FILE", conflicts_with = "facts")]
    pub(super) save_facts: Option<PathBuf>,

    /// Look at such a file instead of a cluster.
    #[arg(long, value_name = "FILE")]
    pub(super) facts: Option<PathBuf>,

    #[command(flatten)]
    pub(super) access: AccessArgs,
}

/// What a command knows.
pub(super) struct Seen {
    pub(super) facts: Facts,
    /// Seconds since 1970; those of the file, if it is one.
    pub(super) now: i64,
    /// The namespace that is looked into; none for all of them.
    pub(super) namespace: Option<String>,
}

impl LookArgs {
    /// What a file of facts tells; none if no file is named.
    pub(super) fn file(&self, purpose: Purpose, terminal: &Terminal) -> Option<Result<Seen, Exit>> {
        let path = self.facts.as_ref()?;
        Some(match read(path, purpose) {
            Ok((facts, now)) => Ok(Seen { facts, now, namespace: self.namespace.clone() }),
            Err(error) => {
                terminal.error(&format!("{error:#}"));
                Err(Exit::Usage)
            }
        })
    }

    /// The namespace that is looked into; none for all of them.
    pub(super) fn namespace(&self, session: &Session) -> Option<String> {
        let namespace = self.namespace.clone().unwrap_or_else(|| session.door.namespace().to_owned());
        Some(namespace).filter(|_| !self.all_namespaces)
    }

    /// What has to be read.
    pub(super) fn wanted(&self, purpose: Purpose, namespace: Option<&str>) -> Wanted {
        Wanted {
            namespaces: namespace.map(str::to_owned).into_iter().collect(),
            purpose,
            labels: self.selector.clone().unwrap_or_default(),
            ..Wanted::default()
        }
    }

    /// What was read from a cluster: it is written into a file if that is wanted, and must hold machines.
    pub(super) fn seen(
        &self,
        read: Result<Facts, crate::cluster::Refused>,
        namespace: Option<String>,
        terminal: &Terminal,
    ) -> anyhow::Result<Result<Seen, Exit>> {
        let facts = match read {
            Ok(facts) => facts,
            Err(refused) => return Ok(Err(tell(&refused, terminal))),
        };
        let now = now();
        if let Some(path) = &self.save_facts {
            let file = output::json(&facts.to_file(now));
            std::fs::write(path, file).with_context(|| Unwritable(format!("cannot write {}", path.display())))?;
        }
        if let Some(unread) = facts.unknown(kind::MACHINE, namespace.as_deref().unwrap_or_default()) {
            terminal.error(&unread.reason);
            return Ok(Err(Exit::Cluster));
        }
        Ok(Ok(Seen { facts, now, namespace }))
    }

    /// The machines that are meant.
    pub(super) fn subjects(&self, namespace: Option<&str>, facts: &Facts) -> Vec<Subject> {
        self.subjects_of(namespace, facts, self.all_vms)
    }

    /// The same; where none is named, every VirtualMachine or only Wukongs.
    pub(super) fn subjects_of(&self, namespace: Option<&str>, facts: &Facts, every: bool) -> Vec<Subject> {
        if self.names.is_empty() {
            let mut all = subjects(facts, every);
            // A selector speaks of VirtualMachines; a record alone has no labels of the user.
            all.retain(|subject| {
                self.selector.is_none() || facts.get(kind::MACHINE, &subject.namespace, &subject.vm).is_some()
            });
            all.retain(|subject| namespace.is_none_or(|namespace| subject.namespace == namespace));
            return all;
        }
        // A file of facts may be of one namespace, which then needs no name.
        let only = facts.all_of(kind::MACHINE).find_map(|machine| text(machine, "/metadata/namespace"));
        let namespace = namespace.or(only).unwrap_or("default");
        self.names.iter().map(|name| subject(name, namespace, facts)).collect()
    }

    /// What is said where there is nothing to show.
    pub(super) const fn nothing(&self) -> &'static str {
        if self.all_vms {
            "there are no VirtualMachines"
        } else {
            "there are no Wukongs; --all-vms shows every VirtualMachine"
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Facts from a file, and when they were read. What the purpose needs and the file was not saved for is not known.
pub(super) fn read(path: &Path, purpose: Purpose) -> anyhow::Result<(Facts, i64)> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let read = Facts::from_file(&file);
    let (mut facts, now) = read.map_err(|reason| anyhow::anyhow!("{}: {reason}", path.display()))?;
    facts.need(purpose.needs());
    if purpose.is_about_bytes() {
        let kinds = storage::kinds(&facts);
        facts.need(kinds);
    }
    Ok((facts, now))
}
