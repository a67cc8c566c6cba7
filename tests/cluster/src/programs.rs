//! Builds the components from Go modules, once for each content of their folders.

use std::env;
use std::fs::{self, File};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::versions::{Set, folder};

/// A component: a folder under `go/`, and what is built in it.
struct Component {
    name: &'static str,
    /// The argument of `go build`.
    package: &'static str,
    /// What a person waits for.
    about: &'static str,
}

const COMPONENTS: [Component; 6] = [
    Component { name: "lifeline", package: "./run", about: "what ends programs with the tests" },
    Component { name: "kubernetes", package: ".", about: "etcd, kube-apiserver, controller-manager, scheduler" },
    Component { name: "kubevirt", package: ".", about: "virt-api, virt-controller" },
    Component { name: "cdi", package: ".", about: "cdi-apiserver, cdi-controller" },
    Component { name: "kwok", package: "tool", about: "simulated kubelets" },
    Component { name: "local-path", package: "tool", about: "local-path-provisioner" },
];

/// The built programs of a set.
pub(crate) struct Programs {
    folders: Vec<(&'static str, PathBuf)>,
}

impl Programs {
    /// Builds what is not there yet into `target`. Needs `go` on the PATH and, for the first time, a Go module proxy.
    pub(crate) fn build(set: Set, target: &Path) -> Result<Self> {
        let go = go_version()?;
        fs::create_dir_all(target)?;
        // Two test runs at once build once.
        let lock = File::create(target.join("lock"))?;
        lock.lock()?;
        let mut folders = Vec::new();
        for (index, component) in COMPONENTS.iter().enumerate() {
            let done = target.join("programs").join(format!("{}-{}", component.name, content(component, set, &go)?));
            if !done.exists() {
                let progress = Progress::start(format!(
                    "building {} ({}, {} of {})",
                    component.name,
                    component.about,
                    index + 1,
                    COMPONENTS.len()
                ));
                build(component, set, target, &done)?;
                progress.end();
            }
            folders.push((component.name, done));
        }
        Ok(Self { folders })
    }

    /// Where a program of a component lies.
    pub(crate) fn path(&self, component: &str, program: &str) -> PathBuf {
        let (_, folder) = self.folders.iter().find(|(name, _)| *name == component).unwrap_or(&self.folders[0]);
        folder.join(program)
    }
}

/// The version of Go, or why there is none.
pub fn go_version() -> Result<String> {
    let output = Command::new("go").arg("version").output().context("`go` is not on the PATH")?;
    if !output.status.success() {
        bail!("`go version` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A name for everything that decides what is built.
fn content(component: &Component, set: Set, go: &str) -> Result<String> {
    let mut hash = Sha256::new();
    for part in [go, component.package, set.module_file(component.name), &link_flags(component, set)?] {
        hash.update(part);
        hash.update([0]);
    }
    for name in [component.name, "lifeline"] {
        let mut files: Vec<_> = fs::read_dir(folder(name))?.collect::<Result<_, _>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        for file in files.iter().filter(|file| file.path().is_file()) {
            hash.update(file.file_name().as_encoded_bytes());
            hash.update(fs::read(file.path())?);
        }
    }
    Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

/// kubectl refuses to read the version of a server that was built without one.
fn link_flags(component: &Component, set: Set) -> Result<String> {
    if component.name != "kubernetes" {
        return Ok("-s -w".to_owned());
    }
    let version = set.kubernetes()?;
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let package = "k8s.io/component-base/version";
    Ok(format!("-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"))
}

fn build(component: &Component, set: Set, target: &Path, done: &Path) -> Result<()> {
    let parts = done.with_extension("part");
    let _ = fs::remove_dir_all(&parts);
    fs::create_dir_all(&parts)?;
    let mut go = Command::new("go");
    go.current_dir(folder(component.name))
        .args(["build", "-trimpath", "-buildvcs=false", "-mod=readonly"])
        .arg(format!("-modfile={}", set.module_file(component.name)))
        .arg(format!("-ldflags={}", link_flags(component, set)?))
        .arg("-o")
        .arg(parts.join(if component.package == "." { component.name } else { "" }))
        .arg(component.package)
        .env("GOWORK", "off")
        .stdin(Stdio::null());
    // Nothing is left outside the target folder, unless the user shares caches between clones.
    for (variable, name) in [("GOCACHE", "build"), ("GOMODCACHE", "modules")] {
        if env::var_os(variable).is_none() {
            go.env(variable, target.join("go").join(name));
        }
    }
    // Modules are read-only by default, and `cargo clean` could not remove them.
    go.env("GOFLAGS", format!("{} -modcacherw", env::var("GOFLAGS").unwrap_or_default()));
    let output = go.output().context("`go` could not be started")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let said: Vec<_> = text.lines().filter(|line| !line.starts_with("go: downloading")).collect();
        bail!("`go build` of {} failed:\n{}", component.name, said.join("\n"));
    }
    fs::rename(&parts, done)?;
    Ok(())
}

/// One line that tells what is being waited for, and for how long already.
struct Progress {
    text: String,
    since: Instant,
    stop: std::sync::mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Progress {
    fn start(text: String) -> Self {
        let (stop, stopped) = std::sync::mpsc::channel();
        let since = Instant::now();
        let line = text.clone();
        let terminal = std::io::stderr().is_terminal();
        if !terminal {
            say(&format!("{text}; up to 8 minutes the first time\n"));
        }
        let thread = thread::spawn(move || {
            while terminal && stopped.recv_timeout(Duration::from_secs(1)).is_err_and(|e| e == timeout()) {
                say(&format!("\r{line}, {} s ", since.elapsed().as_secs()));
            }
        });
        Self { text, since, stop, thread }
    }

    fn end(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
        let start = if std::io::stderr().is_terminal() { "\r" } else { "" };
        say(&format!("{start}{}: {} s\n", self.text, self.since.elapsed().as_secs()));
    }
}

fn timeout() -> std::sync::mpsc::RecvTimeoutError {
    std::sync::mpsc::RecvTimeoutError::Timeout
}

/// Prints to standard error at once; a closed one is no reason to fail.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stderr();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
