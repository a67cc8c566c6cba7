//! Moves from their beginning to their end, broken off and taken back at every step.

mod cleanup;
pub(crate) mod command;
mod sim;

use serde_json::{Value, json};
use sim::Sim;
use wukong::facts::{End, Journey, Way, kind};
use wukong::migrate::{Left, Next, Wish, abort, begin, left};

fn always() -> Value {
    json!({"runStrategy": "Always"})
}

fn wish(class: Option<&str>, node: Option<&str>, offline: bool) -> Wish {
    Wish {
        class: class.map(str::to_owned),
        node: node.map(str::to_owned),
        offline,
        now: "2026-02-01T00:00:00Z".into(),
        ..Wish::default()
    }
}

/// Begins a move; all lines of its checklist hold.
fn started(mut sim: Sim, wish: &Wish) -> Sim {
    let draft = begin(&sim.facts(), &sim.subject(), wish).unwrap();
    let failed: Vec<_> = draft.checks.iter().filter(|check| check.is_failed()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    sim.record(&draft.journey);
    sim
}

/// Goes on to the end. After each step only `pace` things happen by themselves, so that many orders are met.
fn to_the_end(sim: &mut Sim, pace: usize) -> Vec<String> {
    let mut stages = Vec::new();
    for _ in 0..200 {
        match sim.go() {
            Next::Step(step) => stages.push(step.journey.stage),
            Next::Wait(_) => assert!(sim.tick(), "it waits, and nothing happens: {stages:?}"),
            Next::End(..) => return stages,
            Next::Stuck(refusal) => panic!("stuck after {stages:?}: {refusal:?}"),
        }
        for _ in 0..pace {
            sim.tick();
        }
    }
    panic!("no end: {stages:?}");
}

/// The bytes are where the machine looks for them, and also where they were.
fn whole(sim: &Sim, from: &[&str]) {
    let contents: Vec<_> = sim.claims().iter().map(|claim| sim.content(claim)).collect();
    assert_eq!(contents, [Some("the system".to_owned()), Some("the data".to_owned())]);
    for claim in from {
        assert!(sim.content(claim).is_some(), "{claim} is gone");
    }
}

const SOURCES: [&str; 2] = ["web-system", "web-data"];

fn storage_ways() -> [(Wish, Value); 5] {
    [
        (wish(Some("fast"), None, false), always()),
        (wish(Some("fast"), None, true), always()),
        (wish(Some("fast"), None, true), json!({"runStrategy": "Halted"})),
        (wish(Some("fast"), None, true), json!({"runStrategy": "Manual"})),
        (Wish { disks: vec!["data".into()], ..wish(Some("fast"), None, true) }, always()),
    ]
}

#[test]
fn disks_arrive_and_what_they_left_is_kept() {
    for (wish, run) in storage_ways() {
        for pace in [0, 1, 2, 50] {
            let sim = Sim::new(&run);
            let ran = sim.runs();
            let mut sim = started(sim, &wish);
            to_the_end(&mut sim, pace);
            sim.settle();
            whole(&sim, &SOURCES);
            let journey = sim.journey().unwrap();
            assert_eq!(journey.end, Some(End::Done));
            assert!(journey.disks.iter().all(|disk| sim.claims().contains(&disk.to)));
            assert_eq!(journey.kept.len(), journey.disks.len());
            assert_eq!(sim.runs(), ran, "{run}");
            let vm = sim.get(kind::MACHINE, "web-vm").unwrap();
            assert_eq!(vm["spec"]["runStrategy"], run["runStrategy"]);
        }
    }
}

#[test]
fn a_run_that_is_killed_before_any_write_is_continued() {
    for (wish, run) in storage_ways() {
        for pace in [0, 3] {
            // How many steps there are is not known before: it ends where no kill was met.
            for kill_at in 0.. {
                let mut sim = started(Sim::new(&run), &wish);
                let mut steps = 0;
                let mut killed = false;
                loop {
                    let journey = sim.journey().unwrap();
                    let next = wukong::migrate::next(&journey, &sim.facts(), &sim.subject());
                    match &next {
                        // Killed between the record and the write: the record says a step that was not done.
                        Next::Step(step) if steps == kill_at && !killed => {
                            sim.record(&step.journey);
                            killed = true;
                        }
                        Next::Step(_) => {
                            sim.go();
                            steps += 1;
                        }
                        Next::Wait(_) => assert!(sim.tick(), "{next:?}"),
                        Next::End(..) => break,
                        Next::Stuck(refusal) => panic!("{refusal:?}"),
                    }
                    for _ in 0..pace {
                        sim.tick();
                    }
                }
                sim.settle();
                whole(&sim, &SOURCES);
                if !killed {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_move_is_taken_back_from_every_step_or_refused_where_the_guest_wrote() {
    for (wish, run) in storage_ways() {
        for pace in [0, 1, 3] {
            let mut refused = false;
            for turn in 0.. {
                let sim = Sim::new(&run);
                let ran = sim.runs();
                let mut sim = started(sim, &wish);
                let mut ended = false;
                for _ in 0..turn {
                    match sim.go() {
                        Next::End(..) => ended = true,
                        Next::Wait(_) => {
                            sim.tick();
                        }
                        _ => {}
                    }
                    for _ in 0..pace {
                        sim.tick();
                    }
                }
                if ended {
                    break;
                }
                let journey = sim.journey().unwrap();
                match abort(&journey, &sim.facts(), &sim.subject(), false) {
                    Ok(back) => {
                        assert!(!refused || !journey.started, "first refused, then not");
                        sim.record(&back);
                        to_the_end(&mut sim, pace);
                        sim.settle();
                        assert_eq!(sim.journey().unwrap().end, Some(End::Aborted));
                        assert_eq!(sim.claims(), SOURCES);
                        whole(&sim, &SOURCES);
                        assert_eq!(sim.runs(), ran);
                        let vm = sim.get(kind::MACHINE, "web-vm").unwrap();
                        assert!(vm["spec"]["updateVolumesStrategy"].is_null());
                        assert_eq!(
                            vm["spec"]["template"]["spec"]["volumes"][0],
                            json!({"name": "system", "dataVolume": {"name": "web-system"}})
                        );
                        // What was made for the move is named, and nothing else is there.
                        let kept: Vec<_> = sim.journey().unwrap().kept.into_iter().map(|kept| kept.claim).collect();
                        for disk in &journey.disks {
                            assert_eq!(
                                sim.get(kind::CLAIM, &disk.to).is_some(),
                                kept.contains(&disk.to),
                                "{}",
                                disk.to
                            );
                        }
                        let volume = sim.get(kind::VOLUME, "pv-web-data").unwrap();
                        assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete");
                    }
                    Err(_) => {
                        refused = true;
                        to_the_end(&mut sim, pace);
                        whole(&sim, &SOURCES);
                    }
                }
            }
        }
    }
}

/// The next step of a cleanup for which a person confirmed all that is kept.
fn clean(journey: &Journey, sim: &Sim) -> Next {
    let all: Vec<_> = journey.kept.iter().map(|kept| (kept.claim.clone(), kept.uid.clone())).collect();
    Left::next(journey, &sim.facts(), &sim.subject(), &all)
}

#[test]
fn there_and_back_again_and_then_cleaned_up() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, false));
    to_the_end(&mut sim, 1);
    let back = Wish { volume_mode: Some("Filesystem".into()), ..wish(Some("local"), None, false) };
    sim = started(sim, &back);
    to_the_end(&mut sim, 1);
    whole(&sim, &["web-system", "web-data", "web-system-m2", "web-data-m2"]);
    assert_eq!(sim.claims(), ["web-system-m3", "web-data-m3"]);
    let journey = sim.journey().unwrap();
    assert_eq!(journey.kept.len(), 4);
    assert!(left(&journey, &sim.facts(), sim::NAMESPACE).iter().all(|left| left.refusal.is_none()));
    for _ in 0..50 {
        let journey = sim.journey().unwrap();
        match clean(&journey, &sim) {
            Next::Step(step) => sim.act(&step.act),
            Next::End(_, journey) => {
                sim.record(&journey);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(
        ["web-system", "web-data", "web-system-m2", "web-data-m2"].iter().all(|claim| sim.content(claim).is_none())
    );
    whole(&sim, &[]);
    assert!(sim.journey().unwrap().kept.is_empty());
}

#[test]
fn a_claim_that_is_used_again_or_is_another_one_is_not_cleaned_up() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, true));
    to_the_end(&mut sim, 1);
    sim.put(json!({
        "kind": kind::POD, "metadata": {"name": "reader", "namespace": sim::NAMESPACE},
        "spec": {"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "web-data"}}]},
        "status": {"phase": "Running"},
    }));
    let mut other = sim.get(kind::CLAIM, "web-system").unwrap().clone();
    other["metadata"]["uid"] = json!("another");
    sim.put(other);
    let journey = sim.journey().unwrap();
    let lefts = left(&journey, &sim.facts(), sim::NAMESPACE);
    assert!(lefts.iter().all(|left| left.refusal.is_some()), "{lefts:?}");
    assert!(matches!(clean(&journey, &sim), Next::End(..)));
}

#[test]
fn a_machine_that_was_started_while_it_was_copied_is_not_put_on_the_copies() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, true));
    while !sim.journey().unwrap().stage.starts_with("copy") {
        sim.go();
        sim.tick();
    }
    let mut vm = sim.get(kind::MACHINE, "web-vm").unwrap().clone();
    vm["metadata"]["generation"] = json!(vm["metadata"]["generation"].as_i64().unwrap() + 2);
    sim.put(vm);
    let next = sim.go();
    assert!(matches!(&next, Next::Stuck(refusal) if refusal.reason.contains("torn")), "{next:?}");
}

#[test]
fn a_guest_that_ends_while_it_is_copied_comes_back_on_its_old_disks() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, false));
    while sim.get(kind::INSTANCE, "web-vm").is_none_or(|instance| instance["status"]["changing"] != true) {
        sim.go();
        sim.tick();
    }
    let mut vm = sim.get(kind::MACHINE, "web-vm").unwrap().clone();
    vm["spec"]["runStrategy"] = json!("Halted");
    vm["status"]["conditions"] = json!([{"type": "ManualRecoveryRequired", "status": "True"}]);
    sim.put(vm);
    sim.tick();
    let Next::Stuck(refusal) = sim.go() else { panic!("it went on") };
    assert!(refusal.reason.contains("not complete") && refusal.help.contains("--abort"), "{refusal:?}");
    let back = abort(&sim.journey().unwrap(), &sim.facts(), &sim.subject(), false).unwrap();
    sim.record(&back);
    to_the_end(&mut sim, 0);
    assert_eq!(sim.claims(), SOURCES);
    whole(&sim, &SOURCES);
}

