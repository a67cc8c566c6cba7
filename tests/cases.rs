//! Case folders: `tests/cases/<command>/<case>/` with `args`, inputs, and exact `stdout`, `stderr` and `code`.
//!
//! `WUKONG_BLESS=1 cargo test cases` writes the expectations; read them like code before they are committed.

use std::fs;
use std::process::Stdio;

use crate::support::{entries, golden, root, text, wukong};

#[test]
fn every_case() {
    let mut problems = Vec::new();
    let mut count = 0;
    for command in entries(&root().join("tests/cases")) {
        for case in entries(&command) {
            let args = fs::read_to_string(case.join("args")).unwrap();
            let mut process = wukong(&case, args.split_whitespace());
            if let Ok(input) = fs::File::open(case.join("stdin")) {
                process.stdin(Stdio::from(input));
            }
            let output = process.output().unwrap();
            golden(&case.join("stdout"), &text(&output.stdout), &mut problems);
            golden(&case.join("stderr"), &text(&output.stderr), &mut problems);
            golden(&case.join("code"), &format!("{}\n", output.status.code().unwrap()), &mut problems);
            count += 1;
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(count > 20, "only {count} cases were found");
}
