//! Waits until machines are where they were sent: one line for each machine and disk that moves in place on a terminal,
//! lines of what changed elsewhere.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use owo_colors::OwoColorize as _;
use serde_json::json;

use super::Exit;
use super::session::{Session, tell};
use super::terminal::Terminal;
use crate::cluster::{Arrival, arrival};
use crate::plan::{Line, Progress, Sent, State};
use crate::text::{command_line, sanitize};

/// Whether and how long to wait.
#[derive(Debug, clap::Args)]
pub(super) struct WaitArgs {
    /// Wait until machines run, or are stopped where they shall be, and disks are filled and grown.
    #[arg(long)]
    wait: bool,

    /// How long to wait; 0 means as long as it takes.
    #[arg(long, value_name = "DURATION", value_parser = super::access::duration, default_value = "15m")]
    timeout: Duration,
}

impl WaitArgs {
    /// Whether to wait at all.
    pub(super) const fn wanted(&self) -> bool {
        self.wait
    }
}

/// Waits for some machines.
pub(super) fn run(session: &Session, sent: &[Sent], args: &WaitArgs, json: bool, terminal: &Terminal) -> Exit {
    let mut screen = Screen::new(json, terminal);
    let mut late = Vec::new();
    let mut show = |all: &[(String, Progress)]| {
        late = sent.iter().zip(all).filter(|(_, (_, at))| at.state == State::Waiting).map(|(sent, _)| sent).collect();
        screen.show(all);
    };
    match session.runtime.block_on(arrival(&session.door, sent, args.timeout, &mut show)) {
        Ok(Arrival::There) => Exit::Done,
        Ok(Arrival::Failed) => Exit::Cluster,
        Ok(Arrival::TimedOut) => {
            let names: Vec<_> = late.iter().map(|sent| format!("{}/{}", sent.namespace, sent.shown)).collect();
            terminal.error(&format!("not there in time: {}; everything is applied, and goes on", names.join(", ")));
            for sent in late {
                let status = command_line("status", &[&sent.shown], &sent.namespace, "");
                terminal.help(&format!("`{status}` says what it waits for"));
            }
            terminal.help("--timeout waits longer; the same command again goes on waiting");
            Exit::TimedOut
        }
        Ok(Arrival::Interrupted) => {
            terminal.error("interrupted; everything is applied, and goes on");
            Exit::Interrupted
        }
        Err(refused) => tell(&refused, terminal),
    }
}

/// What a person sees meanwhile.
pub(super) struct Screen<'a> {
    terminal: &'a Terminal,
    json: bool,
    live: bool,
    /// Lines that are on the terminal now.
    drawn: usize,
    told: BTreeMap<(String, String, String), Line>,
}

impl<'a> Screen<'a> {
    pub(super) fn new(json: bool, terminal: &'a Terminal) -> Self {
        let live = !json && io::stderr().is_terminal();
        Self { terminal, json, live, drawn: 0, told: BTreeMap::new() }
    }

    pub(super) fn show(&mut self, all: &[(String, Progress)]) {
        if self.live {
            self.draw(all);
        } else {
            self.tell(all);
        }
    }

    /// Draws over what was drawn before. What is there already leaves the screen once it does not fit.
    fn draw(&mut self, all: &[(String, Progress)]) {
        let mut lines = Vec::new();
        for (namespace, progress) in all {
            for line in &progress.lines {
                let machine = progress.lines.first().map_or("", |line| line.what.as_str());
                let what =
                    if line.what == machine { format!("{namespace}/{machine}") } else { format!("  {}", line.what) };
                lines.push((line.state, format!("{what}: {}", line.detail)));
            }
        }
        let room =
            usize::from(terminal_size::terminal_size_of(io::stderr()).map_or(24, |(_, height)| height.0)).max(3) - 2;
        if lines.len() > room {
            lines.retain(|(state, _)| *state != State::Done);
        }
        let hidden = lines.len().saturating_sub(room);
        lines.truncate(room);
        let mut stderr = io::stderr().lock();
        // A terminal that went away needs no picture.
        if self.drawn > 0 {
            let _ = write!(stderr, "\x1b[{}A\x1b[J", self.drawn);
        }
        for (state, line) in &lines {
            let text: String = sanitize(line).chars().take(self.terminal.err_width.cells().saturating_sub(3)).collect();
            let (sign, style) = match state {
                State::Done => ("✓", self.terminal.err.help),
                State::Waiting => ("…", self.terminal.err.warning),
                State::Failed => ("✗", self.terminal.err.error),
            };
            let _ = writeln!(stderr, "{} {text}", sign.style(style));
        }
        if hidden > 0 {
            let _ = writeln!(stderr, "  and {hidden} more");
        }
        self.drawn = lines.len() + usize::from(hidden > 0);
    }

    /// Says what changed since the last time.
    fn tell(&mut self, all: &[(String, Progress)]) {
        for (namespace, progress) in all {
            let machine = progress.lines.first().map_or("", |line| line.what.as_str());
            for line in &progress.lines {
                let key = (namespace.clone(), machine.to_owned(), line.what.clone());
                if self.told.get(&key) == Some(line) {
                    continue;
                }
                let state = match line.state {
                    State::Done => "done",
                    State::Waiting => "waiting",
                    State::Failed => "failed",
                };
                // As above.
                let _ = if self.json {
                    let event = json!({
                        "type": "wait", "namespace": namespace, "machine": machine, "what": line.what,
                        "state": state, "detail": line.detail,
                    });
                    writeln!(io::stdout(), "{event}")
                } else {
                    let what = if line.what == machine { String::new() } else { format!(" {}", line.what) };
                    let text = format!("{state}: {namespace}/{machine}{what}: {}", line.detail);
                    writeln!(io::stderr(), "{}", sanitize(&text))
                };
                self.told.insert(key, line.clone());
            }
        }
    }
}