/// KubeVirt starts another guest on the empty claims, and would copy them over the old ones.
#[test]
fn a_guest_that_was_started_on_empty_claims_is_stopped_before_they_are_exchanged() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, false));
    while sim.get(kind::INSTANCE, "web-vm").is_none_or(|instance| instance["status"]["changing"] != true) {
        sim.go();
        sim.tick();
    }
    sim.empty = true;
    sim.end_guest();
    sim.tick();
    assert!(sim.runs());
    // Where its local claims were bound for the copy.
    sim.change(kind::INSTANCE, "web-vm", |instance| instance["status"]["nodeName"] = json!("two"));
    let Next::Stuck(refusal) = sim.go() else { panic!("it went on") };
    assert!(refusal.reason.contains("not complete"), "{refusal:?}");
    sim.empty = false;
    let back = abort(&sim.journey().unwrap(), &sim.facts(), &sim.subject(), false).unwrap();
    sim.record(&back);
    to_the_end(&mut sim, 0);
    sim.settle();
    assert_eq!(sim.claims(), SOURCES);
    whole(&sim, &SOURCES);
    assert!(sim.runs());
}

#[test]
fn a_class_that_gives_less_than_it_is_asked_for_is_not_copied_to() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, false));
    sim.go();
    sim.settle();
    sim.change(kind::CLAIM, "web-system-m2", |claim| claim["status"]["capacity"]["storage"] = json!("1Gi"));
    let Next::Stuck(refusal) = sim.go() else { panic!("it went on") };
    assert!(refusal.reason.contains("a volume of 1Gi") && refusal.help.contains("--abort"), "{refusal:?}");
    assert_eq!(sim.claims(), SOURCES);
}

