//! One line that tells what is being waited for, and for how long already.

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A line that grows older until it ends. On a terminal it counts seconds.
pub(crate) struct Progress {
    text: String,
    since: Instant,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    pub(crate) fn start(text: String) -> Self {
        let (stop, stopped) = channel();
        let since = Instant::now();
        let line = text.clone();
        let terminal = std::io::stderr().is_terminal();
        if !terminal {
            say(&format!("{text}; minutes the first time\n"));
        }
        let thread = thread::spawn(move || {
            while terminal && stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                say(&format!("\r{line}, {} s ", since.elapsed().as_secs()));
            }
        });
        Self { text, since, stop, thread }
    }

    pub(crate) fn end(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
        let start = if std::io::stderr().is_terminal() { "\r" } else { "" };
        say(&format!("{start}{}: {} s\n", self.text, self.since.elapsed().as_secs()));
    }
}

/// Prints to standard error at once; a closed one is no reason to fail.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stderr();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
