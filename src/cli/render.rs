//! `kubectl wukong render`

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde_json::Value;

use super::Exit;
use super::input::InputArgs;
use super::parallel::in_order;
use super::terminal::Terminal;
use super::write::Directory;
use crate::output::{self, Stream};
use crate::render::{Manifest, render};
use crate::source::{Node, documents, kubectl_value};
use crate::spec::Other;
use crate::{Loaded, Machine, Options, Report};

/// Print the manifests of Wukong files, offline.
///
/// PersistentVolumeClaims, DataVolumes, a cloud-init Secret, NetworkAttachmentDefinitions and the VirtualMachine of
/// each file go to standard output, warnings to standard error. Nothing is printed if any file is invalid. Equal files
/// give equal bytes, every time.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong render -f vm.yaml | kubectl apply --server-side -f -
  kubectl wukong render -f machines/ -R --output-dir rendered/ --secrets=omit
  cat vm.yaml | kubectl wukong render -f - -n prod -o name")]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// A stream of YAML documents, a Kubernetes List as JSON, or one name per line.
    #[arg(short = 'o', long, value_name = "yaml|json|name", default_value = "yaml", hide_possible_values = true)]
    output: Format,

    /// Write one file per object into this directory instead, and print the paths of the files.
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,

    /// Print documents of other kinds as well.
    #[arg(long)]
    pass_through: bool,

    /// All objects, all but Secrets, or Secrets alone.
    #[arg(long, value_name = "include|omit|only", default_value = "include", hide_possible_values = true)]
    secrets: Secrets,

    /// Leave out the annotations that keep Argo CD, Flux, Helm, kpt and kapp from deleting disks.
    #[arg(long)]
    no_keep_annotations: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A stream of YAML documents.
    Yaml,
    /// A Kubernetes List.
    Json,
    /// One name per line.
    Name,
}

impl Format {
    const fn format(self) -> output::Format {
        match self {
            Self::Yaml => output::Format::Yaml,
            Self::Json => output::Format::Json,
            Self::Name => output::Format::Name,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Secrets {
    /// All objects.
    Include,
    /// All objects but Secrets.
    Omit,
    /// Secrets alone.
    Only,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    if args.output_dir.is_some() && args.output == Format::Name {
        bail!("--output-dir prints the names of its files; use -o yaml or -o json with it");
    }
    let options = Options {
        no_keep_annotations: args.no_keep_annotations,
        others_wanted: args.pass_through,
        ..args.input.options()
    };
    let loaded = args.input.load(&options);
    terminal.report(&loaded.report, &loaded.sources);
    if !loaded.report.is_valid() {
        return Ok(Exit::BadFile);
    }
    match &args.output_dir {
        Some(path) => to_directory(args, &loaded, &options, path)?,
        None => to_stream(args, &loaded, &options, &mut BufWriter::new(io::stdout().lock()))?,
    }
    Ok(Exit::Done)
}

impl Args {
    /// Whether objects of a kind are wanted.
    fn wants(&self, kind: &str) -> bool {
        match self.secrets {
            Secrets::Include => true,
            Secrets::Omit => !is_secret(kind),
            Secrets::Only => is_secret(kind),
        }
    }

    /// The manifests of a machine that are wanted.
    fn manifests(&self, machine: &Machine, options: &Options) -> Vec<Manifest> {
        let mut manifests = render(machine, options);
        manifests.retain(|manifest| self.wants(manifest.kind.as_str()));
        manifests
    }

    fn others<'a>(&'a self, loaded: &'a Loaded) -> impl Iterator<Item = &'a Other> + 'a {
        loaded.others.iter().filter(|other| self.pass_through && self.wants(&other.kind))
    }
}

/// Other documents may spell the kind as they like, and may be lists of Secrets.
fn is_secret(kind: &str) -> bool {
    ["secret", "secretlist"].iter().any(|secret| kind.eq_ignore_ascii_case(secret))
}

/// Whether a text means the same without what stood around it: a directive above it, or line breaks that its last value
/// keeps.
fn stands_alone(text: &str, root: &Node) -> bool {
    let mut report = Report::default();
    let read = documents(0, text, &mut report);
    report.is_valid() && matches!(&read[..], [one] if kubectl_value(&one.root) == kubectl_value(root))
}

fn to_stream(args: &Args, loaded: &Loaded, options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let format = args.output.format();
    let mut stream = Stream::new(format, out)?;
    let parts = |machine: &Machine| {
        let manifests = args.manifests(machine, options);
        manifests.iter().map(|manifest| format.part(&manifest.object, Some(&manifest.purpose))).collect::<Vec<_>>()
    };
    // What the machines may need, a Namespace for one, comes first.
    for other in args.others(loaded) {
        stream.add(&match (format, other.text(&loaded.sources)) {
            // As it was written, with its comments.
            (output::Format::Yaml, Some(text)) if stands_alone(text.trim_end(), &other.root) => {
                format!("---\n{}\n", text.trim_end())
            }
            _ => format.part(&kubectl_value(&other.root), None),
        })?;
    }
    in_order(&loaded.machines, parts, |parts| parts.iter().try_for_each(|part| stream.add(part)))?;
    stream.end()?;
    Ok(())
}

fn to_directory(args: &Args, loaded: &Loaded, options: &Options, path: &Path) -> anyhow::Result<()> {
    let extension = if args.output == Format::Json { "json" } else { "yaml" };
    let mut taken = HashSet::new();
    let mut name = |object: &Value| {
        let part = |value: &Value| value.as_str().map(str::to_owned);
        let (kind, metadata) = (part(&object["kind"]).unwrap_or_default(), &object["metadata"]);
        let (namespace, name) = (part(&metadata["namespace"]), part(&metadata["name"]).unwrap_or_default());
        let unnamed = namespace.is_none() && !metadata["namespace"].is_null();
        match output::file_name(namespace.as_deref(), &kind, &name, extension).filter(|_| !unnamed) {
            None => bail!("the {kind} `{name}` has a name that is no file name; leave it out of --output-dir"),
            Some(file) if !taken.insert(file.clone()) => bail!("two objects would be written to {file}"),
            Some(file) => Ok(file),
        }
    };
    // All names come first, so that nothing is written if one of them cannot be.
    let others: Vec<_> = args.others(loaded).map(|other| kubectl_value(&other.root)).collect();
    let manifests = || loaded.machines.iter().flat_map(|machine| args.manifests(machine, options));
    let mut names = others.iter().map(&mut name).collect::<anyhow::Result<Vec<_>>>()?;
    for manifest in manifests() {
        names.push(name(&manifest.object)?);
    }
    let directory = Directory::open(path)?;
    let mut names = names.into_iter();
    let mut out = io::stdout().lock();
    let mut write = |object: &Value, purpose: Option<&str>| -> anyhow::Result<()> {
        let text = match args.output {
            Format::Json => output::json(object),
            Format::Yaml | Format::Name => output::Format::Yaml.part(object, purpose),
        };
        let secret = object["kind"].as_str().is_some_and(is_secret);
        let path = directory.write(&names.next().unwrap_or_default(), &text, secret)?;
        writeln!(out, "{}", path.display())?;
        Ok(())
    };
    for object in &others {
        write(object, None)?;
    }
    for manifest in manifests() {
        write(&manifest.object, Some(&manifest.purpose))?;
    }
    directory.sync();
    Ok(())
}
