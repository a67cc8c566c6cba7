//! krew: the archive of a release is built, checked by krew's own program, installed by krew, and run by kubectl.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, ensure};

use crate::programs::{built, run, target};
use crate::support::{self, root, text};

const ARCHIVE: &str = "kubectl-wukong-linux-amd64.tar.gz";

/// Serves the files of a folder until the tests end.
fn serve(folder: PathBuf) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = String::new();
            let mut lines = BufReader::new(&stream);
            while lines.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
            let body = fs::read(folder.join(path)).unwrap_or_default();
            let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            // Whoever asked sees what is missing.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    Ok(address)
}

/// Packs the archive for this machine, whose release lies at an address.
fn pack(out: &Path, address: SocketAddr) -> Result<()> {
    let mut package = Command::new(root().join("krew/package.sh"));
    package
        .arg("linux-amd64")
        .env("OUT", out)
        .env("MANIFEST", out.join("wukong.yaml"))
        .env("URI", format!("http://{address}"));
    // What Cargo tells a test is not for another run of Cargo, which would build everything anew.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" {
            package.env_remove(name);
        }
    }
    package.env("CARGO_TARGET_DIR", target());
    run(&mut package).map(|_| ())
}

/// A PATH that begins with some folders.
fn path(first: &[&Path]) -> Result<OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let first = first.iter().map(|folder| folder.to_path_buf());
    Ok(env::join_paths(first.chain(env::split_paths(&rest)))?)
}

/// Whether an ELF program asks for another program that loads its libraries: then it needs a libc.
fn needs_a_loader(program: &[u8]) -> Result<bool> {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, bytes: usize| -> Result<u64> {
        let field = program.get(at..at + bytes).context("the program is cut off")?;
        Ok(field.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    // Source: elf(5); the fields of a 64-bit header and of its segments.
    ensure!(program.starts_with(b"\x7fELF\x02\x01"), "it is no 64-bit ELF program");
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for segment in 0..count {
        if number(usize::try_from(table + segment * size)?, 4)? == u64::from(INTERPRETER) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// From the sources to a machine that is rendered by what krew installed.
pub fn installs_the_archive() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let (out, again, bin, home) = (folder.join("out"), folder.join("again"), folder.join("bin"), folder.join("krew"));
    let address = serve(out.clone())?;
    pack(&out, address)?;
    pack(&again, address)?;
    for name in [ARCHIVE, &format!("{ARCHIVE}.sha256"), "wukong.yaml"] {
        ensure!(fs::read(out.join(name))? == fs::read(again.join(name))?, "two packs of {name} differ");
    }
    let listed =
        run(Command::new("tar").args(["--list", "--verbose", "--numeric-owner", "--file"]).arg(out.join(ARCHIVE)))?;
    ensure!(listed.lines().count() == 2 && listed.lines().all(|line| line.contains(" 0/0 ")), "{listed}");

    fs::create_dir(&bin)?;
    symlink(built("krew", "krew")?, bin.join("kubectl-krew"))?;
    let manifest = out.join("wukong.yaml");
    let mut validate = Command::new(built("krew", "validate-krew-manifest")?);
    run(validate.arg("-manifest").arg(&manifest).env("PATH", path(&[&bin])?))?;

    let installed = home.join("bin");
    let kubectl = |args: &[&str]| -> Result<Command> {
        let mut kubectl = Command::new("kubectl");
        kubectl.args(args).current_dir(root()).env("KREW_ROOT", &home).env("PATH", path(&[&bin, &installed])?);
        Ok(kubectl)
    };
    let mut install = kubectl(&["krew", "install"])?;
    install.arg("--manifest").arg(&manifest).arg("--archive").arg(out.join(ARCHIVE));
    run(&mut install)?;

    let args = ["render", "-f", "examples/web.yaml", "-n", "prod"];
    let rendered = run(kubectl(&["wukong"])?.args(args))?;
    ensure!(rendered == text(&support::run(&root(), &args).stdout), "the archive renders something else:\n{rendered}");
    let program = fs::read(fs::canonicalize(installed.join("kubectl-wukong"))?)?;
    ensure!(!needs_a_loader(&program)?, "the program needs a libc");
    let own = root();
    let own = own.to_str().context("a path of another encoding")?.as_bytes();
    ensure!(!program.windows(own.len()).any(|window| window == own), "the program tells where it was built");

    run(&mut kubectl(&["wukong", "completion", "install"])?)?;
    let offered = run(&mut kubectl(&["__complete", "wukong", "valid"])?)?;
    ensure!(offered.starts_with("validate\t"), "{offered}");

    // An archive that was changed on its way is not installed.
    let mut changed = fs::read(out.join(ARCHIVE))?;
    changed.push(0);
    fs::write(out.join(ARCHIVE), changed)?;
    let other = folder.join("other");
    let mut install = kubectl(&["krew", "install", "--manifest"])?;
    install.arg(&manifest).arg("--archive").arg(out.join(ARCHIVE)).env("KREW_ROOT", &other);
    ensure!(run(&mut install).is_err() && !other.join("bin/kubectl-wukong").exists(), "the checksum is not looked at");
    Ok(())
}

/// What the release workflow calls is there, and every platform that the README names is built.
pub fn the_release_workflow_calls_what_exists() -> Result<()> {
    let workflow = fs::read_to_string(root().join(".github/workflows/release.yaml"))?;
    let document = support::value(&workflow);
    ensure!(document.pointer("/on/push/tags").is_some(), "it does not run on tags");
    let jobs = document["jobs"].as_object().context("no jobs")?;
    let steps = jobs.values().filter_map(|job| job["steps"].as_array()).flatten();
    let commands: String = steps.filter_map(|step| step["run"].as_str()).map(|run| format!("{run}\n")).collect();
    let mut scripts: Vec<_> = commands.split_whitespace().filter(|word| word.starts_with("krew/")).collect();
    scripts.dedup();
    ensure!(scripts == ["krew/package.sh"], "{scripts:?}");
    run(Command::new("bash").arg("-n").arg(root().join(scripts[0])))?;
    let refused = run(Command::new(root().join(scripts[0])).arg("plan9-amd64")).err().map(|error| error.to_string());
    let refused = refused.context("a platform that does not exist is built")?;
    for platform in
        ["linux", "darwin", "windows"].iter().flat_map(|os| ["amd64", "arm64"].map(|arch| format!("{os}-{arch}")))
    {
        ensure!(refused.contains(&platform), "{platform} cannot be built: {refused}");
        ensure!(
            commands.split_whitespace().filter(|word| *word == platform).count() == 1,
            "{platform} is not built once"
        );
    }
    Ok(())
}
