//! The way back of volumes, as a file that can be applied: the steps are its comments.

use crate::locate::Recovery;
use crate::text::{sanitize, yaml};

/// Claims, with what is done before in comments. What must not be done stands as a comment only.
pub fn recoveries(all: &[Recovery]) -> String {
    let mut out = String::new();
    for recovery in all {
        out.push_str("---\n");
        out.push_str(&comment(&format!(
            "volume {} -> claim {} in {}",
            recovery.volume, recovery.claim, recovery.namespace
        )));
        if let Some(obstacle) = &recovery.obstacle {
            out.push_str(&comment(&format!("not now: {obstacle}")));
            continue;
        }
        for step in recovery.before() {
            out.push_str(&comment(&format!("before: {step}")));
        }
        out.push_str(&yaml(&recovery.manifest));
    }
    out
}

fn comment(text: &str) -> String {
    format!("# {}\n", sanitize(text).replace('\n', " "))
}
