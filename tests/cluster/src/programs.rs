//! Builds the components from Go modules, once for each content of their folders.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::progress::{Progress, say};
use crate::versions::{Set, folder};

/// A component: a folder under `go/`, and what is built in it.
struct Component {
    name: &'static str,
    /// The last arguments of `go build`: folders are programs of ours with their name, `tool` is what `go.mod` lists.
    packages: &'static [&'static str],
    /// What a person waits for.
    about: &'static str,
}

/// Where two modules use a library, they name the same version of it, so that Go compiles it once for both.
const COMPONENTS: [Component; 4] = [
    Component { name: LIFELINE, packages: &["."], about: "what ends programs with the tests" },
    Component { name: "kubernetes", packages: &["."], about: "etcd, kube-apiserver, controller-manager, scheduler" },
    Component {
        name: "virt",
        packages: &["./kubevirt", "./cdi"],
        about: "virt-api, virt-controller, cdi-apiserver, cdi-controller",
    },
    Component { name: "local-path", packages: &["tool"], about: "local-path-provisioner" },
];

/// Programs of other projects that tests run beside this one; each is built when the first test asks for it.
const TOOLS: [Component; 3] = [
    Component { name: "helm", packages: &["tool"], about: "what installs charts" },
    Component { name: "krew", packages: &["tool"], about: "what installs plugins of kubectl, and what checks them" },
    Component { name: "kustomize", packages: &["tool"], about: "what builds overlays" },
];

/// The folder with the programs of a tool of `TOOLS`, under `target` (the folder `target` of a Cargo build).
pub fn tool(name: &str, target: &Path) -> Result<PathBuf> {
    let component = TOOLS.iter().find(|tool| tool.name == name).with_context(|| format!("no tool is called {name}"))?;
    let home = target.join("cluster");
    let _one = lock(&home)?;
    let set = Set::Default;
    let go = go_version()?;
    let mut all = Programs { folders: Vec::new() };
    for component in [&COMPONENTS[0], component] {
        let done = home.join("programs").join(component.folder(set, &go)?);
        if !done.exists() {
            let progress = Progress::start(format!("building {} ({})", component.name, component.about));
            build(component, set, &home, &done, &all)?;
            progress.end();
        }
        all.folders.push((component.name, done));
    }
    Ok(all.path(name, ""))
}

/// The first component: it ends the builds of the others, and later the others themselves, if this process ends.
const LIFELINE: &str = "lifeline";

/// The built programs of a set.
pub(crate) struct Programs {
    folders: Vec<(&'static str, PathBuf)>,
}

impl Programs {
    /// Builds what is not there yet into `target`, and removes what no set needs any more. Needs `go` on the PATH and,
    /// for the first time, a Go module proxy. Whoever calls it holds the lock of `target`.
    pub(crate) fn build(set: Set, target: &Path) -> Result<Self> {
        let go = go_version()?;
        let programs = target.join("programs");
        fs::create_dir_all(&programs).with_context(|| programs.display().to_string())?;
        let mut all = Self { folders: Vec::new() };
        let mut next: Option<Child> = None;
        for (index, component) in COMPONENTS.iter().enumerate() {
            let done = programs.join(component.folder(set, &go)?);
            if !done.exists() {
                let (name, about, count) = (component.name, component.about, COMPONENTS.len());
                let progress = Progress::start(format!("building {name} ({about}, {} of {count})", index + 1));
                if let Some(mut ahead) = next.take() {
                    // Its standard input stays open meanwhile: closing it ends the download.
                    let lifeline = ahead.stdin.take();
                    ahead.wait()?;
                    drop(lifeline);
                }
                let after = COMPONENTS.get(index + 1).filter(|_| name != LIFELINE);
                next = after.and_then(|after| fetch(after, set, target, &all));
                build(component, set, target, &done, &all)?;
                progress.end();
            }
            all.folders.push((component.name, done));
        }
        Self::remove_others(&programs, &go)?;
        Ok(all)
    }

    /// Where a program of a component lies.
    pub(crate) fn path(&self, component: &str, program: &str) -> PathBuf {
        let folder = self.folders.iter().find(|(name, _)| *name == component).map(|(_, folder)| folder.as_path());
        // Starting an unknown component fails, and names it.
        folder.unwrap_or(Path::new(component)).join(program)
    }

    /// The program that runs the others: it ends them when its standard input closes.
    pub(crate) fn lifeline(&self) -> PathBuf {
        self.path(LIFELINE, LIFELINE)
    }