/// Goes on until KubeVirt copies.
fn copying(wish: &Wish) -> Sim {
    let mut sim = started(Sim::new(&always()), wish);
    while sim.get(kind::INSTANCE, "web-vm").is_none_or(|instance| instance["status"]["changing"] != true) {
        sim.go();
        sim.tick();
    }
    sim
}

#[test]
fn a_guest_that_came_back_to_its_first_node_has_arrived_all_the_same() {
    let mut sim = copying(&wish(Some("fast"), None, false));
    sim.settle();
    sim.change(kind::INSTANCE, "web-vm", |instance| instance["status"]["nodeName"] = json!("one"));
    assert!(abort(&sim.journey().unwrap(), &sim.facts(), &sim.subject(), false).is_err());
    to_the_end(&mut sim, 1);
    whole(&sim, &SOURCES);
}

/// The copy ends in the moment in which it is taken back: KubeVirt then leaves the guest where it is.
#[test]
fn a_guest_that_arrives_while_it_is_taken_back_stays_on_the_new_claims() {
    let mut sim = copying(&wish(Some("fast"), None, false));
    let back = abort(&sim.journey().unwrap(), &sim.facts(), &sim.subject(), false).unwrap();
    let old = sim.get(kind::MACHINE, "web-vm").unwrap()["spec"]["template"]["spec"]["volumes"].clone();
    sim.settle();
    assert_eq!(old, sim.get(kind::INSTANCE, "web-vm").unwrap()["spec"]["volumes"]);
    // The edit that put the old claims back was on its way.
    sim.change(kind::MACHINE, "web-vm", |vm| {
        for (volume, claim) in vm["spec"]["template"]["spec"]["volumes"].as_array_mut().unwrap().iter_mut().zip(SOURCES)
        {
            volume["persistentVolumeClaim"]["claimName"] = json!(claim);
        }
    });
    sim.record(&back);
    let Next::Step(step) = sim.go() else { panic!("no step") };
    assert!(!step.journey.back && step.journey.started, "{step:?}");
    to_the_end(&mut sim, 1);
    whole(&sim, &SOURCES);
    assert_eq!(sim.claims(), ["web-system-m2", "web-data-m2"]);
}

