//! Every diagnostic code: `tests/codes/<CODE>/bad.yaml` breaks the rule and no other one whose breaking is an
//! error; `good.yaml` beside it does not. `args` holds further flags, `args.validate` those that `render` does not have; what is printed for the bad file is in `stderr`.

use std::fs;

use wukong::Code;

use crate::support::{entries, golden, root, text, wukong};

/// Codes that only a cluster can tell: `validate::what_the_cluster_refuses` of `tests/live` breaks them.
const ONLINE: [Code; 1] = [Code::ClusterRefuses];

#[test]
fn every_code_has_a_failing_and_a_passing_case() {
    let mut problems = Vec::new();
    for code in Code::ALL.iter().filter(|code| !ONLINE.contains(code)) {
        let folder = root().join("tests/codes").join(code.as_str());
        let flags = ["args", "args.validate"].map(|name| fs::read_to_string(folder.join(name)).unwrap_or_default());
        let flags = flags.join(" ");
        let validate = |file: &str| {
            let args = ["validate", "-f", file].into_iter().chain(flags.split_whitespace());
            wukong(&folder, args).output().unwrap()
        };
        let bad = validate("bad.yaml");
        golden(&folder.join("stderr"), &text(&bad.stderr), &mut problems);
        let tag = format!("[{code}]");
        if !text(&bad.stderr).contains(&tag) {
            problems.push(format!("{code}: bad.yaml does not break the rule\n{}", text(&bad.stderr)));
        }
        let fails = code.severity() == wukong::Severity::Error;
        if bad.status.code() != Some(i32::from(fails)) {
            problems.push(format!("{code}: bad.yaml exits with {:?}\n{}", bad.status.code(), text(&bad.stderr)));
        }
        let others = text(&bad.stderr).lines().filter(|l| l.starts_with("error[") && !l.contains(&tag)).count();
        if others > 0 {
            problems.push(format!("{code}: bad.yaml breaks other rules too\n{}", text(&bad.stderr)));
        }
        let good = validate("good.yaml");
        if text(&good.stderr).contains(&tag) || good.status.code() != Some(0) {
            problems.push(format!("{code}: good.yaml is not valid\n{}", text(&good.stderr)));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(entries(&root().join("tests/codes")).len(), Code::ALL.len() - ONLINE.len(), "a folder without a code");
}
