use super::*;

fn change() -> Change {
    Change {
        disk: "data".into(),
        claim: "web-data-m2".into(),
        class: Some("longhorn".into()),
        access_mode: Some("ReadWriteMany".into()),
        volume_mode: Some("Block".into()),
    }
}

fn file(disk: &str) -> String {
    format!(
        "# mine\nkind: Wukong\nmetadata: {{name: web}}\nspec:\n  disks:\n    - name: system # first\n      size: 5Gi\n{disk}  memory: 1Gi # keep\n"
    )
}

#[test]
fn a_block_keeps_its_comments() {
    let text = file("    - name: data # the shop\n      storageClassName: local-path # old\n      size: 1Gi\n");
    let new = amended(&text, "web", &[change()]).unwrap();
    let disk = "    - name: data # the shop\n      claimName: web-data-m2\n      accessMode: ReadWriteMany\n      volumeMode: Block\n      storageClassName: longhorn # old\n      size: 1Gi\n";
    assert_eq!(new, file(disk));
    assert_eq!(amended(&new, "web", &[change()]).unwrap(), new);
}

#[test]
fn braces_and_json_stay() {
    let new = amended(&file("    - {name: data, storagePolicy: fast, size: 1Gi}\n"), "web", &[change()]).unwrap();
    assert!(new.contains("{name: data, claimName: web-data-m2, accessMode: ReadWriteMany, volumeMode: Block, storageClassName: longhorn, size: 1Gi}"), "{new}");
    let json = r#"{"kind":"Wukong","metadata":{"name":"web"},"spec":{"disks":[{"name":"data","size":"1Gi"}]}}"#;
    let new = amended(json, "web", &[change()]).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&new).is_ok(), "{new}");
}

#[test]
fn modes_that_are_the_default_are_not_written() {
    let back = Change { access_mode: Some("ReadWriteOnce".into()), volume_mode: Some("Filesystem".into()), ..change() };
    let new = amended(&file("    - name: data\n      size: 1Gi\n"), "web", std::slice::from_ref(&back)).unwrap();
    assert!(!new.contains("Mode"), "{new}");
    let new = amended(&file("    - name: data\n      accessMode: ReadWriteMany\n"), "web", &[back]).unwrap();
    assert!(new.contains("accessMode: ReadWriteOnce"), "{new}");
}

#[test]
fn what_cannot_be_changed_is_told() {
    assert!(amended("kind: Wukong\nmetadata: {name: other}\n", "web", &[change()]).is_err());
    assert!(amended(&file(""), "web", &[change()]).unwrap_err().contains("data"));
    assert!(amended("a: [", "web", &[change()]).is_err());
}

#[test]
fn an_existing_claim_is_named_anew() {
    let new = amended(&file("    - name: data\n      existingPVC: {name: old}\n"), "web", &[change()]).unwrap();
    assert!(new.contains("existingPVC: {name: web-data-m2}") && !new.contains("longhorn"), "{new}");
}

const ELSEWHERE: &str = "written elsewhere";

fn fails(text: &str) -> String {
    amended(text, "web", &[change()]).unwrap_err()
}

fn two(system: &str, data: &str) -> String {
    format!("kind: Wukong\nmetadata: {{name: web}}\nspec:\n  disks:\n    - {system}\n    - {data}\n")
}

#[test]
fn what_is_written_elsewhere_is_not_changed() {
    // The class of `system`, merged into `data`, and an alias of it.
    let merged = two("&d {name: system, storageClassName: local-path}", "{<<: *d, name: data}");
    assert!(fails(&merged).contains(ELSEWHERE), "{}", fails(&merged));
    let alias = two("{name: system, storageClassName: &c local-path}", "{name: data, storageClassName: *c}");
    assert!(fails(&alias).contains(ELSEWHERE), "{}", fails(&alias));
    let alias = two("{name: &n system}", "{storageClassName: *n, name: data}");
    assert!(fails(&alias).contains(ELSEWHERE), "{}", fails(&alias));
    // What others take from `data` would change with it.
    let anchor = two("&d {name: data, storageClassName: local-path}", "{<<: *d, name: system}");
    assert_eq!(fails(&anchor), FORM);
    let anchor = two("{name: data, storageClassName: &c local-path}", "{name: other, storageClassName: *c}");
    assert_eq!(fails(&anchor), FORM);
    let anchor = format!("{}labels: *c\n", two("{name: data, storageClassName: &c local-path}", "{name: other}"));
    assert_eq!(fails(&anchor), FORM);
    // Even its own name.
    let own = two("{name: system}", "{name: &n data, claimName: *n}");
    assert!(fails(&own).contains(ELSEWHERE), "{}", fails(&own));
    let disk = "x: &d {name: data, size: 1Gi}\nkind: Wukong\nmetadata: {name: web}\nspec: {disks: [*d]}\n";
    assert_eq!(fails(disk), FORM);
    let existing = two("{name: system, existingPVC: &e {name: old}}", "{name: data, existingPVC: *e}");
    assert!(fails(&existing).contains(ELSEWHERE), "{}", fails(&existing));
    assert!(fails(&two("{name: data}", "{name: data}")).contains("several disks"));
    // An anchor that nobody else uses is no obstacle.
    let alone = two("{name: system}", "&d {name: data, storageClassName: &c local-path}");
    let new = amended(&alone, "web", &[change()]).unwrap();
    assert!(new.contains("storageClassName: &c longhorn"), "{new}");
}

