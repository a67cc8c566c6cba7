//! What every picture must show, whatever it looks like.

use std::collections::HashMap;
use std::process::Command;

use proptest::prelude::*;
use roxmltree::{Document, Node};

use super::build::build;
use super::layout::{column, layout};
use super::risk::Level;
use super::sample::{HOSTILE, disk, five, host_file, hostile, local, longhorn, machine, many, nfs, one, owned};
use super::svg::inside;
use super::{Graph, Look, Part, dot, mermaid, svg};
use crate::locate::{Event, Fate, Located, Verdict};
use crate::storage::{CopyState, Holder, Place};

type Format = fn(&[Located]) -> String;

const FORMATS: [Format; 3] = [mermaid, dot, svg];

/// The text that a reader of the SVG sees, line by line.
fn seen(machines: &[Located]) -> Vec<String> {
    let text = svg(machines);
    let document = Document::parse(&text).unwrap();
    let line =
        |node: Node<'_, '_>| node.descendants().filter_map(|part| part.text().filter(|_| part.is_text())).collect();
    document.descendants().filter(|node| node.has_tag_name("text")).map(line).collect()
}

fn times(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| *line == text).count()
}

fn titles(graph: &Graph) -> Vec<String> {
    graph.boxes.iter().map(|node| node.lines[0].text()).collect()
}

#[test]
fn a_machine_a_disk_and_a_holder_are_drawn_once_each() {
    let lines = seen(&five());
    for text in ["web", "db", "mail", "build", "queue", "web-root · 20Gi", "mail-spool · 20Gi"] {
        assert_eq!(times(&lines, text), 1, "{text}");
    }
    for text in ["node worker-1", "node worker-2", "node worker-3", "server nfs.example.com", "zone eu-central-1a"] {
        assert_eq!(times(&lines, text), 1, "{text}");
    }
    assert_eq!(times(&lines, "nodes of Ceph RBD"), 1, "two volumes there, one box");
    assert_eq!(times(&lines, "prod · runs on worker-3"), 2);
    for format in [mermaid, dot] {
        let text = format(&five());
        for name in ["worker-1", "nfs.example.com", "eu-central-1a", "mail-spool", "build-cache"] {
            assert!(text.contains(name), "{name} in {text}");
        }
    }
}

#[test]
fn what_is_at_risk_is_said_in_words_and_signs() {
    let lines = seen(&five());
    for text in [
        "⚠ dies with node worker-1",
        "⚠ dies with node worker-2 and the VM",
        "⚠ dies with the VM",
        "? not known where it lies",
        "✓ survives a node",
        "– no bytes to lose",
        "⚠ 2 of 3 disks die with it",
        "✓ all disks survive a node",
        "⚠ dies with one node: 3",
        "⚠ dies with its VM: 2",
    ] {
        assert!(times(&lines, text) > 0, "{text} in {lines:#?}");
    }
    for format in FORMATS {
        assert!(format(&five()).contains("⚠ dies with node worker-1"));
    }
}

#[test]
fn where_the_way_ends_the_reason_stands() {
    let lines = seen(&five());
    assert_eq!(times(&lines, "not bound yet: waits for first consumer"), 1);
    assert_eq!(times(&lines, "not permitted to list PersistentVolumes"), 1);
}

#[test]
fn what_holds_nothing_that_lasts_is_in_the_picture_of_one_machine_only() {
    assert_eq!(times(&seen(&[one()]), "– nothing that lasts"), 1);
    let graph = build(&[one(), machine("other", "worker-1", Vec::new())]);
    assert!(!titles(&graph).contains(&"cloudinit".to_owned()));
    assert!(titles(&graph).contains(&"other".to_owned()), "a machine without disks is a machine");
}

#[test]
fn a_copy_of_no_use_is_a_dashed_line_with_a_word() {
    let graph = build(&[one()]);
    let broken: Vec<_> = graph.edges.iter().filter(|edge| edge.look == Look::Broken).collect();
    let [edge] = broken[..] else { panic!("{} broken", broken.len()) };
    assert_eq!(edge.label.as_deref(), Some("copy failed"));
    assert_eq!(graph.boxes[edge.to].level, Level::Muted);
    assert!(dot(&[one()]).contains("style=dashed label=\"copy failed\""));
    assert!(mermaid(&[one()]).contains("-.->|\"copy failed\"|"));
    assert_eq!(times(&seen(&[one()]), "copy failed"), 1);
}

#[test]
fn two_copies_on_one_node_are_one_line_and_the_better_one_counts() {
    let copies = [("a", CopyState::Failed), ("a", CopyState::Healthy), ("b", CopyState::Healthy)];
    let graph = build(&[machine("web", "a", vec![longhorn("data", &copies)])]);
    let looks: Vec<_> = graph.edges.iter().map(|edge| (edge.look, edge.label.clone())).collect();
    assert_eq!(looks, [(Look::Plain, None), (Look::Safe, None), (Look::Safe, None), (Look::Safe, None)]);
}

#[test]
fn a_volume_that_two_machines_share_is_one_box() {
    let graph = build(&[machine("a", "n", vec![nfs("shared")]), machine("b", "n", vec![nfs("shared")])]);
    assert_eq!(graph.boxes.len(), 6, "two machines, two disks, a volume, a server");
    assert_eq!(graph.edges.len(), 5);
}

