//! The roles of `plugin-manifests/rbac.yaml` against each other and against what `doctor` asks for. That they are neither
//! too much nor too little is found by `tests/live/rights.rs`.

use std::collections::BTreeSet;
use std::fs;

use wukong::facts::Way;
use wukong::migrate::needs;

use crate::support::root;

type Row = (String, String, String);

/// What a role allows: verb, group, resource.
fn rows(name: &str) -> BTreeSet<Row> {
    let text = fs::read_to_string(root().join("plugin-manifests/rbac.yaml")).unwrap();
    let roles = cluster::documents(&text).unwrap();
    let role = roles.iter().find(|role| role["metadata"]["name"] == name).unwrap();
    let mut all = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        let texts = |key: &str| -> Vec<String> {
            rule[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        for (group, resource) in
            texts("apiGroups").iter().flat_map(|group| texts("resources").into_iter().map(move |one| (group, one)))
        {
            all.extend(texts("verbs").into_iter().map(|verb| (verb, group.clone(), resource.clone())));
        }
    }
    all
}

#[test]
fn each_role_has_all_of_the_one_before() {
    let all = ["cluster-reader", "viewer", "operator", "migrator"].map(|name| rows(&format!("wukong-{name}")));
    assert!(all.is_sorted_by(|less, more| less.is_subset(more) && less != more));
    let every = &all[3];
    assert!(every.iter().all(|(verb, group, resource)| [verb, group, resource].iter().all(|word| *word != "*")));
    let looks = &all[1];
    assert!(looks.iter().all(|(verb, ..)| ["get", "list"].contains(&verb.as_str())), "a viewer changes nothing");
    assert!(
        !every.iter().any(|(verb, _, resource)| verb == "list" && resource == "secrets"),
        "Secrets are never listed"
    );
}

/// What a person is told to ask for is what the roles give; what is only asked for where it is there, is not told.
#[test]
fn doctor_asks_for_what_the_roles_give() {
    let told: BTreeSet<Row> = wukong::doctor::rights()
        .into_iter()
        .map(|right| (right.verb.to_owned(), right.group.to_owned(), right.resource.to_owned()))
        .collect();
    let given = rows("wukong-migrator");
    let not_given: Vec<_> = told.difference(&given).collect();
    assert!(not_given.is_empty(), "{not_given:#?}");
    let storage_systems = [
        "longhorn.io",
        "ceph.rook.io",
        "topolvm.io",
        "local.openebs.io",
        "zfs.openebs.io",
        "openebs.io",
        "hostpathprovisioner.kubevirt.io",
        "piraeus.io",
        "velero.io",
    ];
    // What doctor itself cannot read it tells where it would have used it.
    let own = ["cdis", "csidrivers"];
    let not_told: Vec<_> = given
        .difference(&told)
        .filter(|(_, group, resource)| !storage_systems.contains(&group.as_str()) && !own.contains(&resource.as_str()))
        .collect();
    assert!(not_told.is_empty(), "{not_told:#?}");
    let ways = [Way::NodeLive, Way::NodeOffline, Way::StorageLive, Way::StorageOffline];
    for need in ways.into_iter().flat_map(needs) {
        let row = (need.verb.to_owned(), need.group.to_owned(), need.resource.to_owned());
        assert!(told.contains(&row), "a move asks for {row:?}");
    }
}