#[test]
fn json_stays_json() {
    let text = |disk: &str| {
        format!(r#"{{"kind": "Wukong", "metadata": {{"name": "web"}}, "spec": {{"disks": [{disk}], "cpu": 2}}}}"#)
    };
    for disk in [
        r#"{"name": "data", "storageClassName": "local-path", "accessMode": "ReadWriteOnce"}"#,
        r#"{"storagePolicy": "fast", "size": "1Gi", "name": "data"}"#,
        r#"{"name": "data", "claimName": null, "storageClassName":"a"}"#,
        "{\n  \"name\": \"data\",\n\t\"storageClassName\": \"local-path\"\n}",
    ] {
        let new = amended(&text(disk), "web", &[change()]).unwrap();
        let json: serde_json::Value = serde_json::from_str(&new).unwrap();
        let disk = &json["spec"]["disks"][0];
        assert_eq!(disk["claimName"], "web-data-m2", "{new}");
        assert_eq!(disk["storageClassName"], "longhorn", "{new}");
        assert_eq!(disk["accessMode"], "ReadWriteMany", "{new}");
        assert!(disk.get("storagePolicy").is_none(), "{new}");
        assert_eq!(json["spec"]["cpu"], 2);
    }
    let new = amended(&text(r#"{"name": "data", "existingPVC": {"name": "old"}}"#), "web", &[change()]).unwrap();
    let json: serde_json::Value = serde_json::from_str(&new).unwrap();
    assert_eq!(json["spec"]["disks"][0]["existingPVC"]["name"], "web-data-m2");
}

#[test]
fn quotes_stay_and_come_where_they_must() {
    let disk = "    - name: data\n      \"storagePolicy\": 'fast' # why\n      accessMode: \"ReadWriteOnce\"\n      claimName:\n";
    let new = amended(&file(disk), "web", &[change()]).unwrap();
    let disk = "    - name: data\n      volumeMode: Block\n      \"storageClassName\": 'longhorn' # why\n      accessMode: \"ReadWriteMany\"\n      claimName: web-data-m2\n";
    assert_eq!(new, file(disk));
    for name in ["123", "1e3", "yes", "n", "null", "0x1f", "1-data", "2001-01-01"] {
        let change = Change { claim: name.into(), class: Some(name.into()), ..change() };
        let new = amended(&file("    - {name: data, storageClassName: old}\n"), "web", &[change]).unwrap();
        let quoted = format!("claimName: \"{name}\"");
        assert!(new.contains(&quoted) && new.contains(&format!("storageClassName: \"{name}\"")), "{new}");
    }
    // Lines of text that are folded are left to a person.
    assert_eq!(fails(&file("    - name: data\n      storageClassName: |-\n        old\n")), FORM);
}

#[test]
fn other_documents_stay() {
    let other = "kind: Wukong\nmetadata: {name: other}\nspec: {disks: [{name: data, storageClassName: old}]}\n";
    let claim = "kind: ConfigMap\nmetadata: {name: web}\nspec: {disks: [{name: data}]}\n";
    let disk = "    - name: data\n      size: 1Gi # last\n";
    let text = format!("{other}---\n{}---\n{claim}", file(disk));
    let new = amended(&text, "web", &[change()]).unwrap();
    assert!(new.starts_with(other) && new.ends_with(claim) && new.contains("size: 1Gi # last\n"), "{new}");
    assert_eq!(new.matches("web-data-m2").count(), 1);
    assert!(fails(&format!("{}---\n{}", file(disk), file(disk))).contains("exactly one"));
}

#[test]
fn the_ends_of_lines_stay() {
    let text = file("    - size: 1Gi # first\n      name: data\n      storageClassName: old # last\n");
    let unix = amended(&text, "web", &[change()]).unwrap();
    let windows = amended(&text.replace('\n', "\r\n"), "web", &[change()]).unwrap();
    assert_eq!(windows, unix.replace('\n', "\r\n"));
    assert!(unix.contains("      name: data\n      claimName: web-data-m2\n"), "{unix}");
    // A file that ends with the name, without a line end.
    let text = "kind: Wukong\nmetadata: {name: web}\nspec:\n  disks:\n  - name: data";
    let unix = amended(text, "web", &[change()]).unwrap();
    assert!(
        unix.ends_with("\n    storageClassName: longhorn\n    accessMode: ReadWriteMany\n    volumeMode: Block"),
        "{unix}"
    );
    assert_eq!(amended(&text.replace('\n', "\r\n"), "web", &[change()]).unwrap(), unix.replace('\n', "\r\n"));
}

#[test]
fn tabs_and_comments_between_braces() {
    let disk = "    - {\n        \tname: data,\t# the shop\n        \tstorageClassName:\told\t# last\n      }\n";
    let new = amended(&file(disk), "web", &[change()]).unwrap();
    let disk = "    - {\n        \tname: data, claimName: web-data-m2, accessMode: ReadWriteMany, volumeMode: Block,\t# the shop\n        \tstorageClassName:\tlonghorn\t# last\n      }\n";
    assert_eq!(new, file(disk));
    let new = amended(&file("    - name:\tdata\t# the shop\n      size: 1Gi\n"), "web", &[change()]).unwrap();
    assert!(new.contains("    - name:\tdata\t# the shop\n      claimName: web-data-m2\n"), "{new}");
}