/// KubeVirt exchanges the claims of disks that it does not copy.
#[test]
fn disks_that_kubevirt_does_not_copy_are_not_moved_live() {
    for device in [json!({"cdrom": {"bus": "sata"}}), json!({"disk": {"readonly": true}}), json!({"lun": {}})] {
        let mut sim = Sim::new(&always());
        sim.change(kind::MACHINE, "web-vm", |vm| {
            let mut entry = device.clone();
            entry["name"] = json!("data");
            vm["spec"]["template"]["spec"]["domain"]["devices"]["disks"][1] = entry;
        });
        let failed = |offline: bool| {
            let draft = begin(&sim.facts(), &sim.subject(), &wish(Some("fast"), None, offline)).unwrap();
            draft.checks.iter().any(wukong::migrate::Check::is_failed)
        };
        assert!(failed(false) && !failed(true), "{device}");
    }
}

#[test]
fn disks_that_are_only_plugged_in_and_other_writers_are_in_the_way() {
    let failed = |sim: &Sim, offline: bool| -> String {
        let draft = begin(&sim.facts(), &sim.subject(), &wish(Some("fast"), None, offline)).unwrap();
        format!("{:?}", draft.checks.iter().filter(|check| check.is_failed()).collect::<Vec<_>>())
    };
    let mut sim = Sim::new(&always());
    sim.change(kind::INSTANCE, "web-vm", |instance| {
        let hot = json!({"name": "hot", "persistentVolumeClaim": {"claimName": "x", "hotpluggable": true}});
        instance["spec"]["volumes"].as_array_mut().unwrap().push(hot);
    });
    assert!(failed(&sim, false).contains("hot is plugged in") && failed(&sim, true).contains("hot is plugged in"));
    let mut sim = Sim::new(&always());
    sim.put(json!({
        "kind": kind::POD, "metadata": {"name": "writer", "namespace": sim::NAMESPACE}, "status": {"phase": "Running"},
        "spec": {"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "web-data"}}]},
    }));
    assert!(failed(&sim, false).contains("pod writer") && failed(&sim, true).contains("pod writer"));
}

#[test]
fn the_machine_of_a_wukong_is_moved_by_the_wukongs_name() {
    let mut sim = Sim::new(&always());
    let mut record = wukong::facts::Record::default();
    record.note("kubevirt.io/v1", kind::MACHINE, "web-vm", Some("vm"));
    sim.put(record.config_map("web", sim::NAMESPACE));
    let refusal = begin(&sim.facts(), &sim.subject(), &wish(Some("fast"), None, true)).unwrap_err();
    assert!(refusal.help.contains("migrate web"), "{refusal:?}");
}

/// What the record says becomes patches.
#[test]
fn a_record_that_says_more_than_a_move_is_not_used() {
    let sim = started(Sim::new(&always()), &wish(Some("fast"), None, true));
    let good = sim.journey().unwrap();
    assert!(Journey::read(&good.config_map(sim::NAMESPACE)).is_ok());
    let bad = [
        Journey { run: json!({"template": {}}), ..good.clone() },
        Journey { run: json!({"runStrategy": "Always", "template": {}}), ..good.clone() },
        Journey { templates: vec![json!({"metadata": {"name": "other"}})], ..good.clone() },
    ];
    for journey in bad {
        assert!(Journey::read(&journey.config_map(sim::NAMESPACE)).is_err(), "{journey:?}");
    }
    let mut foreign = good.clone();
    foreign.disks[0].volume = json!({"name": "system", "secret": {"secretName": "x"}});
    assert!(Journey::read(&foreign.config_map(sim::NAMESPACE)).is_err());
    let mut renamed = good.config_map(sim::NAMESPACE);
    renamed["metadata"]["name"] = json!("wukong.move.other");
    assert!(Journey::read(&renamed).is_err());
}

/// Without anything that tells, nobody guesses.
#[test]
fn a_guest_whose_copy_is_not_known_to_be_complete_is_left_to_a_person() {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, false));
    while sim.get(kind::INSTANCE, "web-vm").is_none_or(|instance| instance["status"]["changing"] != true) {
        sim.go();
        sim.tick();
    }
    sim.tick();
    sim.forget_migrations();
    sim.end_guest();
    sim.tick();
    let Next::Stuck(refusal) = sim.go() else { panic!("it went on") };
    assert!(refusal.help.contains("web-data (old) and web-data-m2 (new)"), "{refusal:?}");
    assert!(abort(&sim.journey().unwrap(), &sim.facts(), &sim.subject(), false).is_err());
    // A person looked, and says which disks are whole.
    let mut old = sim.clone();
    let back = abort(&old.journey().unwrap(), &old.facts(), &old.subject(), true).unwrap();
    old.record(&back);
    to_the_end(&mut old, 1);
    old.settle();
    assert_eq!((old.claims(), old.runs()), (SOURCES.map(str::to_owned).to_vec(), true));
    let journey = Journey { forced: true, ..sim.journey().unwrap() };
    sim.record(&journey);
    to_the_end(&mut sim, 1);
    assert_eq!(sim.claims(), ["web-system-m2", "web-data-m2"]);
}

