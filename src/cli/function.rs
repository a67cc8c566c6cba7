//! `kubectl wukong fn`

use std::io::{self, Write as _};

use super::Exit;
use super::input::{namespace, standard_input};
use super::terminal::Terminal;
use crate::Options;
use crate::function::{Secrets, Settings, resource_list, stream};
use crate::machine::PolicyClass;
use crate::spec::StoragePolicy;

/// Render inside other programs: kustomize, kpt, Helm.
///
/// Reads a ResourceList from standard input and prints it with manifests in place of the Wukongs, and with every problem
/// as a result. A Wukong may be an item or the functionConfig; a ConfigMap as functionConfig holds settings: namespace,
/// storage-policy, secrets and keep-annotations. With --stream it is a stream of manifests instead, as Helm hands it to
/// a post-renderer.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kustomize build --enable-alpha-plugins --enable-exec .
  kpt fn eval machines --exec 'kubectl-wukong fn' -o unwrap -- namespace=prod
  helm template shop ./chart --post-renderer wukong
  cat manifests.yaml | kubectl wukong fn --stream")]
pub(super) struct Args {
    /// Read and print a stream of manifests instead of a ResourceList.
    #[arg(long)]
    stream: bool,

    /// The namespace of documents that name none.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,

    /// What a storage policy stands for, such as `fast=longhorn-ssd` or `fast=ceph:ReadWriteMany:Block`.
    #[arg(long = "storage-policy", value_name = "POLICY=CLASS", value_parser = Options::parse_policy)]
    storage_policies: Vec<(StoragePolicy, PolicyClass)>,

    /// All objects, all but Secrets, or Secrets alone; documents of others always stay.
    #[arg(long, value_name = "include|omit|only", default_value = "include", value_parser = secrets)]
    secrets: Secrets,

    /// Leave out the annotations that keep Argo CD, Flux, Helm, kpt and kapp from deleting disks.
    #[arg(long)]
    no_keep_annotations: bool,
}

fn secrets(word: &str) -> Result<Secrets, String> {
    Secrets::of(word).ok_or_else(|| "write include, omit or only".to_owned())
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let settings = Settings {
        options: Options {
            namespace: args.namespace.clone(),
            policies: args.storage_policies.clone(),
            no_keep_annotations: args.no_keep_annotations,
            ..Options::default()
        },
        secrets: args.secrets,
    };
    let input = match standard_input() {
        Ok(input) => input,
        Err(problem) => {
            terminal.error(&problem.message);
            return Ok(Exit::BadFile);
        }
    };
    let done = if args.stream { stream(input, &settings) } else { resource_list(input, &settings) };
    terminal.report(&done.report, &done.sources);
    if let Some(text) = &done.text {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
    }
    Ok(if done.report.is_valid() { Exit::Done } else { Exit::BadFile })
}
