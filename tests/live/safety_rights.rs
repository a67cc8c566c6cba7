//! Users who may do less than all of it.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use cluster::{Cluster, Reference, Right};
use serde_json::json;

use crate::safety::{Inventory, admin, file, same, state, wukong};
use crate::world::{machine, until_gone};

const SPEC: &str = "  disks: [{name: data, size: 1Gi}]
  cloudInitUser: {name: admin, password: change-me-soon}
  startStrategy: {autoStart: false}
";

const ALL: &str = "get,list,create,patch,update,delete";

/// A user of a namespace: what of each kind is allowed there, and which kinds of the cluster may be read.
async fn user(cluster: &Cluster, namespace: &str, name: &str, rights: &Rights) -> Result<PathBuf> {
    let machines = "virtualmachines,virtualmachineinstances";
    let own = [
        ("", "configmaps", rights.others),
        ("", "resourcequotas", "get,list"),
        ("", "pods", rights.pods),
        ("", "persistentvolumeclaims", rights.claims),
        ("", "secrets", rights.secrets),
        ("kubevirt.io", machines, rights.others),
        ("cdi.kubevirt.io", "datavolumes", rights.others),
        ("k8s.cni.cncf.io", "network-attachment-definitions", rights.others),
    ];
    let given = own.iter().filter(|(_, _, verbs)| !verbs.is_empty());
    let own: Vec<_> = given.map(|(group, resources, verbs)| Right::to(verbs, group, resources)).collect();
    let mut all = vec![Right::to("get,list", "kubevirt.io", "kubevirts")];
    if rights.classes {
        all.push(Right::to("get,list", "storage.k8s.io", "storageclasses"));
        all.push(Right::to("get,list", "cdi.kubevirt.io", "cdiconfigs"));
    }
    cluster.user(namespace, name, &own, &all).await
}

struct Rights {
    pods: &'static str,
    claims: &'static str,
    secrets: &'static str,
    others: &'static str,
    classes: bool,
}

const FULL: Rights = Rights { pods: "get,list", claims: ALL, secrets: ALL, others: ALL, classes: true };

/// Who may only read sees what would be done, and is told which right is missing to do it.
pub async fn only_reading(cluster: &Cluster) -> Result<()> {
    let namespace = "rights-read";
    cluster.namespace(namespace).await?;
    let path = file(cluster, namespace, &machine(SPEC))?;
    let read = "get,list";
    let rights = Rights { claims: read, secrets: read, others: read, ..FULL };
    let reader = user(cluster, namespace, "reader", &rights).await?;
    let (diff, apply) = (["diff", "-n", namespace, "-f", &path], ["apply", "-n", namespace, "-f", &path]);
    wukong(&reader, &diff).await?.ended(1)?.said("3 to create")?;
    wukong(&reader, &apply)
        .await?
        .ended(4)?
        .said("cannot create configmaps")?
        .said("kubectl auth can-i create configmaps")?;
    ensure!(state(cluster, namespace).await?.as_object().is_some_and(serde_json::Map::is_empty));
    wukong(&admin(cluster), &apply).await?.ended(0)?;
    let before = state(cluster, namespace).await?;
    wukong(&reader, &diff).await?.ended(0)?;
    let changed = file(cluster, "rights-read-2", &machine(SPEC).replace("cpu: 1", "cpu: 2"))?;
    wukong(&reader, &["diff", "-n", namespace, "-f", &changed]).await?.ended(1)?;
    let ran = wukong(&reader, &["apply", "-n", namespace, "-f", &changed]).await?.ended(4)?;
    ran.said("cannot patch virtualmachines")?.said("web-vm")?;
    same(&before, &state(cluster, namespace).await?)
}

/// Who may not see pods and classes works on, and is told what is not known.
pub async fn without_classes_and_pods(cluster: &Cluster) -> Result<()> {
    let namespace = "rights-classes";
    cluster.namespace(namespace).await?;
    let path = file(cluster, namespace, &machine(SPEC))?;
    let rights = Rights { pods: "", classes: false, ..FULL };
    let blind = user(cluster, namespace, "blind", &rights).await?;
    let (diff, apply) = (["diff", "-n", namespace, "-f", &path], ["apply", "-n", namespace, "-f", &path]);
    wukong(&blind, &diff).await?.ended(1)?.said("cannot list storageclasses")?;
    wukong(&blind, &apply).await?.ended(0)?.said("cannot list storageclasses")?;
    wukong(&blind, &diff).await?.ended(0)?.said("cannot list pods")?;
    Ok(())
}

