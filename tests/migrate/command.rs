//! The command against a server that shows the simulated cluster, and is never changed.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use wukong::cluster::{Begin, Resource, Travel, travel};
use wukong::facts::{Facts, Journey, Way, kind};
use wukong::migrate::{Act, Next, Step, begin};
use wukong::status::Subject;

use super::sim::{NAMESPACE, Sim};
use super::{always, started, to_the_end, wish};
use crate::access::{Seen, Server, ok};

/// Answers lists from facts, and says yes to every question about rights.
pub(crate) fn answer(facts: &Facts, seen: &Seen) -> String {
    let path = seen.line.split([' ', '?']).nth(1).unwrap();
    if seen.line.starts_with("POST") && path.ends_with("/selfsubjectaccessreviews") {
        return ok(&json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": true}}));
    }
    let plural = path.rsplit('/').next().unwrap();
    let of = |kind: &str| format!("{}{}", kind.to_lowercase(), if kind.ends_with('s') { "es" } else { "s" });
    let kind = Resource::ALL.into_iter().map(Resource::kind).find(|kind| of(kind) == plural).unwrap_or_default();
    let namespace = path.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next());
    let here = |object: &&Value| namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace);
    let items: Vec<_> = facts.all_of(kind).filter(here).collect();
    ok(&json!({"kind": format!("{kind}List"), "metadata": {}, "items": items}))
}

fn server(sim: &Sim) -> Server {
    let facts = sim.facts();
    Server::start(move |_, seen| answer(&facts, seen))
}

/// Runs the command; its exit code, what it prints, and what it writes into the cluster.
fn run(sim: &Sim, args: &[&str]) -> (i32, String, Vec<String>) {
    let server = server(sim);
    let (_folder, access) = server.kubeconfig("", "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-wukong"));
    let out = command.arg("migrate").args(args).env("KUBECONFIG", access.kubeconfig.unwrap()).output().unwrap();
    let said = [out.stdout, out.stderr].map(|bytes| crate::support::text(&bytes)).concat();
    let writes = server.seen().into_iter().map(|seen| seen.line);
    let writes = writes.filter(|line| !line.starts_with("GET") && !line.contains("selfsubjectaccessreviews"));
    (out.status.code().unwrap(), said, writes.collect())
}

/// A machine on `one` that can go to `two`.
fn shared() -> Sim {
    let mut sim = Sim::new(&always());
    for claim in super::SOURCES {
        let mut shared = sim.get(kind::CLAIM, claim).unwrap().clone();
        shared["spec"]["accessModes"] = json!(["ReadWriteMany"]);
        sim.put(shared);
    }
    sim
}

const AWAY: [&str; 4] = ["-A", "--from-node", "one", "--yes"];
const AWAY_DRY: [&str; 4] = ["-A", "--from-node", "one", "--dry-run"];

#[test]
fn the_machines_of_a_node_are_found_in_all_namespaces() {
    let (code, said, writes) = run(&shared(), &AWAY_DRY);
    assert!(code == 0 && said.contains("move n/vm/web-vm: live") && writes.is_empty(), "{code} {said} {writes:?}");
    let (code, said, _) = run(&shared(), &["-A", "--from-node", "two", "--dry-run"]);
    assert!(code == 0 && said.contains("no machine that is seen runs on two"), "{said}");
}

#[test]
fn a_machine_whose_record_cannot_be_read_stays() {
    let mut sim = shared();
    let mut map =
        json!({"kind": kind::CONFIG_MAP, "metadata": {"name": Journey::name("web-vm"), "namespace": NAMESPACE}});
    map["data"] = json!({"move": "{"});
    sim.put(map);
    let (code, said, writes) = run(&sim, &AWAY);
    assert!(code == 5 && said.contains("stay n/vm/web-vm: the record of its last move"), "{code} {said}");
    assert!(writes.is_empty(), "{writes:?}");
}

#[test]
fn only_a_live_move_away_from_the_node_is_gone_on_with() {
    let mut sim = shared();
    let own = begin(&sim.facts(), &sim.subject(), &wish(None, None, false)).unwrap().journey;
    sim.record(&own);
    let (code, said, _) = run(&sim, &AWAY_DRY);
    assert!(code == 0 && said.contains("move n/vm/web-vm"), "{code} {said}");
    for other in [
        Journey { way: Way::NodeOffline, ..own.clone() },
        Journey { way: Way::StorageLive, ..own.clone() },
        Journey { back: true, ..own.clone() },
        Journey { node: Some("one".into()), source_node: Some("two".into()), ..own.clone() },
    ] {
        sim.record(&other);
        let (code, said, writes) = run(&sim, &AWAY);
        assert!(code == 5 && said.contains("stay n/vm/web-vm: another move is under way"), "{code} {said}");
        assert!(writes.is_empty(), "{writes:?}");
    }
}

