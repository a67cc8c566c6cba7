//! `kubectl wukong render`

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::bail;
use serde_json::Value;

use super::Exit;
use super::input::InputArgs;
use super::terminal::Terminal;
use super::write::Directory;
use crate::output;
use crate::render::{Kind, Manifest, render};
use crate::source::kubectl_value;
use crate::spec::Other;
use crate::text::yaml;
use crate::{Loaded, Options};

/// Print the manifests of Wukong files: offline, and the same bytes every time.
///
/// PersistentVolumeClaims, DataVolumes, a cloud-init Secret, NetworkAttachmentDefinitions and the VirtualMachine of
/// each file go to standard output, warnings to standard error. Nothing is printed if any file is invalid.
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
    let options = Options { no_keep_annotations: args.no_keep_annotations, ..args.input.options() };
    let loaded = args.input.load(&options, args.pass_through);
    terminal.report(&loaded.report, &loaded.sources);
    if !loaded.report.is_valid() {
        return Ok(Exit::BadFile);
    }
    match &args.output_dir {
        Some(path) => to_directory(args, &loaded, &options, &Directory::open(path)?)?,
        None => to_stream(args, &loaded, &options, &mut BufWriter::new(io::stdout().lock()))?,
    }
    Ok(Exit::Done)
}

impl Args {
    fn wants(&self, kind: &str) -> bool {
        match self.secrets {
            Secrets::Include => true,
            Secrets::Omit => kind != Kind::Secret.as_str(),
            Secrets::Only => kind == Kind::Secret.as_str(),
        }
    }

    /// The manifests of all machines, one machine at a time, so that ten thousand need no more memory than one.
    fn manifests<'a>(&'a self, loaded: &'a Loaded, options: &'a Options) -> impl Iterator<Item = Manifest> + 'a {
        let all = loaded.machines.iter().flat_map(move |machine| render(machine, options));
        all.filter(|manifest| self.wants(manifest.kind.as_str()))
    }

    fn others<'a>(&'a self, loaded: &'a Loaded) -> impl Iterator<Item = &'a Other> + 'a {
        loaded.others.iter().filter(|other| self.pass_through && self.wants(&other.kind))
    }
}

fn to_stream(args: &Args, loaded: &Loaded, options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    match args.output {
        Format::Yaml => {
            for manifest in args.manifests(loaded, options) {
                out.write_all(output::yaml::manifest(&manifest).as_bytes())?;
            }
            for other in args.others(loaded) {
                write!(out, "---\n{}", yaml(&kubectl_value(&other.root)))?;
            }
        }
        Format::Json => {
            let manifests = args.manifests(loaded, options).map(|manifest| manifest.object);
            let others = args.others(loaded).map(|other| kubectl_value(&other.root));
            output::json::write_list(manifests.chain(others), out)?;
        }
        Format::Name => {
            for manifest in args.manifests(loaded, options) {
                writeln!(out, "{}", output::name::line(&manifest))?;
            }
            for other in args.others(loaded) {
                writeln!(out, "{}", output::name::line_of(&kubectl_value(&other.root)))?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn to_directory(args: &Args, loaded: &Loaded, options: &Options, directory: &Directory) -> anyhow::Result<()> {
    let extension = if args.output == Format::Json { "json" } else { "yaml" };
    let mut taken = HashSet::new();
    let mut name = |namespace: Option<&str>, kind: &str, name: &str| match output::path::file_name(
        namespace, kind, name, extension,
    ) {
        None => bail!("the {kind} `{name}` has a name that is no file name; leave it out of --output-dir"),
        Some(file) if taken.contains(&file) => bail!("two objects would be written to {file}"),
        Some(file) => {
            taken.insert(file.clone());
            Ok(file)
        }
    };
    // Other documents have not been checked by anybody: their names come first, before anything is written.
    let mut others = Vec::new();
    for other in args.others(loaded) {
        let object = kubectl_value(&other.root);
        let part = |key: &str| object["metadata"][key].as_str().map(str::to_owned);
        let file = name(part("namespace").as_deref(), &other.kind, &part("name").unwrap_or_default())?;
        others.push((file, object));
    }
    let mut out = io::stdout().lock();
    let mut write = |file: &str, object: &Value, text: String| -> anyhow::Result<()> {
        let path = directory.write(file, &text, object["kind"] == Kind::Secret.as_str())?;
        writeln!(out, "{}", path.display())?;
        Ok(())
    };
    for manifest in args.manifests(loaded, options) {
        let file = name(manifest.namespace.as_deref(), manifest.kind.as_str(), &manifest.name)?;
        let text = match args.output {
            Format::Json => output::json::one(&manifest.object),
            Format::Yaml | Format::Name => output::yaml::manifest(&manifest),
        };
        write(&file, &manifest.object, text)?;
    }
    for (file, object) in &others {
        let text = if args.output == Format::Json { output::json::one(object) } else { yaml(object) };
        write(file, object, text)?;
    }
    directory.sync();
    Ok(())
}
