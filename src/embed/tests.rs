use serde_json::{Value, json};

use super::*;
use crate::facts::kind;

const FILE: &str = "
apiVersion: vm.novasphere.dev/v1alpha1
kind: Wukong
metadata: {name: web, namespace: prod}
spec:
  cpu: 2
  memory: 4Gi
  disks: [{name: system, size: 20Gi, image: quay.io/containerdisks/fedora:42, storageClassName: fast}]
";

fn done(answer: &Answer) -> Value {
    assert_eq!(answer.status, Status::Done, "{}", answer.json);
    serde_json::from_str(&answer.json).unwrap()
}

fn failed(answer: &Answer, status: Status) -> Value {
    assert_eq!(answer.status, status, "{}", answer.json);
    let answer: Value = serde_json::from_str(&answer.json).unwrap();
    let error = &answer["error"];
    assert_eq!(error["status"], status_word(status));
    assert!(!error["message"].as_str().unwrap().is_empty() && !error["help"].as_str().unwrap().is_empty(), "{error}");
    error.clone()
}

const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::BadRequest => "bad-request",
        Status::BadFile => "bad-file",
        Status::NotFound => "not-found",
        Status::Refused => "refused",
    }
}

/// What the cluster would have after an apply, whole.
fn facts(whole: bool) -> Value {
    let rendered = done(&render(FILE, ""));
    let mut objects = rendered["items"].as_array().unwrap().clone();
    for object in &mut objects {
        object["metadata"]["uid"] = json!("u");
    }
    json!({"kind": "WukongFacts", "version": 1, "time": 1_767_268_800, "whole": whole, "objects": objects})
}

#[test]
fn a_file_is_checked_as_on_the_command_line() {
    let report = done(&validate(&FILE.replace("cpu: 2", "cpu: 100"), "{name: web.yaml}"));
    assert_eq!((&report["valid"], &report["errors"]), (&json!(false), &json!(1)));
    let problem = &report["problems"][0];
    assert_eq!(problem["code"], "WK105");
    assert_eq!((&problem["file"], &problem["line"], &problem["column"]), (&json!("web.yaml"), &json!(6), &json!(8)));
    assert_eq!(done(&validate(FILE, ""))["valid"], true);
    assert_eq!(
        done(&validate("kind: Secret\n", ""))["problems"].as_array().unwrap().len(),
        2,
        "another kind, no machine"
    );
}

#[test]
fn manifests_are_those_of_the_command_line() {
    let answer = done(&render(FILE, "{yaml: true, picture: svg}"));
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.last().unwrap()["kind"], "VirtualMachine");
    let documents = answer["documents"].as_array().unwrap();
    assert_eq!(documents.len(), items.len());
    assert!(documents[0]["text"].as_str().unwrap().starts_with("---\n"), "{documents:?}");
    let picture = answer["picture"].as_str().unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("web-system"), "{picture}");
    let error = failed(&render(&FILE.replace("4Gi", "4GB"), ""), Status::BadFile);
    assert_eq!(error["problems"][0]["code"], "WK106");
}

#[test]
fn a_picture_does_not_call_a_claim_empty_that_exists() {
    let file = FILE.replace("disks: [", "disks: [{name: kept, existingPVC: {name: old}}, ");
    let picture = done(&render(&file, "{picture: dot}"))["picture"].as_str().unwrap().to_owned();
    assert!(picture.contains("a file does not tell what is in it"), "{picture}");
    let boxed = picture.lines().find(|line| line.contains("claim old")).unwrap();
    assert!(!boxed.contains("no bytes to lose"), "{boxed}");
}

