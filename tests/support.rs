//! Running the binary, and rendering a file in memory.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use wukong::{Input, Loaded, Manifest, Options, load, render};

/// The folder of this package.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary with a bare environment, so that nothing of the machine decides what it prints.
pub fn wukong<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-wukong"));
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// What a command printed, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the binary.
pub fn run(folder: &Path, args: &[&str]) -> Output {
    wukong(folder, args).output().unwrap()
}

/// Reads a text in memory.
pub fn read(text: &str, options: &Options) -> Loaded {
    load(vec![Input::new("test.yaml", text)], options)
}

/// The codes of all problems of a text.
pub fn codes(text: &str) -> Vec<&'static str> {
    read(text, &Options::default()).report.problems().iter().map(|problem| problem.code.as_str()).collect()
}

/// A machine with this spec, as YAML of two more spaces of indentation.
pub fn machine(spec: &str) -> String {
    format!(
        "apiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\nmetadata: {{name: web, namespace: prod}}\nspec:\n  cpu: 2\n  memory: 2Gi\n{spec}"
    )
}

/// Renders a text that must be valid.
pub fn manifests(text: &str) -> Vec<Manifest> {
    let options = Options::default();
    let loaded = read(text, &options);
    let errors: Vec<_> = loaded.report.problems().iter().map(|problem| problem.message.clone()).collect();
    assert!(loaded.report.is_valid(), "{errors:?}\n{text}");
    loaded.machines.iter().flat_map(|machine| render(machine, &options)).collect()
}

/// The object of this kind and name.
pub fn object(text: &str, kind: &str, name: &str) -> Value {
    let all = manifests(text);
    let names: Vec<_> = all.iter().map(|m| format!("{} {}", m.kind.as_str(), m.name)).collect();
    let found = all.into_iter().find(|manifest| manifest.kind.as_str() == kind && manifest.name == name);
    found.unwrap_or_else(|| panic!("no {kind} {name} among {names:?}")).object
}

/// The VirtualMachine of a machine called `web`.
pub fn vm(text: &str) -> Value {
    object(text, "VirtualMachine", "web-vm")
}

/// User or network data of a machine called `web`, decoded.
pub fn cloud_init(text: &str, key: &str) -> String {
    use base64::Engine as _;
    let secret = object(text, "Secret", "web-cloud-init");
    let data = secret["data"][key].as_str().unwrap_or_else(|| panic!("no {key} in {secret}"));
    self::text(&base64::engine::general_purpose::STANDARD.decode(data).unwrap())
}

/// A YAML text as the value that kubectl would read.
pub fn value(text: &str) -> Value {
    let mut report = wukong::Report::default();
    let documents = wukong::source::documents(0, text, &mut report);
    assert!(report.is_valid(), "{text}");
    wukong::source::kubectl_value(&documents[0].root)
}

/// Compares a text with a file, or writes the file if `WUKONG_BLESS` is set.
pub fn golden(path: &Path, actual: &str, problems: &mut Vec<String>) {
    if std::env::var_os("WUKONG_BLESS").is_some() {
        if actual.is_empty() {
            let _ = fs::remove_file(path);
        } else {
            fs::write(path, actual).unwrap();
        }
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected != actual {
        let shown = path.strip_prefix(root()).unwrap_or(path).display().to_string();
        let diff = similar::TextDiff::from_lines(expected.as_str(), actual);
        problems.push(format!("{}", diff.unified_diff().header(&shown, "now")));
    }
}

/// The entries of a folder, sorted.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = listing.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
