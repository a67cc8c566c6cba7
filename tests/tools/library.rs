//! libwukong from C, C++, Python and Go, as its users have it: installed, found by pkg-config, loaded.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::programs::{installed as program, run, target};
use crate::support::{root, text};

/// Where the library is installed, once for all tests.
fn installed() -> Result<&'static Path> {
    static PREFIX: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let install = || -> Result<PathBuf> {
        let prefix = target().join("library");
        let _ = fs::remove_dir_all(&prefix);
        let mut command = Command::new(root().join("src/capi/install.sh"));
        command.arg(&prefix).arg("dev").env("CARGO_TARGET_DIR", target());
        run(&mut command)?;
        Ok(prefix)
    };
    let prefix = PREFIX.get_or_init(|| install().map_err(|error| format!("{error:#}")));
    prefix.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// The flags that pkg-config gives to compilers.
fn flags(prefix: &Path, options: &[&str]) -> Result<Vec<String>> {
    let mut command = program("pkg-config", "pkg-config")?;
    command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(options).args(["--cflags", "--libs", "wukong"]);
    Ok(run(&mut command)?.split_whitespace().map(str::to_owned).collect())
}

/// Compiles a program against what is installed.
fn compiled(compiler: &str, source: &str) -> Result<PathBuf> {
    compiled_from(compiler, &root().join("tests/tools/library").join(source))
}

fn compiled_from(compiler: &str, source: &Path) -> Result<PathBuf> {
    let prefix = installed()?;
    let name = source.file_name().context("no name")?.to_string_lossy();
    let out = prefix.join(name.replace('.', "-"));
    let mut command = program(compiler, "build-essential")?;
    command.args(["-Wall", "-Wextra", "-Werror", "-g", "-pthread"]).arg("-o").arg(&out);
    command.arg(source).args(flags(prefix, &[])?);
    run(&mut command)?;
    Ok(out)
}

/// A file, and a cluster as it would be after an apply.
fn texts() -> Result<(PathBuf, PathBuf)> {
    let folder = installed()?;
    let file = folder.join("web.yaml");
    let text = fs::read_to_string(root().join("examples/web.yaml"))?;
    fs::write(&file, &text)?;
    let machines = wukong::embed::render(&text, "{namespace: default}").json;
    let objects = serde_json::from_str::<Value>(&machines)?["items"].clone();
    let facts = json!({"kind": "WukongFacts", "version": 1, "whole": true, "time": 1_767_268_800, "objects": objects});
    let path = folder.join("facts.json");
    fs::write(&path, facts.to_string())?;
    Ok((file, path))
}

/// Under valgrind, where every error and every leak is a failure.
fn watched(binary: &Path) -> Result<Command> {
    let mut command = program("valgrind", "valgrind")?;
    command.args(["--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible"]);
    command.args(["--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=99"]);
    command.arg(binary).env("LD_LIBRARY_PATH", installed()?.join("lib"));
    Ok(command)
}

/// Every function, careless callers and eight threads: no leak, no invalid read, the manifests of the command line.
pub fn from_c() -> Result<()> {
    let binary = compiled("cc", "calls.c")?;
    let (file, facts) = texts()?;
    let printed = run(watched(&binary)?.arg(&file).arg(&facts))?;
    let answer: Value = serde_json::from_str(&printed)?;
    let shown = crate::support::run(&root(), &["render", "-f", "examples/web.yaml", "-o", "json"]);
    let list: Value = serde_json::from_slice(&shown.stdout)?;
    ensure!(
        answer["items"] == list["items"] && list["items"].as_array().is_some_and(|all| !all.is_empty()),
        "{answer}"
    );
    Ok(())
}

/// The program in the README is one, and prints what is said there.
pub fn from_the_readme() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let (_, rest) = readme.split_once("```c\n").context("no program in C")?;
    let (program, _) = rest.split_once("```").context("no end of the program")?;
    let path = installed()?.join("readme.c");
    fs::write(&path, program)?;
    let output = watched(&compiled_from("cc", &path)?)?.output()?;
    let answer: Value = serde_json::from_slice(&output.stdout).with_context(|| text(&output.stderr))?;
    ensure!(output.status.code() == Some(1) && answer["error"]["status"] == "bad-file", "{answer}");
    let problems = answer["error"]["problems"].as_array().context("no problems")?;
    let cpu = problems.iter().find(|problem| problem["code"] == "WK105").context("no WK105")?;
    ensure!(cpu["line"] == 3 && cpu["file"] == "web.yaml", "{cpu}");
    Ok(())
}

