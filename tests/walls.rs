//! House rules that the compiler does not check: who may touch the outside, and how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{entries, root};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let (folders, files): (Vec<_>, Vec<_>) = entries(folder).into_iter().partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// The code of a file without comments and unit tests.
fn code(path: &Path) -> String {
    // Unit tests that have files of their own.
    if path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests") {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
    let text = text.split("#[cfg(test)]\n#[path").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_the_command_line_touches_the_outside() {
    for path in sources(&root().join("src")) {
        let inside = path.strip_prefix(root().join("src")).unwrap().to_owned();
        // What builds the library for C talks to Cargo, and its test reads the header.
        let built = inside == Path::new("capi/build.rs") || inside.starts_with("capi/tests");
        if inside.starts_with("cli") || inside == Path::new("main.rs") || built {
            continue;
        }
        // The way to a server is in the environment and in the files of a kubeconfig, and it takes time.
        let outside = ["std::env", "std::fs", "std::time", "anyhow::"];
        let outside = if inside.starts_with("cluster") { &[][..] } else { &outside };
        let words = ["std::net::Tcp", "std::process", "stdout()", "stderr()", "println!", "clap::"];
        for word in words.iter().chain(outside) {
            assert!(!code(&path).contains(word), "{} uses {word}", inside.display());
        }
    }
}

#[test]
fn only_one_room_knows_the_way_to_a_server() {
    for path in sources(&root().join("src")) {
        let inside = path.strip_prefix(root().join("src")).unwrap().to_owned();
        for word in ["kube::", "tokio::", "hyper_util::"] {
            let allowed = inside.starts_with("cluster");
            assert!(allowed || !code(&path).contains(word), "{} uses {word}", inside.display());
        }
    }
}

#[test]
fn exit_numbers_stand_in_one_file() {
    for path in sources(&root().join("src/cli")) {
        if path.ends_with("exit.rs") {
            continue;
        }
        for word in ["ExitCode::from(1", "ExitCode::from(2", "process::exit", "ExitCode::FAILURE"] {
            assert!(!code(&path).contains(word), "{} knows an exit number", path.display());
        }
    }
}

/// A room imports only from rooms above it. `source` and `diagnostic` share a wall, see `src/lib.rs`.
#[test]
fn no_arrow_runs_back_up() {
    const ROOMS: [&str; 26] = [
        "quantity",
        "text",
        "source",
        "diagnostic",
        "spec",
        "machine",
        "amend",
        "facts",
        "storage",
        "render",
        "plan",
        "adopt",
        "status",
        "locate",
        "autoexpand",
        "migrate",
        "rescue",
        "snapshot",
        "export",
        "advice",
        "doctor",
        "output",
        "function",
        "embed",
        "cluster",
        "cli",
    ];
    for path in sources(&root().join("src")) {
        let inside = path.strip_prefix(root().join("src")).unwrap().to_owned();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let Some(at) = ROOMS.iter().position(|known| *known == room) else { continue };
        for (below, name) in ROOMS.iter().enumerate() {
            let wall = room == "source" && *name == "diagnostic";
            if below > at && !wall {
                assert!(!code(&path).contains(&format!("crate::{name}")), "{} imports {name}", inside.display());
            }
        }
    }
}

/// Without a namespace the command would act on the machine of the same name in the namespace of the context, so one
/// function makes every command that is proposed.
#[test]
fn commands_to_type_name_their_namespace() {
    // What is said of the whole cluster, of this program, or of no machine in particular.
    const FREE: [&str; 7] = ["doctor", "explain", "fn", "init", "man", "recover-node", "schema"];
    const PLAIN: [&str; 12] = [
        // The usage.
        "kubectl wukong migrate [OPTIONS] ",
        // The version.
        "kubectl wukong {}\", env!",
        "kubectl wukong --help",
        // The file that was written says its namespace.
        "kubectl wukong diff -f {file} --adopt",
        "kubectl wukong COMMAND --help",
        "kubectl wukong completion install",
        "kubectl wukong where-is-my-data pv/",
        "kubectl wukong migrate -A --from-node",
        "kubectl wukong status -A --all-vms",
        "kubectl wukong status --save-facts FILE",
        "kubectl wukong delete keeps what is not named",
        "kubectl wukong delete` keeps them",
    ];
    // The function itself, and what a unit test draws.
    let apart = |path: &PathBuf| path.ends_with("text/shell.rs") || path.ends_with("picture/sample.rs");
    for path in sources(&root().join("src")).into_iter().filter(|path| !apart(path)) {
        let code = code(&path);
        // The code itself is indented by four or more.
        let is_example = |line: &str| line.starts_with("  ") && !line.starts_with("   ");
        for line in code.lines().filter(|line| !is_example(line)) {
            for (at, start) in line.match_indices("kubectl wukong ") {
                let verb = line[at + start.len()..].split(|c: char| !c.is_ascii_lowercase() && c != '-').next();
                assert!(
                    FREE.contains(&verb.unwrap_or_default()) || PLAIN.iter().any(|plain| line[at..].starts_with(plain)),
                    "{} names no namespace; text::command_line makes a command that does: {}",
                    path.display(),
                    line.trim()
                );
            }
        }
    }
}

#[test]
fn files_are_about_one_thing() {
    for path in sources(&root().join("src")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines; find the second concept", path.display());
    }
}
