//! A journey as a person sees it: what is done, what is waited for and how long already, and what holds at its end.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Exit;
use super::moved;
use super::session::{Session, refuse, tell};
use super::terminal::Terminal;
use crate::cluster::{Begin, Heard, Travel, travel};
use crate::facts::{End, Facts, Journey};
use crate::migrate::{self, verify};
use crate::output;
use crate::status::Subject;
use crate::text::sanitize;

/// What every part of a journey needs.
pub(super) struct Road<'a> {
    pub session: &'a Session,
    pub target: &'a Subject,
    pub timeout: Duration,
    /// The file that gets the new claims.
    pub write: Option<&'a Path>,
    pub terminal: &'a Terminal,
}

/// Goes on with a journey.
pub(super) fn go(road: &Road<'_>, begin: Begin<'_>) -> Exit {
    let mut screen = Screen::new(road);
    let mut heard = |heard: Heard<'_>| screen.hear(heard);
    let Road { session, target, terminal, .. } = road;
    let went = session.runtime.block_on(travel(&session.door, target, begin, &migrate::next, road.timeout, &mut heard));
    screen.done();
    let again = target.command("migrate", "");
    match went {
        Ok(Travel::Ended(End::Done, journey, facts)) => arrived(road, &journey, &facts),
        Ok(Travel::Ended(End::Aborted, journey, _)) => {
            let word = if journey.back { "taken back" } else { "ended: somebody deleted the migration" };
            terminal.say(&format!("{}: the move is {word}\n", target.shown()));
            kept(road, &journey);
            Exit::Done
        }
        Ok(Travel::Stuck(refusal)) => {
            refuse(&refusal, terminal);
            Exit::Cluster
        }
        Ok(Travel::TimedOut(words)) => {
            terminal.error(&format!("not there in time, waiting for: {words}"));
            terminal.help(&format!("nothing is lost: `{again} --continue` waits on, --abort goes back"));
            Exit::TimedOut
        }
        Ok(Travel::Interrupted) => {
            terminal.error("interrupted; every step is recorded");
            terminal.help(&format!("`{again} --continue` goes on, --abort goes back"));
            Exit::Interrupted
        }
        Err(refused) => {
            let exit = tell(&refused, terminal);
            terminal.help(&format!("nothing is lost: `{again} --continue` goes on, --abort goes back"));
            exit
        }
    }
}

/// The report at the end.
pub(super) fn arrived(road: &Road<'_>, journey: &Journey, facts: &Facts) -> Exit {
    let Road { session, target, terminal, .. } = road;
    // Readiness and addresses follow a little later than the guest itself.
    let checks = session.runtime.block_on(async {
        let mut checks = verify(journey, facts, target);
        for _ in 0..SETTLES {
            if checks.iter().all(|check| !check.is_failed()) {
                break;
            }
            crate::cluster::rest().await;
            let wanted = crate::cluster::wanted_to_move([target.namespace.clone()].into());
            let Ok(facts) = crate::cluster::fetch(&session.door, &wanted).await else { break };
            checks = verify(journey, &facts, target);
        }
        checks
    });
    let failed = checks.iter().any(migrate::Check::is_failed);
    terminal.say(&format!("{}/{} has moved\n", target.namespace, target.shown()));
    terminal.say(&output::checklist(&checks, &terminal.out, terminal.out_width.cells()));
    let wrote = moved::file(road, journey);
    kept(road, journey);
    if failed { Exit::Cluster } else { wrote }
}

/// How often is looked again before a line of the report is a failure.
const SETTLES: u32 = 10;

/// What is kept, and what deletes it.
fn kept(road: &Road<'_>, journey: &Journey) {
    if journey.kept.is_empty() {
        return;
    }
    let claims: Vec<_> = journey.kept.iter().map(|kept| kept.claim.as_str()).collect();
    let target = road.target;
    road.terminal.say(&format!(
        "kept: {}\n  delete when you are sure: {}\n",
        sanitize(&claims.join(", ")),
        target.command("migrate", "--cleanup")
    ));
}

/// Deletes the claims that a person has confirmed, each with its UID.
pub(super) fn cleanup(road: &Road<'_>, confirmed: &[(String, String)]) -> Exit {
    let mut screen = Screen::new(road);
    let mut heard = |heard: Heard<'_>| screen.hear(heard);
    let Road { session, target, terminal, .. } = road;
    // Only what was shown as going is deleted, whatever may go meanwhile.
    let ask =
        |journey: &Journey, facts: &Facts, subject: &Subject| migrate::Left::next(journey, facts, subject, confirmed);
    let went = session.runtime.block_on(travel(&session.door, target, Begin::Recorded, &ask, road.timeout, &mut heard));
    screen.done();
    match went {
        Ok(Travel::Ended(_, journey, _)) => {
            let is_left = |claim: &str| journey.kept.iter().any(|kept| kept.claim == claim);
            let (left, gone): (Vec<_>, Vec<_>) =
                confirmed.iter().map(|(claim, _)| claim.as_str()).partition(|claim| is_left(claim));
            if !gone.is_empty() {
                terminal.say(&format!("deleted: {}\n", sanitize(&gone.join(", "))));
            }
            kept(road, &journey);
            if left.is_empty() {
                return Exit::Done;
            }
            terminal.error(&format!("not deleted, because it is needed by now: {}", left.join(", ")));
            terminal.help("the same command says why");
            Exit::Refused
        }
        Ok(Travel::Stuck(refusal)) => {
            refuse(&refusal, terminal);
            Exit::Cluster
        }
        Ok(Travel::TimedOut(words)) => {
            terminal.error(&format!("not done in time, waiting for: {words}"));
            Exit::TimedOut
        }
        Ok(Travel::Interrupted) => Exit::Interrupted,
        Err(refused) => tell(&refused, terminal),
    }
}

/// One line for each step, and one that moves in place for what is waited for.
struct Screen<'a> {
    terminal: &'a Terminal,
    name: String,
    live: bool,
    begun: Instant,
    drawn: bool,
    told: String,
}

impl<'a> Screen<'a> {
    fn new(road: &Road<'a>) -> Self {
        let live = io::stderr().is_terminal();
        Self {
            terminal: road.terminal,
            name: road.target.shown(),
            live,
            begun: Instant::now(),
            drawn: false,
            told: String::new(),
        }
    }

    fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Step(words) => {
                self.done();
                self.terminal.progress(&self.name, words);
                self.told.clear();
            }
            Heard::Wait(words) if self.live => {
                self.done();
                let elapsed = self.begun.elapsed().as_secs();
                let line = format!("… {} ({}:{:02})", sanitize(words), elapsed / 60, elapsed % 60);
                let line: String = line.chars().take(self.terminal.err_width.cells().saturating_sub(1)).collect();
                // A terminal that went away needs no picture.
                let _ = write!(io::stderr(), "{line}");
                let _ = io::stderr().flush();
                self.drawn = true;
            }
            Heard::Wait(words) => {
                if self.told != words {
                    self.terminal.progress(&self.name, words);
                    words.clone_into(&mut self.told);
                }
            }
        }
    }

    /// Takes the line that moves away.
    fn done(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.drawn = false;
        }
    }
}