/// What watches the program above sees a leak where there is one.
pub fn leaks_are_seen() -> Result<()> {
    let binary = compiled("cc", "leaks.c")?;
    let output = watched(&binary)?.output()?;
    ensure!(output.status.code() == Some(99), "{}: {}", output.status, text(&output.stderr));
    Ok(())
}

pub fn from_cpp() -> Result<()> {
    let binary = compiled("c++", "plus.cpp")?;
    let printed = run(Command::new(binary).env("LD_LIBRARY_PATH", installed()?.join("lib")))?;
    ensure!(printed.trim() == wukong::embed::version().json, "{printed}");
    Ok(())
}

/// A program that carries the library in itself.
pub fn static_from_c() -> Result<()> {
    let prefix = installed()?;
    let out = prefix.join("static");
    let mut command = program("cc", "build-essential")?;
    command.arg(root().join("tests/tools/library/leaks.c")).arg("-o").arg(&out);
    for flag in flags(prefix, &["--static"])? {
        // `-static` alone would ask for a libc without shared parts.
        command.arg(if flag == "-lwukong" { "-l:libwukong.a" } else { &flag });
    }
    run(&mut command)?;
    ensure!(run(&mut Command::new(&out))?.trim() == "0 {", "it ran without the library on its path");
    Ok(())
}

/// The example for Python names what the command line names, and tells problems with their places.
pub fn from_python() -> Result<()> {
    let library = installed()?.join("lib/libwukong.so.0");
    let example = root().join("examples/library/wukong.py");
    let call = |file: &str| -> Result<Command> {
        let mut command = program("python3", "python3")?;
        command.arg("-B").arg(&example).arg(&library).arg(root().join(file));
        Ok(command)
    };
    named(&run(&mut call("examples/web.yaml")?)?)?;
    let refused = call("examples/invalid/quantities.yaml")?.output()?;
    let told = text(&refused.stderr);
    ensure!(refused.status.code() == Some(3) && told.contains("quantities.yaml:7: WK105"), "{told}");
    // Every other function, and threads.
    let (file, facts) = texts()?;
    let script = root().join("tests/tools/library/calls.py");
    let mut command = program("python3", "python3")?;
    command.arg("-B").arg(script).arg(&library).arg(file).arg(facts);
    command.env("PYTHONPATH", root().join("examples/library"));
    run(&mut command)?;
    Ok(())
}

/// The example for Go, through cgo.
pub fn from_go() -> Result<()> {
    let prefix = installed()?;
    let mut command = program("go", "golang")?;
    command.args(["run", "examples/library/main.go", "examples/web.yaml"]).current_dir(root());
    command.envs([("CGO_ENABLED", "1"), ("GOWORK", "off"), ("GO111MODULE", "off")]);
    command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).env("LD_LIBRARY_PATH", prefix.join("lib"));
    // Nothing is left outside of the target folder, unless the user shares the cache.
    if std::env::var_os("GOCACHE").is_none() {
        command.env("GOCACHE", target().join("cluster/go/build"));
    }
    named(&run(&mut command)?)
}

/// Whether a program named each object of `examples/web.yaml`.
fn named(printed: &str) -> Result<()> {
    let shown = crate::support::run(&root(), &["render", "-f", "examples/web.yaml", "-o", "json"]);
    let list: Value = serde_json::from_slice(&shown.stdout)?;
    let name = |item: &Value| Some(format!("{}/{}", item["kind"].as_str()?, item["metadata"]["name"].as_str()?));
    let wanted: Option<Vec<_>> = list["items"].as_array().context("no items")?.iter().map(name).collect();
    ensure!(Some(printed.lines().map(str::to_owned).collect()) == wanted, "{printed}");
    Ok(())
}

/// The library exports what is written down and nothing else, under a name with the number of its ABI.
pub fn exports_what_is_written_down() -> Result<()> {
    let library = installed()?.join("lib/libwukong.so");
    let listed = run(program("nm", "binutils")?.args(["-D", "--defined-only"]).arg(&library))?;
    let exported: BTreeSet<_> = listed.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let known = fs::read_to_string(root().join("src/capi/symbols.txt"))?;
    let known: BTreeSet<_> = known.lines().collect();
    ensure!(exported == known, "exported {exported:?}, in src/capi/symbols.txt {known:?}");
    let header = fs::read_to_string(installed()?.join("include/wukong.h"))?;
    let missing: Vec<_> = known.iter().filter(|name| !header.contains(&format!("{name}("))).collect();
    ensure!(missing.is_empty(), "not in wukong.h: {missing:?}");
    let dynamic = run(program("readelf", "binutils")?.arg("-d").arg(&library))?;
    ensure!(dynamic.contains("[libwukong.so.0]"), "{dynamic}");
    Ok(())
}
