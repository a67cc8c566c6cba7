//! `kubectl wukong snapshot list`

use std::io::{self, Write as _};

use crate::cli::Exit;
use crate::cli::access::AccessArgs;
use crate::cli::input::namespace;
use crate::cli::look::now;
use crate::cli::session::{Session, tell};
use crate::cli::target::Target as _;
use crate::cli::terminal::Terminal;
use crate::cluster::{Purpose, Wanted, fetch};
use crate::facts::kind;
use crate::output;
use crate::snapshot::views;
use crate::status::{subject, subjects};
use crate::text::{command_line, yaml};

/// List snapshots: how far, how consistent, what is in them, and who went back to them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong snapshot list
  kubectl wukong snapshot list web -o wide
  kubectl wukong snapshot list -A -o json")]
pub(super) struct Args {
    /// A Wukong, or `vm/NAME` for any VirtualMachine; all if none is named.
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// The namespace; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,

    /// Look into all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "name"])]
    all_namespaces: bool,

    /// For people, or for programs.
    #[arg(
        short = 'o',
        long,
        value_name = "table|wide|json|yaml",
        default_value = "table",
        hide_possible_values = true
    )]
    output: Format,

    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line for each snapshot.
    Table,
    /// With what is in it and who went back to it.
    Wide,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let own = args.namespace.clone().unwrap_or_else(|| session.door.namespace().to_owned());
    let namespaces = Some(own.clone()).filter(|_| !args.all_namespaces).into_iter().collect();
    let wanted = Wanted { namespaces, purpose: Purpose::Snapshots, ..Wanted::default() };
    let facts = match session.runtime.block_on(fetch(&session.door, &wanted)) {
        Ok(facts) => facts,
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    if let Some(unread) = facts.unknown(kind::SNAPSHOT, &own) {
        terminal.error(&unread.reason);
        return Ok(Exit::Cluster);
    }
    for gap in facts.gaps() {
        terminal.warning(&format!("not known: {}", gap.reason));
    }
    let named = args.name.as_ref().map(|name| subject(name, &own, &facts));
    let mut known = subjects(&facts, true);
    known.extend(named.clone());
    let all = views(&facts, named.as_ref(), &known, now());
    if let Some(named) = named.as_ref().filter(|named| {
        all.is_empty() && named.machine(&facts).is_none() && facts.unknown(kind::MACHINE, &own).is_none()
    }) {
        return Ok(named.missing(&facts, terminal));
    }
    let text = match args.output {
        Format::Json => output::json(&output::snapshots_json(&all)),
        Format::Yaml => yaml(&output::snapshots_json(&all)),
        Format::Table | Format::Wide if all.is_empty() => {
            let (of, name) = named.map_or_else(
                || (String::new(), "NAME".to_owned()),
                |one| (format!(" of {}", one.shown()), one.shown()),
            );
            let create = command_line("snapshot create", &[&name], &own, "");
            terminal.help(&format!("there are no snapshots{of}; `{create}` takes one"));
            String::new()
        }
        Format::Table | Format::Wide => {
            output::snapshots(&all, args.output == Format::Wide, args.all_namespaces, &terminal.out, terminal.out_width)
        }
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}
