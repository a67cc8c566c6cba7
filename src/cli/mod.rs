//! The command line: the only user of clap, the terminal and the file system.
//!
//! One file per command: its arguments, whose documentation is the help, and a thin adapter over the pure rooms.

mod access;
mod adopt;
mod apply;
mod autoexpand;
mod base;
mod cleanup;
mod complete;
mod completion;
mod confirm;
mod delete;
mod diff;
mod doctor;
mod early;
mod evacuate;
mod exit;
mod expand;
mod explain;
mod export;
mod fetched;
mod folder;
mod function;
mod init;
mod input;
mod locate;
mod look;
mod man;
mod migrate;
mod moved;
mod parallel;
mod recover;
mod render;
mod run;
mod schema;
mod session;
mod snapshot;
mod stage;
mod status;
mod target;
mod terminal;
mod travel;
mod validate;
mod wait;
mod write;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use exit::Exit;
use terminal::{ColorChoice, Terminal};

use crate::text::wrap;

/// One short file describes a virtual machine on KubeVirt.
#[derive(Debug, Parser)]
#[command(name = "kubectl wukong", bin_name = "kubectl wukong", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colours; `auto` respects NO_COLOR.
    #[arg(long, global = true, value_name = "auto|always|never", default_value = "auto", hide_possible_values = true)]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Render(render::Args),
    Validate(validate::Args),
    Schema(schema::Args),
    Explain(explain::Args),
    Init(init::Args),
    Diff(diff::Args),
    Apply(apply::Args),
    Start(run::StartArgs),
    Stop(run::StopArgs),
    Restart(run::RestartArgs),
    Expand(expand::Args),
    Adopt(adopt::Args),
    Delete(delete::Args),
    Status(status::Args),
    #[command(name = "where-is-my-data", visible_alias = "where")]
    Locate(locate::Args),
    Migrate(migrate::Args),
    RecoverNode(recover::Args),
    Doctor(doctor::Args),
    Snapshot(snapshot::Args),
    Export(export::Args),
    #[command(name = "fn")]
    Function(function::Args),
    Completion(completion::Args),
    /// Print the version.
    Version,
    Man(man::Args),
}

/// The groups of the help, and the commands in each.
const GROUPS: [(&str, &[&str]); 5] = [
    ("The file", &["render", "validate", "schema", "explain", "init"]),
    ("Change", &["diff", "apply", "start", "stop", "restart", "expand", "adopt", "delete"]),
    ("See", &["status", "where-is-my-data", "doctor"]),
    ("Move", &["migrate", "snapshot", "export", "recover-node"]),
    ("Embed", &["fn", "completion", "version", "man"]),
];

