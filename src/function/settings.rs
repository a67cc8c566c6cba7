//! What decides over the result besides the Wukongs.

use crate::Options;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::machine::Machine;
use crate::render::{Kind, Manifest, render};
use crate::source::{self, Entry, Node};
use crate::spec::check_label;

/// Which of the objects of a machine are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Secrets {
    /// All objects.
    #[default]
    Include,
    /// All objects but Secrets.
    Omit,
    /// Secrets alone.
    Only,
}

impl Secrets {
    /// The choice that a word stands for.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "include" => Some(Self::Include),
            "omit" => Some(Self::Omit),
            "only" => Some(Self::Only),
            _ => None,
        }
    }
}

/// What decides over the result besides the Wukongs: flags, and the ConfigMap that kpt makes of its arguments.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Namespace, storage policies, and whether disks are kept from other tools.
    pub options: Options,
    /// Which objects are wanted.
    pub secrets: Secrets,
}

/// The keys of the ConfigMap; each is the flag of that name.
const NAMESPACE: &str = "namespace";
const POLICY: &str = "storage-policy";
const SECRETS: &str = "secrets";
const KEEP: &str = "keep-annotations";

impl Settings {
    /// The objects of a machine that are wanted.
    pub(super) fn manifests(&self, machine: &Machine) -> Vec<Manifest> {
        let mut manifests = render(machine, &self.options);
        manifests.retain(|manifest| match self.secrets {
            Secrets::Include => true,
            Secrets::Omit => manifest.kind != Kind::Secret,
            Secrets::Only => manifest.kind == Kind::Secret,
        });
        manifests
    }

    /// Takes over what the data of a ConfigMap says. Problems go to the report.
    pub(super) fn read(&mut self, config: &Node, report: &mut Report) {
        let Some(data) = config.get("data").filter(|data| !data.is_null()) else { return };
        let source::Kind::Map(entries) = &data.kind else {
            report.push(Diagnostic::new(Code::WrongType, data.span, "`data` must be a mapping"));
            return;
        };
        for entry in entries {
            if let Err(problem) = self.set(entry) {
                report.push(*problem);
            }
        }
    }

    fn set(&mut self, entry: &Entry) -> Result<(), Box<Diagnostic>> {
        let at = entry.value.span;
        let Some(text) = entry.value.as_str() else {
            return Err(Box::new(Diagnostic::new(Code::WrongType, at, format!("`{}` must be text", entry.key))));
        };
        match &*entry.key {
            NAMESPACE => {
                check_label(text).map_err(|reason| {
                    Diagnostic::new(Code::BadName, at, format!("`{text}` is not the name of a namespace: {reason}"))
                })?;
                self.options.namespace = Some(text.to_owned());
            }
            POLICY => {
                for policy in text.split(',').map(str::trim).filter(|policy| !policy.is_empty()) {
                    let read = Options::parse_policy(policy);
                    self.options.policies.push(read.map_err(|reason| Diagnostic::new(Code::BadFormat, at, reason))?);
                }
            }
            SECRETS => {
                let help = "write include, omit or only";
                self.secrets = Secrets::of(text).ok_or_else(|| {
                    Diagnostic::new(Code::UnknownChoice, at, format!("`{SECRETS}` cannot be `{text}`")).help(help)
                })?;
            }
            KEEP => {
                self.options.no_keep_annotations = match text {
                    "true" => false,
                    "false" => true,
                    _ => {
                        let message = format!("`{KEEP}` must be `true` or `false`");
                        return Err(Box::new(Diagnostic::new(Code::WrongType, at, message)));
                    }
                };
            }
            other => {
                let message = format!("the function has no setting `{other}`");
                let help = format!("the settings are {NAMESPACE}, {POLICY}, {SECRETS} and {KEEP}");
                return Err(Box::new(Diagnostic::new(Code::UnknownField, entry.key_span, message).help(help)));
            }
        }
        Ok(())
    }
}
