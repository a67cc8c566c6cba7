//! Programs that run as long as the cluster does, and not a moment longer.

use std::env;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::components::Component;

/// A running program. What runs it holds the other end of our pipe as standard input and ends when the pipe closes: when
/// this value is dropped, and also when this process is killed.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn start(lifeline: &Path, component: &Component, folder: &Path) -> Result<Self> {
        let name = component.name;
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log)?;
        let mut command = Command::new(lifeline);
        command.arg(&component.program).args(component.args()).current_dir(folder).env_clear();
        // The PATH is all that a component may take from the environment of the tests.
        command.envs(env::vars_os().filter(|(name, _)| name == "PATH"));
        // Temporary files go where everything else of this run is.
        let temporary = folder.join("tmp");
        fs::create_dir_all(&temporary)?;
        command.env("TMPDIR", temporary);
        // There is memory enough here: a quarter of their time would go into collecting garbage.
        command.envs([("GOGC", "400"), ("GOMEMLIMIT", "2GiB")]);
        command.envs(component.environment.iter().map(|(name, value)| (name, value)));
        let child = command
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("{name} could not be started: {}", component.program.display()))?;
        Ok(Self { name, child, log })
    }

    /// An error with the last words of the program if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n");
        bail!("{} ended ({status}); the end of {}:\n{end}", self.name, self.log.display());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports on 127.0.0.1 that nobody listens on.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    // All are held until all are known, so that they differ.
    let listeners: Vec<_> = (0..N).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<Result<_, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