#[test]
fn the_level_of_a_disk_is_the_worst() {
    let level = |disk| build(&[machine("web", "n", vec![disk])]).boxes[0].level;
    assert_eq!(level(nfs("a")), Level::Safe);
    assert_eq!(level(owned(nfs("a"))), Level::WithVm);
    assert_eq!(level(owned(local("a", "n"))), Level::WithNode);
    assert_eq!(level(host_file("a", "n")), Level::WithNode);
    assert_eq!(level(disk("a", "c", ("x", "x"), Place::new(Holder::Unknown))), Level::Unknown);
    assert_eq!(level(owned(disk("a", "c", ("x", "x"), Place::new(Holder::Unknown)))), Level::WithVm);
    assert_eq!(level(longhorn("a", &[("n", CopyState::Failed), ("m", CopyState::Healthy)])), Level::WithNode);
    let mut memory = nfs("a");
    memory.verdicts.push(Verdict {
        event: Event::NodeRebooted,
        fate: Fate::Lost,
        why: "it lies in the memory of the node".into(),
        steps: Vec::new(),
    });
    assert_eq!(level(memory), Level::WithNode);
}

#[test]
fn no_name_breaks_out_of_its_text() {
    for bad in HOSTILE {
        let machines = [hostile(bad), hostile(&bad.repeat(60))];
        let text = svg(&machines);
        let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let known = ["svg", "title", "desc", "style", "rect", "text", "tspan", "g", "path"];
        for node in document.descendants().filter(Node::is_element) {
            assert!(known.contains(&node.tag_name().name()), "{node:?}");
        }
        for (line, text) in mermaid(&machines).lines().map(|line| (line, line.trim())) {
            let quotes = line.matches('"').count();
            let ours = text.starts_with(['n', 'f', 'c', 'l']) && (quotes == 0 || quotes == 2);
            assert!(ours && !line.contains('`') && !line.contains("%%"), "{line}");
        }
        for line in dot(&machines).lines() {
            let bare = line.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(bare.matches('"').count() % 2, 0, "{line}");
        }
        for format in FORMATS {
            assert!(!format(&machines).chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
        }
    }
}

#[test]
fn our_own_words_are_never_shortened() {
    let mut copies = five();
    copies.extend(many(300, 3, 2));
    for machines in [vec![one()], five(), copies] {
        let graph = build(&machines);
        for node in &graph.boxes {
            for line in &node.lines {
                let fitted = inside(node, line);
                for (part, text) in line.parts.iter().zip(&fitted) {
                    assert!(!matches!(part, Part::Word(_)) || part.text() == text, "{text} in {}", line.text());
                }
            }
        }
    }
}

#[test]
fn no_box_touches_another_and_none_leaves_the_page() {
    for machines in [vec![], vec![one()], five(), many(30, 2, 3), many(50, 4, 20), HOSTILE.map(hostile).to_vec()] {
        sound(&machines);
    }
}

#[test]
fn a_picture_too_large_for_the_library_is_drawn_as_well() {
    sound(&many(400, 4, 20));
}

/// Checks that boxes stand apart, in their columns, and lines end at them.
fn sound(machines: &[Located]) {
    let graph = build(machines);
    let layout = layout(&graph);
    let mut last = HashMap::new();
    let mut order: Vec<_> = graph.boxes.iter().zip(&layout.areas).collect();
    order.sort_by(|one, other| one.1.y.total_cmp(&other.1.y));
    for (node, area) in order {
        let bottom = last.insert(node.column as usize, area.y + area.height).unwrap_or(-1.0);
        assert!(area.y >= 0.0 && area.y > bottom, "{} at {area:?} below {bottom}", node.lines[0].text());
        assert_eq!((area.x, area.width), column(node.column));
        assert!(area.y + area.height <= layout.height);
    }
    for (edge, ((_, from), (_, to))) in graph.edges.iter().zip(&layout.lines) {
        let within = |at: usize, y: f64| y >= layout.areas[at].y && y <= layout.areas[at].y + layout.areas[at].height;
        assert!(within(edge.from, *from) && within(edge.to, *to));
    }
}

#[test]
fn the_same_machines_give_the_same_bytes_in_every_process() {
    let run = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "output::picture::tests::prints", "--ignored", "--nocapture"]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let (first, second) = (run(), run());
    assert!(first.contains("</svg>") && first.contains("digraph") && first.contains("flowchart"), "{first}");
    let picture = |text: &str| text.rsplit_once("</svg>").map(|(picture, _)| picture.to_owned());
    assert_eq!(picture(&first), picture(&second));
}

#[test]
#[ignore = "a process of its own for the test above"]
fn prints() {
    for machines in [five(), many(40, 3, 6)] {
        for format in FORMATS {
            println!("{}", format(&machines));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The layout library is not ours: whatever is joined with whatever, it must not panic.
    #[test]
    fn any_fleet_can_be_drawn(fleet in proptest::collection::vec(proptest::collection::vec((0..5usize, 0..4usize, 0..4usize), 0..5), 0..9)) {
        let nodes = ["a", "b", "c", "d"];
        let make = |(kind, one, other): &(usize, usize, usize)| match kind {
            0 => local(&format!("d{one}{other}"), nodes[*one]),
            1 => longhorn(&format!("d{one}"), &[(nodes[*one], CopyState::Healthy), (nodes[*other], CopyState::Failed)]),
            2 => nfs("shared"),
            3 => host_file("file", nodes[*other]),
            _ => super::sample::unbound("none"),
        };
        let machines: Vec<_> = fleet.iter().map(|disks| machine("m", "a", disks.iter().map(make).collect())).collect();
        sound(&machines);
        prop_assert!(Document::parse(&svg(&machines)).is_ok());
    }
}