#[test]
fn what_the_cluster_says_does_not_reach_the_terminal_raw() {
    let mut sim = shared();
    let mut instance = sim.get(kind::INSTANCE, "web-vm").unwrap().clone();
    instance["status"]["conditions"] =
        json!([{"type": "LiveMigratable", "status": "False", "reason": "\u{1b}[31mR", "message": "\u{1b}]0;x\u{7}M"}]);
    sim.put(instance);
    let (code, said, _) = run(&sim, &AWAY_DRY);
    assert!(code == 5 && said.contains("stay n/vm/web-vm: ") && !said.contains("can move it"), "{code} {said:?}");
    assert!(!said.contains(['\u{1b}', '\u{7}']), "{code} {said:?}");
    let mut sim = shared();
    let open = begin(&sim.facts(), &sim.subject(), &wish(None, Some("two"), false)).unwrap().journey;
    sim.record(&Journey { stage: "\u{1b}[31mred".into(), ..open });
    for args in [["vm/web-vm", "-n", "n", "--abort", "--dry-run"], ["vm/web-vm", "-n", "n", "--continue", "--dry-run"]]
    {
        let (code, said, writes) = run(&sim, &args);
        assert!(code == 0 && said.contains("red") && !said.contains('\u{1b}') && writes.is_empty(), "{code} {said:?}");
    }
}

/// The run that recorded the end may have been killed before it changed the file.
#[test]
fn the_change_of_the_file_can_be_had_after_the_end() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, true));
    to_the_end(&mut sim, 1);
    sim.settle();
    let ended = Journey { wukong: Some("web".into()), ..sim.journey().unwrap() };
    sim.record(&ended);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.yaml");
    let before = "apiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\nmetadata: {name: web}\nspec:\n  disks:\n    \
                  - name: system\n      size: 10Gi\n    - name: data\n      size: 10Gi\n";
    for args in [&["--continue"][..], &[]] {
        fs::write(&path, before).unwrap();
        let (_, said, writes) = run(&sim, &[&["web", "-n", "n", "--write", path.to_str().unwrap()], args].concat());
        assert!(said.contains("n/web has moved") && writes.is_empty(), "{said}");
        let after = fs::read_to_string(&path).unwrap();
        assert!(
            after.contains("claimName: web-system-m2") && after.contains("claimName: web-data-m2"),
            "{after}\n{said}"
        );
    }
    let (_, said, _) = run(&sim, &["web", "-n", "n", "--continue"]);
    assert!(said.contains("change the file") && said.contains("claimName: web-data-m2"), "{said}");
    // Disks that were exchanged since are no news of that move.
    let mut stale = ended.clone();
    stale.disks[0].to = "another".into();
    sim.record(&stale);
    let (code, said, _) = run(&sim, &["web", "-n", "n", "--continue"]);
    assert!(code == 5 && said.contains("other disks by now"), "{code} {said}");
}

#[test]
fn a_cleanup_where_nothing_goes_says_so_and_ends() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, true));
    to_the_end(&mut sim, 1);
    for claim in super::SOURCES {
        sim.put(json!({
            "kind": kind::POD, "metadata": {"name": format!("reader-{claim}"), "namespace": NAMESPACE},
            "spec": {"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": claim}}]},
            "status": {"phase": "Running"},
        }));
    }
    // There is no terminal: a question would be an error.
    let (code, said, writes) = run(&sim, &["vm/web-vm", "-n", "n", "--cleanup"]);
    assert!(code == 5 && said.contains("nothing is deleted") && !said.contains("not confirmed"), "{code} {said}");
    assert!(writes.is_empty(), "{writes:?}");
}

async fn travelled(timeout: Duration) -> (Travel, usize) {
    let mut sim = shared();
    let open = begin(&sim.facts(), &sim.subject(), &wish(None, Some("two"), false)).unwrap().journey;
    sim.record(&open);
    let server = server(&sim);
    let (door, _) = server.door().await;
    // What it does is never to be seen.
    let ask = |journey: &Journey, _: &Facts, _: &Subject| {
        Next::Step(Box::new(Step { journey: journey.clone(), act: Act::Note }))
    };
    let mut count = 0;
    let mut tell = |_: wukong::cluster::Heard<'_>| count += 1;
    let ended = travel(&door, &sim.subject(), Begin::Recorded, &ask, timeout, &mut tell).await.unwrap();
    (ended, count)
}

#[tokio::test]
async fn a_step_that_is_undone_each_time_is_not_taken_for_ever() {
    let (ended, count) = travelled(Duration::ZERO).await;
    assert!(matches!(&ended, Travel::Stuck(refusal) if refusal.reason.contains("undone each time")), "{ended:?}");
    assert_eq!(count, 5);
}

#[tokio::test]
async fn time_is_over_for_steps_too() {
    let (ended, count) = travelled(Duration::from_millis(1500)).await;
    assert!(matches!(ended, Travel::TimedOut(_)) && count < 5, "{ended:?}");
}