#[test]
fn a_machine_goes_to_another_node_live_and_off() {
    for offline in [false, true] {
        let mut sim = Sim::new(&always());
        for claim in SOURCES {
            let mut shared = sim.get(kind::CLAIM, claim).unwrap().clone();
            shared["spec"]["accessModes"] = json!(["ReadWriteMany"]);
            sim.put(shared);
        }
        let mut sim = started(sim, &wish(None, Some("two"), offline));
        to_the_end(&mut sim, 1);
        sim.settle();
        assert_eq!(sim.get(kind::INSTANCE, "web-vm").unwrap()["status"]["nodeName"], "two");
        whole(&sim, &SOURCES);
        let vm = sim.get(kind::MACHINE, "web-vm").unwrap();
        assert!(vm["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/hostname"].is_null());
    }
}

#[test]
fn what_is_in_the_way_is_told_with_the_way_out() {
    let checks = |sim: &Sim, wish: &Wish| -> Vec<String> {
        let draft = begin(&sim.facts(), &sim.subject(), wish).unwrap();
        draft.checks.iter().filter(|check| check.is_failed()).map(|check| format!("{check:?}")).collect()
    };
    let sim = Sim::new(&always());
    assert!(checks(&sim, &wish(Some("none"), None, false))[0].contains("there are fast, local"));
    assert!(checks(&sim, &wish(None, Some("three"), false))[0].contains("no such node"));
    assert!(checks(&sim, &wish(None, Some("one"), false))[0].contains("runs there already"));
    let one = Wish { disks: vec!["data".into()], ..wish(Some("fast"), None, false) };
    assert!(checks(&sim, &one)[0].contains("--disk system"));
    let mut full = sim.clone();
    full.put(json!({
        "kind": kind::QUOTA, "metadata": {"name": "small", "namespace": sim::NAMESPACE},
        "status": {"hard": {"requests.storage": "25Gi"}, "used": {"requests.storage": "20Gi"}},
    }));
    assert!(checks(&full, &wish(Some("fast"), None, true))[0].contains("5Gi left"));
    let mut stopped = Sim::new(&json!({"runStrategy": "Halted"}));
    assert!(checks(&stopped, &wish(Some("fast"), None, false)).iter().any(|check| check.contains("--offline")));
    let mut argo = stopped.get(kind::MACHINE, "web-vm").unwrap().clone();
    argo["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "shop:x"});
    stopped.put(argo);
    let refusal = begin(&stopped.facts(), &stopped.subject(), &wish(Some("fast"), None, true)).unwrap_err();
    assert!(refusal.reason.contains("Argo CD") && refusal.help.contains("--unmanaged-ok"));
    assert!(
        begin(&stopped.facts(), &stopped.subject(), &Wish { unmanaged_ok: true, ..wish(Some("fast"), None, true) })
            .is_ok()
    );
}

#[test]
fn new_claims_are_large_enough() {
    let sim = Sim::new(&always());
    let sizes = |wish: &Wish| -> Vec<String> {
        let Journey { disks, .. } = begin(&sim.facts(), &sim.subject(), wish).unwrap().journey;
        disks.into_iter().map(|disk| format!("{} {}", disk.volume_mode, disk.size)).collect()
    };
    let block = Wish { volume_mode: Some("Block".into()), ..wish(Some("fast"), None, false) };
    assert_eq!(sizes(&block), ["Block 10Gi", "Block 10Gi"]);
    // 10 GiB / 0.94, in whole mebibytes.
    assert_eq!(sizes(&wish(Some("fast"), None, false)), ["Filesystem 10894Mi", "Filesystem 10894Mi"]);
    let ways = wukong::migrate::ways(&sim.facts(), &sim.subject()).unwrap();
    assert_eq!(
        ways.ways.iter().map(|way| way.0).collect::<Vec<_>>(),
        [Way::NodeLive, Way::StorageLive, Way::NodeOffline, Way::StorageOffline]
    );
}
