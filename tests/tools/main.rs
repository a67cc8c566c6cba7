//! Tests with the real programs of others: what installs plugins, builds overlays, installs charts, compiles and loads
//! libraries, opens pages.
//!
//! They need programs that not every machine has, and minutes to build some of them, so that they run with `CI` set or
//! with `-- --include-ignored`; a missing program is then a failure that names it.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod browser;
mod completion;
mod embedded;
mod health;
mod krew;
mod library;
mod man;
mod monitoring;
mod page;
mod programs;

#[path = "../support.rs"]
#[expect(dead_code, reason = "shared with the tests that need no other program")]
mod support;

use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};

/// A list of tests from the paths of functions.
macro_rules! tests {
    ($($module:ident :: $test:ident),* $(,)?) => {
        vec![$(trial(concat!(stringify!($module), "::", stringify!($test)), $module::$test)),*]
    };
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = tests!(
        completion::in_bash,
        completion::in_fish,
        completion::in_zsh,
        completion::installs_no_file_over_another,
        completion::without_an_answer,
        embedded::argo_discovers,
        embedded::argo_generates,
        embedded::flux_builds,
        embedded::helm_renders,
        embedded::kustomize_changes_wukongs,
        embedded::kustomize_generates,
        embedded::kustomize_transforms,
        health::a_file_is_what_argo_looks_up,
        health::generations_fool_nobody,
        health::objects_are_judged,
        krew::installs_the_archive,
        krew::the_release_workflow_calls_what_exists,
        library::exports_what_is_written_down,
        library::from_c,
        library::from_cpp,
        library::from_go,
        library::from_python,
        library::from_the_readme,
        library::leaks_are_seen,
        library::static_from_c,
        man::pages_are_without_mistakes,
        monitoring::alerts_fire_when_they_should,
        monitoring::series_are_few,
        monitoring::statuses_are_metrics,
        page::people_write_and_see,
        programs::answer,
    );
    let wanted = std::env::var_os("CI").is_some();
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(!wanted)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, test: fn() -> Result<()>) -> Trial {
    Trial::test(name, move || test().map_err(|error| format!("{error:#}").into()))
}
