//! Completion in the shells themselves.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::programs::run;
use crate::support::{root, text, wukong};

/// A folder with the plugin, a script of its completion, and a PATH that begins there.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(shell: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        symlink(env!("CARGO_BIN_EXE_kubectl-wukong"), folder.path().join("kubectl-wukong"))?;
        let script = wukong(&root(), ["completion", shell]).output()?;
        fs::write(folder.path().join("script"), &script.stdout)?;
        fs::create_dir(folder.path().join("files"))?;
        for name in ["web.yaml", "notes.txt"] {
            fs::write(folder.path().join("files").join(name), "")?;
        }
        Ok(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A program in this folder.
    fn command(&self, program: &str) -> Result<Command> {
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let path = [self.path().to_owned()].into_iter().chain(std::env::split_paths(&rest));
        let mut command = Command::new(program);
        command.current_dir(self.path()).env("PATH", std::env::join_paths(path)?).env("HOME", self.path());
        command.env_remove("KUBECONFIG");
        Ok(command)
    }
}

/// What bash would insert after these words, as bash splits them.
fn bash_offers(home: &Home, words: &[&str]) -> Result<String> {
    let script = "source ./script; COMP_WORDS=(kubectl-wukong \"$@\"); COMP_CWORD=$#; COMP_TYPE=9; _kubectl_wukong; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    run(home.command("bash")?.args(["--norc", "-c", script, "bash"]).args(words))
}

/// Commands, flags, values that bash splits at `=`, and files.
pub fn in_bash() -> Result<()> {
    let home = Home::new("bash")?;
    let expect = |words: &[&str], expected: &str| -> Result<()> {
        let offered = bash_offers(&home, words)?;
        ensure!(offered.trim_end() == expected, "{words:?}: {offered:?}, not {expected:?}");
        Ok(())
    };
    expect(&["valid"], "validate")?;
    expect(&["render", "--output-d"], "--output-dir")?;
    expect(&["render", "--output", "=", "js"], "json")?;
    expect(&["render", "--output", "="], "yaml\njson\nname")?;
    expect(&["where-is-my-data", "--if", "node-l"], "node-lost=")?;
    expect(&["render", "-f", "files/"], "files/web.yaml")?;
    expect(&["status", "--facts", "files/n"], "files/notes.txt")?;
    expect(&["render", "--output-dir", "fil"], "files")?;
    expect(&["init", ""], "")
}

/// fish itself asks for what may come next.
pub fn in_fish() -> Result<()> {
    let home = Home::new("fish")?;
    let expect = |line: &str, expected: &str| -> Result<()> {
        let script = format!("source ./script; complete -C '{line}'");
        let mut fish = home.command("fish")?;
        let offered = run(fish.args(["--no-config", "-c", &script])).context("install fish: apt-get install fish")?;
        ensure!(offered.trim_end() == expected, "{line:?}: {offered:?}, not {expected:?}");
        Ok(())
    };
    let offered =
        run(home.command("fish")?.args(["--no-config", "-c", "source ./script; complete -C 'kubectl-wukong valid'"]))
            .context("install fish: apt-get install fish")?;
    ensure!(offered.starts_with("validate\t"), "{offered}");
    expect("kubectl-wukong render --output=js", "--output=json\tA Kubernetes List")?;
    expect("kubectl-wukong render --output-dir fil", "files/")?;
    expect("kubectl-wukong render -f files/", "files/web.yaml")?;
    expect("kubectl-wukong init ", "")
}

/// zsh with its line editor, in a terminal of its own: a key completes the line, another one writes it down.
pub fn in_zsh() -> Result<()> {
    const DRIVER: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'autoload -Uz compinit; compinit -u -d ./dump; source ./script; bindkey "^I" complete-word'
zpty -w shell 'note() { print -r -- "$BUFFER" > ./line.part; mv ./line.part ./line }; zle -N note; bindkey "^X" note'
zpty -w shell ': > ./ready'
until [[ -e ./ready ]]; do zpty -rt shell text || sleep 0.05; done
zpty -wn shell "$1"$'\t\x18'
until [[ -e ./line ]]; do zpty -rt shell text || sleep 0.05; done
zpty -d shell
print -r -- "$(<./line)"
"#;
    let home = Home::new("zsh")?;
    for (typed, expected) in [
        ("kubectl-wukong valid", "kubectl-wukong validate"),
        ("kubectl-wukong render --output=js", "kubectl-wukong render --output=json"),
        ("kubectl-wukong where-is-my-data --if node-l", "kubectl-wukong where-is-my-data --if node-lost="),
        ("kubectl-wukong render -f files/", "kubectl-wukong render -f files/web.yaml"),
        ("kubectl-wukong status --facts files/n", "kubectl-wukong status --facts files/notes.txt"),
    ] {
        let mut zsh = home.command("zsh")?;
        let line = run(zsh.args(["-f", "-c", DRIVER, "zsh", typed])).context("install zsh: apt-get install zsh")?;
        ensure!(line.trim_end() == expected, "{typed:?} becomes {line:?}, not {expected:?}");
        fs::remove_file(home.path().join("line"))?;
        fs::remove_file(home.path().join("ready"))?;
    }
    Ok(())
}

/// A server that takes a connection and says nothing keeps nobody waiting, and is not talked about.
pub fn without_an_answer() -> Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let server = format!("http://{}", silent.local_addr()?);
    for words in [["status", "-s", &server, ""], ["recover-node", "-s", &server, ""]] {
        let output = wukong(&root(), [&["__complete"], &words[..]].concat()).output()?;
        ensure!(text(&output.stdout) == ":4\n", "{words:?}: {}", text(&output.stdout));
        ensure!(output.stderr.is_empty() && output.status.success(), "{}", text(&output.stderr));
    }
    Ok(())
}

/// A file that is not ours stays as it is; ours is replaced.
pub fn installs_no_file_over_another() -> Result<()> {
    let home = Home::new("bash")?;
    let file = home.path().join("kubectl_complete-wukong");
    let install = || -> Result<i32> {
        let output = home.command("kubectl-wukong")?.args(["completion", "install"]).output()?;
        output.status.code().context("it was killed")
    };
    for foreign in ["#!/bin/sh\necho other\n", ""] {
        fs::write(&file, foreign)?;
        ensure!(install()? == 5, "it is written over");
        ensure!(fs::read_to_string(&file)? == foreign);
    }
    fs::remove_file(&file)?;
    symlink(home.path().join("files/notes.txt"), &file)?;
    ensure!(install()? == 5, "a link is followed");
    ensure!(fs::read(home.path().join("files/notes.txt"))?.is_empty());
    fs::remove_file(&file)?;
    ensure!(install()? == 0 && install()? == 0);
    let offered = run(home.command("kubectl_complete-wukong")?.arg("valid"))?;
    ensure!(offered.starts_with("validate\t"), "{offered}");
    Ok(())
}
