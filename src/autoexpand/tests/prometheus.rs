//! Decisions by what Prometheus tells.

use serde_json::{Value, json};

use super::*;

fn answer(values: &[(i64, u64)]) -> Value {
    answers(&[("one", values)])
}

/// What some nodes told.
fn answers(nodes: &[(&str, &[(i64, u64)])]) -> Value {
    let series = |(node, values): &(&str, &[(i64, u64)])| {
        let values: Vec<_> = values.iter().map(|(time, bytes)| json!([time, bytes.to_string()])).collect();
        let mut metric = json!({"namespace": "n", "name": "web-vm", "disk_name": "vdb1", "mount_point": "/data"});
        if !node.is_empty() {
            metric["node"] = json!(node);
        }
        json!({"metric": metric, "values": values})
    };
    let result: Vec<_> = nodes.iter().map(series).collect();
    json!({"status": "success", "data": {"resultType": "matrix", "result": result}})
}

/// Samples of the last minutes, the oldest first.
fn minutes(used: &[u64]) -> Vec<(i64, u64)> {
    let first = i64::try_from(used.len()).unwrap() - 1;
    used.iter().zip(0..).map(|(used, at)| (NOW - 60 * (first - at), *used)).collect()
}

#[test]
fn prometheus_has_to_know_the_whole_window() {
    let full = vec![19 * GIB; 11];
    let decided = |used: &[(i64, u64)]| {
        let total: Vec<_> = used.iter().map(|(time, _)| (*time, 20 * GIB)).collect();
        let found = series(&answer(used), &answer(&total)).unwrap();
        World::default().decide(&Told::ByPrometheus(found)).outcome
    };
    assert!(matches!(decided(&minutes(&full)), Outcome::Grows(..)));
    let mut peak = full.clone();
    peak[5] = GIB;
    assert!(matches!(decided(&minutes(&peak)), Outcome::Stays(_)), "a moment's peak");
    let unknown = |used: &[(i64, u64)], why: &str| match decided(used) {
        Outcome::Unknown(said) => assert!(said.contains(why), "{said}"),
        other => panic!("{why}: {other:?}"),
    };
    unknown(&minutes(&full[..3]), "whole window");
    let old: Vec<_> = minutes(&full).iter().map(|(time, used)| (time - 300, *used)).collect();
    unknown(&old, "old");
    unknown(&[], "no samples");
    let mut gap = minutes(&full);
    gap.drain(4..7);
    unknown(&gap, "a part of the window");
    // Its size is as old as its use may be.
    let (used, total) = (minutes(&full), minutes(&[20 * GIB; 11]));
    let found = series(&answer(&used), &answer(&total[..7])).unwrap();
    let Outcome::Unknown(why) = World::default().decide(&Told::ByPrometheus(found)).outcome else { panic!("known") };
    assert!(why.contains("old"), "{why}");
}

#[test]
fn series_of_other_machines_do_not_count() {
    let full = minutes(&[19 * GIB; 11]);
    let total = minutes(&[20 * GIB; 11]);
    let decided = |world: &World, nodes: &[(&str, std::ops::Range<usize>)]| {
        let of = |samples: &[(i64, u64)]| {
            let nodes: Vec<_> = nodes.iter().map(|(node, part)| (*node, &samples[part.clone()])).collect();
            answers(&nodes)
        };
        world.decide(&Told::ByPrometheus(series(&of(&full), &of(&total)).unwrap())).outcome
    };
    let world = World::default();
    let Outcome::Unknown(why) = decided(&world, &[("theirs", 0..11)]) else { panic!("grows") };
    assert!(why.contains("of another node"), "{why}");
    // Where the label is not kept, nobody can tell.
    // Whoever drops the label cannot tell clusters apart.
    assert!(!matches!(decided(&world, &[("", 0..11)]), Outcome::Grows(..)));
    let Outcome::Unknown(why) = decided(&world, &[("theirs", 0..11), ("one", 8..11)]) else { panic!("grows") };
    assert!(why.contains("whole window"), "{why}");
    // A machine that has moved.
    let moved = World::with(|world| {
        world.instance["status"]["migrationState"] = json!({"completed": true, "sourceNode": "theirs"});
    });
    assert!(matches!(decided(&moved, &[("theirs", 0..7), ("one", 7..11)]), Outcome::Grows(..)));
}

#[test]
fn answers_without_meaning_are_told() {
    let good = answer(&minutes(&[GIB]));
    for (bad, why) in [
        (json!({"status": "error", "errorType": "bad_data", "error": "parse error"}), "parse error"),
        (json!({"items": []}), "does not answer as Prometheus does"),
        (json!({"status": "success", "data": {"resultType": "vector", "result": []}}), "samples over a time"),
        (json!("<html>"), "does not answer"),
    ] {
        assert!(series(&bad, &good).unwrap_err().0.contains(why));
        assert!(series(&good, &bad).unwrap_err().0.contains(why));
    }
    let nothing = json!({"status": "success", "data": {"resultType": "matrix", "result": []}});
    let found = series(&nothing, &nothing).unwrap();
    let Outcome::Unknown(why) = World::default().decide(&Told::ByPrometheus(found)).outcome else { panic!("known") };
    assert!(why.contains("Prometheus has no file system on this disk"));
}

#[test]
fn questions_are_about_one_namespace_and_cannot_be_turned() {
    let labels = [("cluster".to_owned(), "b\"}\n".to_owned())];
    let [used, capacity] = queries(Some("a\"} or vector(1) #"), &labels, 600, NOW);
    assert!(used.expression.contains(r#"namespace="a\"} or vector(1) #",cluster="b\"}\n"})"#), "{}", used.expression);
    assert!(capacity.expression.contains("capacity_bytes"));
    assert_eq!((used.end - used.start, used.step), (600, 60));
}