/// Who may not write Secrets is told which; an administrator finishes the work.
pub async fn without_writing_secrets(cluster: &Cluster) -> Result<()> {
    let path = file(cluster, "rights-secrets", &machine(SPEC))?;
    for namespace in ["rights-secrets", "rights-secrets-none"] {
        cluster.namespace(namespace).await?;
    }
    let namespace = "rights-secrets";
    let rights = Rights { secrets: "get", ..FULL };
    let half = user(cluster, namespace, "half", &rights).await?;
    let apply = |namespace| ["apply", "-n", namespace, "-f", &path];
    wukong(&half, &apply(namespace))
        .await?
        .ended(4)?
        .said("cannot patch secrets `rights-secrets/web-cloud-init`")?
        .said("  help: `kubectl auth can-i patch secrets")?;
    let before = Inventory::of(cluster, namespace).await?;
    wukong(&admin(cluster), &apply(namespace)).await?.ended(0)?;
    wukong(&admin(cluster), &apply("rights-secrets-none")).await?.ended(0)?;
    same(&state(cluster, "rights-secrets-none").await?, &state(cluster, namespace).await?)?;
    before.still_there(cluster).await
}

/// A Secret that may not be read is unknown, not different.
pub async fn without_reading_secrets(cluster: &Cluster) -> Result<()> {
    let namespace = "rights-unread";
    cluster.namespace(namespace).await?;
    let path = file(cluster, namespace, &machine(SPEC))?;
    let rights = Rights { secrets: "", ..FULL };
    let blind = user(cluster, namespace, "blind", &rights).await?;
    let apply = ["apply", "-n", namespace, "-f", &path];
    wukong(&blind, &apply).await?.ended(5)?.said("cannot get secrets `rights-unread/web-cloud-init`")?;
    wukong(&admin(cluster), &apply).await?.ended(0)?;
    let before = state(cluster, namespace).await?;
    wukong(&blind, &["diff", "-n", namespace, "-f", &path])
        .await?
        .ended(0)?
        .said("cannot get secrets `rights-unread/web-cloud-init`")?;
    wukong(&blind, &apply).await?.ended(0)?;
    same(&before, &state(cluster, namespace).await?)?;
    let claims = Inventory::of(cluster, namespace).await?;
    let delete = ["delete", "-n", namespace, "web", "--yes"];
    wukong(&blind, &delete).await?.ended(0)?.said("Secret/web-cloud-init: it stays")?;
    claims.still_there(cluster).await
}

/// Whose claims there are must be known before one is written.
pub async fn without_listing_claims(cluster: &Cluster) -> Result<()> {
    let namespace = "rights-claims";
    cluster.namespace(namespace).await?;
    let path = file(cluster, namespace, &machine(SPEC))?;
    let rights = Rights { claims: "get,create,patch", ..FULL };
    let blind = user(cluster, namespace, "blind", &rights).await?;
    let apply = ["apply", "-n", namespace, "-f", &path];
    wukong(&blind, &apply).await?.ended(5)?.said("cannot list persistentvolumeclaims")?;
    ensure!(state(cluster, namespace).await?.as_object().is_some_and(serde_json::Map::is_empty));
    wukong(&admin(cluster), &apply).await?.ended(0)?;
    let before = Inventory::of(cluster, namespace).await?;
    ensure!(before.len() == 1);
    wukong(&blind, &["diff", "-n", namespace, "-f", &path]).await?.ended(5)?;
    wukong(&blind, &apply).await?.ended(5)?;
    before.still_there(cluster).await?;
    // What goes is told with the disks that stay, whether they can be looked at by name or not.
    let delete = ["delete", "-n", namespace, "web", "--yes"];
    for (name, claims) in [("by-name", "get"), ("not-at-all", "")] {
        let blind = user(cluster, namespace, name, &Rights { claims, ..FULL }).await?;
        let ran = wukong(&blind, &delete).await?.ended(0)?;
        ran.said("kept the claims web-data")?.said("cannot list persistentvolumeclaims")?;
        before.still_there(cluster).await?;
        wukong(&admin(cluster), &["apply", "-n", namespace, "-f", &path, "--adopt"]).await?.ended(0)?;
    }
    before.still_there(cluster).await
}