/// What the help says of them.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 invalid (validate), differences (diff), unhealthy \
    (status --exit-status) or broken (doctor), 2 wrong usage, 3 invalid Wukong file, 4 the cluster refused or was not \
    reached, 5 refused to keep data safe, 6 timed out, 130 interrupted.";

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    if let Some(words) = complete::asked(std::env::args_os()) {
        return complete::run(&words);
    }
    let command = command();
    let words = early::settle(&command, std::env::args_os().collect());
    let matches = match words.and_then(|words| command.try_get_matches_from(words)) {
        Ok(matches) => matches,
        Err(error) => {
            // A closed pipe is the only thing that can go wrong while printing help.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage.code() } else { Exit::Done.code() });
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let terminal = Terminal::new(cli.color);
    let result = match cli.command {
        Command::Render(args) => render::run(&args, &terminal),
        Command::Validate(args) => validate::run(&args, &terminal),
        Command::Schema(args) => schema::run(&args),
        Command::Explain(args) => explain::run(&args, &terminal),
        Command::Init(args) => init::run(&args, &terminal),
        Command::Diff(args) => reached(diff::run(&args, &terminal), &terminal),
        Command::Apply(args) => reached(apply::run(&args, &terminal), &terminal),
        Command::Start(args) => reached(run::start(&args, &terminal), &terminal),
        Command::Stop(args) => reached(run::stop(&args, &terminal), &terminal),
        Command::Restart(args) => reached(run::restart(&args, &terminal), &terminal),
        Command::Expand(args) => reached(expand::run(&args, &terminal), &terminal),
        Command::Adopt(args) => reached(adopt::run(&args, &terminal), &terminal),
        Command::Delete(args) => reached(delete::run(&args, &terminal), &terminal),
        Command::Status(args) => reached(status::run(&args, &terminal), &terminal),
        Command::Locate(args) => reached(locate::run(&args, &terminal), &terminal),
        Command::Migrate(args) => reached(migrate::run(&args, &terminal), &terminal),
        Command::RecoverNode(args) => reached(recover::run(&args, &terminal), &terminal),
        Command::Doctor(args) => reached(doctor::run(&args, &terminal), &terminal),
        Command::Snapshot(args) => reached(snapshot::run(&args, &terminal), &terminal),
        Command::Export(args) => reached(export::run(&args, &terminal), &terminal),
        Command::Function(args) => function::run(&args, &terminal),
        Command::Completion(args) => completion::run(&args, &terminal),
        Command::Version => version(),
        Command::Man(args) => man::run(&args, self::command()),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            terminal.error(&format!("{error:#}"));
            Exit::Usage.into()
        }
    }
}

/// A command that needs a cluster fails for want of one, unless it says something else.
fn reached(result: anyhow::Result<Exit>, terminal: &Terminal) -> anyhow::Result<Exit> {
    match result {
        Err(error) if !is_closed_pipe(&error) => {
            terminal.error(&format!("{error:#}"));
            Ok(if error.is::<write::Unwritable>() { Exit::Usage } else { Exit::Cluster })
        }
        other => other,
    }
}

fn version() -> anyhow::Result<Exit> {
    writeln!(io::stdout(), "kubectl wukong {}", env!("CARGO_PKG_VERSION"))?;
    Ok(Exit::Done)
}

/// The reader of our output went away, as `head` does: not an error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

/// The command, for the terminal that there is.
fn command() -> clap::Command {
    in_groups(Cli::command(), terminal::help_width())
}

/// A command with its help in groups, whose lines have at most `width` cells: what stands in a template, clap does not
/// fold.
fn in_groups(command: clap::Command, width: usize) -> clap::Command {
    let head = *command.get_styles().get_header();
    let longest = GROUPS.iter().flat_map(|(_, names)| *names).map(|name| name.len()).max().unwrap_or(0);
    let mut groups = String::new();
    for (title, names) in GROUPS {
        groups.push_str(&format!("{head}{title}:{head:#}\n"));
        for name in names {
            let about = command.find_subcommand(name).and_then(clap::Command::get_about);
            let about = wrap(&about.map(ToString::to_string).unwrap_or_default(), width, longest + 4);
            groups.push_str(&format!("  {name:<longest$}  {}\n", about.trim_start()));
        }
        groups.push('\n');
    }
    let codes = wrap(EXIT_CODES, width, 0);
    let template = format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{groups}{head}Options:{head:#}\n{{options}}\n\n{codes}\n\
         More about a command: kubectl wukong COMMAND --help\n"
    );
    command.help_template(template).term_width(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_fits_the_terminal() {
        for width in [60, 80, 100] {
            let help = in_groups(Cli::command(), width).render_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            let about =
                |name: &str| help.lines().find(|line| line.trim_start().starts_with(name)).unwrap().find("Show");
            assert_eq!(about("where-is-my-data"), about("status"));
            assert!(about("status").is_some());
        }
    }

    #[test]
    fn every_command_is_in_one_group() {
        let grouped: Vec<_> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let known: Vec<_> = Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        assert_eq!(known.len(), grouped.len());
        assert!(known.iter().all(|name| grouped.contains(&name.as_str())));
    }
}