#[test]
fn options_decide_what_is_rendered() {
    let kinds = |options: &str| {
        let file = FILE.replace("  disks", "  cloudInitUser: {name: core, password: hunter2}\n  disks");
        let answer = done(&render(&file, options));
        answer["items"].as_array().unwrap().iter().map(|item| item["kind"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(kinds("").len(), 3);
    assert_eq!(kinds("{\"secrets\": \"only\"}"), ["Secret"]);
    assert_eq!(kinds("secrets: omit"), ["DataVolume", "VirtualMachine"]);
    let open = FILE.replace(", namespace: prod", "").replace("storageClassName: fast", "storagePolicy: fast");
    let given = "{namespace: shop, keepAnnotations: false, storagePolicies: {fast: ceph-ssd}}";
    let answer = done(&render(&open, given));
    let volume = &answer["items"][0];
    assert_eq!(volume["metadata"]["namespace"], "shop");
    assert_eq!(volume["spec"]["storage"]["storageClassName"], "ceph-ssd");
    assert!(!volume.to_string().contains("argocd"), "{volume}");
}

#[test]
fn options_that_nobody_knows_are_refused() {
    for (options, says) in [
        ("{namespaces: prod}", "there is no option `namespaces`"),
        ("[]", "no mapping"),
        ("{namespace: 3}", "not a text"),
        ("{namespace: Prod}", "not the name of a namespace"),
        ("{yaml: 1}", "not true or false"),
        ("{picture: png}", "not one of svg"),
        ("{secrets: none}", "not one of include"),
        ("{storagePolicies: {quick: a}}", "storagePolicies"),
        ("a: 1\n---\nb: 2", "2 documents"),
        ("{a: [", "cannot be read: "),
    ] {
        let error = failed(&render(FILE, options), Status::BadRequest);
        assert!(error["message"].as_str().unwrap().contains(says), "{options}: {error}");
    }
    let error = failed(&schema("{a: [}"), Status::BadRequest);
    assert_eq!(error["problems"][0]["file"], "options");
}

#[test]
fn a_plan_needs_whole_objects() {
    let error = failed(&plan(FILE, &facts(false).to_string(), ""), Status::BadRequest);
    assert!(error["message"].as_str().unwrap().contains("whole"), "{error}");
    let nothing = json!({"kind": "WukongFacts", "version": 1, "time": 0, "whole": true, "objects": []}).to_string();
    let answer = done(&plan(FILE, &nothing, ""));
    let steps = answer["machines"][0]["steps"].as_array().unwrap();
    assert!(!steps.is_empty() && steps.iter().all(|step| step["op"] == "create"), "{answer}");
    let there = plan(FILE, &facts(true).to_string(), "{adopt: true}");
    assert!(done(&there)["machines"][0]["refusals"].as_array().unwrap().is_empty(), "{}", there.json);
    assert!(!done(&plan(FILE, &facts(true).to_string(), ""))["machines"][0]["refusals"].as_array().unwrap().is_empty());
    failed(&plan("kind: Wukong", &nothing, ""), Status::BadFile);
}

#[test]
fn facts_tell_how_machines_are_and_where_bytes_lie() {
    let facts = facts(false).to_string();
    let all = done(&status(&facts, ""));
    assert_eq!((&all["kind"], &all["items"][0]["metadata"]["name"]), (&json!("List"), &json!("web")));
    let located = done(&locate(&facts, "{names: [web], picture: mermaid}"));
    assert_eq!(located["items"][0]["disks"][0]["pvcName"], "web-system");
    assert!(located["picture"].as_str().unwrap().starts_with("flowchart"), "{located}");
    let lost = done(&locate(&facts, "{if: vm-deleted}"));
    assert_eq!((&lost["event"], &lost["items"][0]["wukong"]), (&json!("the VM is deleted"), &json!("web")));
    failed(&locate(&facts, "{if: node-lost=n9}"), Status::NotFound);
    failed(&locate(&facts, "{if: rain}"), Status::BadRequest);
    failed(&status("{}", ""), Status::BadRequest);
    failed(&status("", ""), Status::BadRequest);
    // The same document in YAML.
    let yaml = crate::text::yaml(&serde_json::from_str::<Value>(&facts).unwrap());
    assert_eq!(done(&status(&yaml, "")), all);
    let unread = json!({"kind": "WukongFacts", "version": 1, "time": 0, "objects": [],
        "unread": [{"kind": kind::MACHINE, "reason": "forbidden"}]});
    failed(&status(&unread.to_string(), ""), Status::NotFound);
}

#[test]
fn moves_are_planned_with_their_checks() {
    let facts = facts(false).to_string();
    let ways = done(&migrate_plan(&facts, "{machine: web}"));
    assert_eq!(ways["ways"].as_array().unwrap().len(), 4, "{ways}");
    let draft = done(&migrate_plan(&facts, "{machine: web, class: longhorn, offline: true, now: 1767268800}"));
    assert_eq!((&draft["way"], &draft["disks"][0]["newClaim"]), (&json!("storage-offline"), &json!("web-system-m2")));
    assert!(!draft["checks"].as_array().unwrap().is_empty() && !draft["steps"].as_array().unwrap().is_empty());
    failed(&migrate_plan(&facts, ""), Status::BadRequest);
    failed(&migrate_plan(&facts, "{machine: web, class: a, node: b}"), Status::BadRequest);
    failed(&migrate_plan(&facts, "{machine: web, class: a, accessMode: RWX}"), Status::BadRequest);
    failed(&migrate_plan(&facts, "{machine: other}"), Status::NotFound);
    let error = failed(&migrate_plan(&facts, "{machine: web, class: a, disks: [none]}"), Status::Refused);
    assert!(error["message"].as_str().unwrap().contains("no disk none"), "{error}");
}

#[test]
fn no_text_is_answered_with_a_fault() {
    let deep = "[".repeat(100_000);
    let wide = "a: {".repeat(10_000);
    let large = " ".repeat(MAX_BYTES + 1);
    let texts = ["", "\0", "\u{feff}", "---\n---\n", "{", "null", "[]", "0", "&a [*a]", FILE, &deep, &wide, &large];
    for one in texts {
        for other in ["", FILE, one] {
            let answers = [
                validate(one, other),
                render(one, other),
                schema(one),
                plan(FILE, one, other),
                plan(one, other, ""),
                status(one, other),
                locate(one, other),
                migrate_plan(one, other),
            ];
            for answer in answers {
                let value: Value = serde_json::from_str(&answer.json).unwrap();
                assert_eq!(answer.status == Status::Done, value.get("error").is_none(), "{}", answer.json);
            }
        }
    }
    let error = failed(&render(&large, ""), Status::BadRequest);
    assert!(error["message"].as_str().unwrap().contains("64 MiB"), "{error}");
}

#[test]
fn secrets_are_in_no_error() {
    let file = FILE.replace("  disks", "  cloudInitUser: {name: 'a b', password: hunter2}\n  disks");
    for answer in [render(&file, ""), validate(&file, ""), plan(&file, "", "")] {
        assert!(!answer.json.contains("hunter2"), "{}", answer.json);
    }
    let error = failed(&render(FILE, "{\"\\u001b[31m\": 1}"), Status::BadRequest);
    assert!(!error["message"].as_str().unwrap().contains('\u{1b}'), "{error}");
}