/// Who may not see machines is told that, and not that there are none.
pub async fn without_listing_machines(cluster: &Cluster) -> Result<()> {
    let namespace = "rights-machines";
    cluster.namespace(namespace).await?;
    let path = file(cluster, namespace, &machine(SPEC))?;
    wukong(&admin(cluster), &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    let given = [("", "configmaps"), ("", "persistentvolumeclaims"), ("", "pods"), ("cdi.kubevirt.io", "datavolumes")];
    let given = given.map(|(group, resources)| Right::to("get,list", group, resources));
    let blind = cluster.user(namespace, "blind", &given, &[]).await?;
    for args in [
        &["start", "web"][..],
        &["stop", "web"],
        &["expand", "web", "--disk", "data", "--size", "2Gi"],
        &["adopt", "web"],
        &["snapshot", "create", "web"],
        &["export", "web", "--disk", "data", "--output", "nowhere.img"],
    ] {
        let ran = wukong(&blind, &[args, &["-n", namespace]].concat()).await?.ended(4)?;
        let told = ran.told();
        ensure!(told.contains("cannot list virtualmachines") && !told.contains("there is no"), "{args:?}: {told}");
        ensure!(told.contains("kubectl auth can-i list virtualmachines"), "{args:?}: {told}");
    }
    Ok(())
}

/// A network is of no use to its namespace alone: who may not look into the others leaves it there.
pub async fn a_network_of_all_namespaces(cluster: &Cluster) -> Result<()> {
    let (namespace, other) = ("rights-networks", "rights-networks-other");
    cluster.namespace(namespace).await?;
    cluster.namespace(other).await?;
    let less = file(cluster, "rights-networks-less", &machine(SPEC))?;
    let spec = format!("  networks: [{{name: default}}, {{name: lan, type: bridge, bridgeName: br0}}]\n{SPEC}");
    let path = file(cluster, namespace, &machine(&spec))?;
    let admin = &admin(cluster);
    let apply = ["apply", "-n", namespace, "-f", &path];
    let prune = ["apply", "-n", namespace, "-f", &less, "--prune", "--yes"];
    let delete = ["delete", "-n", namespace, "web", "--yes"];
    let user_of_it = json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"namespace": other, "name": "far"},
        "spec": {"runStrategy": "Halted", "template": {"spec": {
            "domain": {"memory": {"guest": "1Gi"}, "devices": {"interfaces": [{"name": "lan", "bridge": {}}]}},
            "networks": [{"name": "lan", "multus": {"networkName": "rights-networks/web-lan"}}],
        }}},
    });
    let network = Reference::new("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", namespace, "web-lan");
    let is_there = async || Ok::<_, anyhow::Error>(cluster.objects.get(&network).await?.is_some());
    wukong(admin, &apply).await?.ended(0)?;

    let of_one = user(cluster, namespace, "of-one", &FULL).await?;
    let way_out = "kubectl delete network-attachment-definition web-lan -n rights-networks";
    wukong(&of_one, &prune).await?.ended(0)?.said("cannot list virtualmachine")?.said(way_out)?;
    ensure!(is_there().await?, "nobody knew whether it was used");
    cluster.objects.apply(&user_of_it).await?;
    wukong(admin, &["diff", "-n", namespace, "-f", &less, "--prune"]).await?.said("the VirtualMachine far uses it")?;
    wukong(admin, &prune).await?.ended(0)?.said("the VirtualMachine far uses it")?;
    wukong(admin, &delete).await?.ended(0)?.said("it stays: the VirtualMachine far uses it")?;
    ensure!(is_there().await?, "the machine of another namespace has lost its network");

    let user_of_it = Reference::of(&user_of_it);
    cluster.objects.delete(&user_of_it).await?;
    until_gone(cluster, &user_of_it).await?;
    let adopt = [&apply[..], &["--adopt"]].concat();
    wukong(admin, &adopt).await?.ended(0)?;
    wukong(&of_one, &delete).await?.ended(0)?.said(way_out)?;
    ensure!(is_there().await?, "nobody knew whether it was used");
    wukong(admin, &adopt).await?.ended(0)?;
    wukong(admin, &delete).await?.ended(0)?.said("deleted NetworkAttachmentDefinition web-lan")?;
    until_gone(cluster, &network).await
}
