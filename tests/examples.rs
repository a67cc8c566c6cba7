//! Every example renders as its golden file says, is accepted by the JSON Schema, and the invalid ones are refused.

use std::fs;

use serde_json::Value;
use wukong::spec::{crd, json_schema, starter};

use crate::support::{entries, golden, root, run, text, value};

const FLAGS: [&str; 2] = ["--storage-policy", "fast=longhorn-ssd:ReadWriteMany:Block"];

#[test]
fn every_example_renders() {
    let mut problems = Vec::new();
    for path in entries(&root().join("examples")).iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let file = format!("examples/{name}");
        let output = run(&root(), &[&["render", "-f", &file], FLAGS.as_slice()].concat());
        assert!(output.status.success(), "{name}\n{}", text(&output.stderr));
        golden(&root().join("tests/rendered").join(name), &text(&output.stdout), &mut problems);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Many machines are rendered on all processors; the result is that of one after the other.
#[test]
fn many_machines_are_rendered_as_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let one = |n: usize| {
        fs::read_to_string(root().join("examples/web.yaml"))
            .unwrap()
            .replace("name: web\n", &format!("name: web-{n}\n"))
    };
    let all: Vec<_> = (0..300).map(one).collect();
    fs::write(folder.path().join("all.yaml"), all.join("---\n")).unwrap();
    let together = text(&run(folder.path(), &["render", "-f", "all.yaml"]).stdout);
    let options = wukong::Options::default();
    let loaded = wukong::load(vec![wukong::Input::new("all.yaml", all.join("---\n"))], &options);
    let apart: String = loaded
        .machines
        .iter()
        .flat_map(|machine| wukong::render(machine, &options))
        .map(|manifest| wukong::output::Format::Yaml.part(&manifest.object, Some(&manifest.purpose)))
        .collect();
    assert_eq!(loaded.machines.len(), 300);
    assert!(together == apart);
}

/// Colours are asked for, or there is a terminal; a pipe is none, and NO_COLOR and a dumb terminal want none.
#[test]
fn colours_only_on_request() {
    let args = ["validate", "-f", "examples/invalid/no-size.yaml"];
    let plain = |command: &mut std::process::Command| !command.output().unwrap().stderr.contains(&0x1b);
    assert!(plain(&mut crate::support::wukong(&root(), args)));
    assert!(plain(crate::support::wukong(&root(), args).env("NO_COLOR", "1").env("TERM", "dumb")));
    let always = ["validate", "--color=always", "-f", "examples/invalid/no-size.yaml"];
    assert!(!plain(crate::support::wukong(&root(), always).env("NO_COLOR", "1")));
}

#[test]
fn every_invalid_example_is_refused() {
    for path in entries(&root().join("examples/invalid")) {
        let output = run(&root(), &["render", "-f", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{}", path.display());
        assert!(output.stdout.is_empty());
    }
}

/// The documents of a file as kubectl reads them.
fn documents(path: &std::path::Path) -> Vec<Value> {
    let mut report = wukong::Report::default();
    let found = wukong::source::documents(0, &fs::read_to_string(path).unwrap(), &mut report);
    found.iter().map(|document| wukong::source::kubectl_value(&document.root)).collect()
}

#[test]
fn the_schema_accepts_every_example() {
    let validator = jsonschema::draft7::new(&json_schema()).unwrap();
    for path in entries(&root().join("examples")).iter().filter(|path| path.is_file()) {
        for document in documents(path) {
            let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        }
    }
    assert!(!validator.is_valid(&value(
        "apiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\nmetadata: {name: A}\nspec: {cpu: 1, memory: 1Gi}"
    )));
    assert!(!validator.is_valid(&value(
        "apiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\nmetadata: {name: a}\nspec: {cpus: 1, memory: 1Gi}"
    )));
}

/// A structural schema has a type at every level; the API server refuses anything else.
#[test]
fn the_crd_is_structural() {
    fn walk(schema: &Value, path: &str) {
        let open =
            schema["x-kubernetes-preserve-unknown-fields"] == true || schema["x-kubernetes-int-or-string"] == true;
        assert!(schema["type"].is_string() || open, "{path} has no type");
        for (key, field) in schema["properties"].as_object().into_iter().flatten() {
            walk(field, &format!("{path}.{key}"));
        }
        for inner in ["items", "additionalProperties"] {
            if schema[inner].is_object() {
                walk(&schema[inner], &format!("{path}[]"));
            }
        }
    }
    walk(&crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "");
}

#[test]
fn the_starter_file_renders_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["init", "web"]);
    assert_eq!(text(&output.stdout), starter("web"));
    fs::write(folder.path().join("web.yaml"), &output.stdout).unwrap();
    let rendered = run(folder.path(), &["render", "-f", "web.yaml"]);
    assert!(rendered.status.success() && rendered.stderr.is_empty(), "{}", text(&rendered.stderr));
    // What the comments offer must work as well.
    let mut inside = false;
    let uncommented: String = starter("web")
        .lines()
        .map(|line| {
            inside = line.starts_with("  # networks:") || inside && line.starts_with("  #");
            let line = if inside { line.replacen("# ", "", 1) } else { line.to_owned() };
            line + "\n"
        })
        .collect();
    fs::write(folder.path().join("more.yaml"), uncommented).unwrap();
    let rendered = run(folder.path(), &["render", "-f", "more.yaml"]);
    assert!(rendered.status.success() && rendered.stderr.is_empty(), "{}", text(&rendered.stderr));
    assert!(text(&rendered.stdout).contains("networkDataSecretRef"));
}