    /// Programs of older contents, and parts of builds that were interrupted.
    fn remove_others(programs: &Path, go: &str) -> Result<()> {
        let mut wanted = Vec::new();
        for component in COMPONENTS.iter().chain(&TOOLS) {
            for set in [Set::Default, Set::Other] {
                wanted.push(component.folder(set, go)?);
            }
        }
        for entry in fs::read_dir(programs)?.flatten() {
            if wanted.iter().all(|name| entry.file_name() != name.as_str()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }
}

/// The version of Go, or why there is none.
pub fn go_version() -> Result<String> {
    let hint = "`go` is not on the PATH; install Go 1.26 or later from https://go.dev/dl";
    let output = Command::new("go").arg("version").output().context(hint)?;
    if !output.status.success() {
        bail!("`go version` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Component {
    /// The name of its folder, which changes with everything that decides what is built.
    fn folder(&self, set: Set, go: &str) -> Result<String> {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        };
        add(go.as_bytes());
        let arguments = self.arguments(set)?;
        for argument in arguments.iter().map(String::as_str).chain(self.packages.iter().copied()) {
            add(argument.as_bytes());
        }
        for variable in ["GOFLAGS", "GOOS", "GOARCH", "GOAMD64", "GOEXPERIMENT"] {
            add(env::var_os(variable).unwrap_or_default().as_encoded_bytes());
        }
        for path in files(&folder(self.name))? {
            let module = path.extension().is_some_and(|kind| kind == "mod" || kind == "sum");
            let of_another_set = module
                && path.starts_with(folder(self.name))
                && path.with_extension("mod").file_name().is_some_and(|file| file != set.module_file(self.name));
            if !of_another_set {
                add(path.as_os_str().as_encoded_bytes());
                add(&fs::read(&path)?);
            }
        }
        let digest: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{}-{digest}", self.name))
    }

    /// The arguments of `go`, but for the place of the result.
    fn arguments(&self, set: Set) -> Result<Vec<String>> {
        let mut link = "-s -w".to_owned();
        if self.name == "kubernetes" {
            // kubectl refuses to read the version of a server that was built without one.
            let version = set.kubernetes()?;
            let mut numbers = version.trim_start_matches('v').split('.');
            let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
            for (name, value) in [("gitVersion", version.as_str()), ("gitMajor", major), ("gitMinor", minor)] {
                link.push_str(&format!(" -X k8s.io/component-base/version.{name}={value}"));
            }
        }
        let module = format!("-modfile={}", set.module_file(self.name));
        let fixed = [
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-mod=readonly",
            // Neither debug information nor inlining saves a quarter of the compiler's time. The standard library is
            // small, and where the programs spend most of theirs.
            "-gcflags=all=-dwarf=false -l",
            "-gcflags=std=-dwarf=false",
            &module,
            &format!("-ldflags={link}"),
        ];
        // The other KubeVirt is older, and lacks some kinds.
        let tags = (set == Set::Other).then_some("-tags=older");
        Ok(fixed.into_iter().chain(tags).map(str::to_owned).collect())
    }
}

/// All files below a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() { all.extend(files(&path)?) } else { all.push(path) }
    }
    all.sort();
    Ok(all)
}

/// `go` in the folder of a component. It ends when its standard input is closed.
fn go(component: &Component, target: &Path, built: &Programs) -> Command {
    let mut command = if component.name == LIFELINE {
        Command::new("go")
    } else {
        let mut command = Command::new(built.lifeline());
        command.arg("go");
        command
    };
    // The compiler of Go has memory enough here: collecting less often saves a tenth of its time.
    command.envs([("GOGC", "off"), ("GOMEMLIMIT", "2GiB")]);
    // No part needs C, and a C compiler may be missing.
    command.envs([("GOWORK", "off"), ("CGO_ENABLED", "0")]);
    // Nothing is left outside the target folder, unless the user shares caches between clones.
    for (variable, name) in [("GOCACHE", "build"), ("GOMODCACHE", "modules")] {
        if env::var_os(variable).is_none() {
            command.env(variable, target.join("go").join(name));
        }
    }
    // Modules are read-only by default, and `cargo clean` could not remove them.
    command.env("GOFLAGS", format!("{} -modcacherw", env::var("GOFLAGS").unwrap_or_default()));
    command.current_dir(folder(component.name));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn build(component: &Component, set: Set, target: &Path, done: &Path, built: &Programs) -> Result<()> {
    let parts = done.with_extension(format!("part-{}", std::process::id()));
    let _ = fs::remove_dir_all(&parts);
    fs::create_dir_all(&parts)?;
    let mut command = go(component, target, built);
    command.args(component.arguments(set)?).arg("-o").arg(parts.join("")).args(component.packages);
    let mut child = command.spawn().with_context(|| format!("`go build` of {} did not start", component.name))?;
    let lifeline = child.stdin.take();
    let output = child.wait_with_output()?;
    drop(lifeline);
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let said: Vec<_> = text.lines().filter(|line| !line.starts_with("go: downloading")).collect();
        bail!("`go build` of {} failed:\n{}", component.name, said.join("\n"));
    }
    fs::rename(&parts, done)?;
    Ok(())
}

/// Downloads what a component is made of, while another one is compiled. What fails here fails again in the build, and
/// is told there.
fn fetch(component: &Component, set: Set, target: &Path, built: &Programs) -> Option<Child> {
    let module = format!("-modfile={}", set.module_file(component.name));
    let mut command = go(component, target, built);
    command.args(["list", "-deps", "-mod=readonly", &module]).args(component.packages);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

/// Locks a folder for one process at a time, and says so when another one has it.
pub(crate) fn lock(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let path = folder.join("lock");
    let lock = File::create(&path).with_context(|| path.display().to_string())?;
    if lock.try_lock().is_err() {
        say("waiting for another run that builds the control planes\n");
        lock.lock()?;
    }
    Ok(lock)
}
