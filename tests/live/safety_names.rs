//! Claims that two want: names that meet, and disks that somebody uses.

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::safety::{Inventory, admin, all, file, wukong};
use crate::world::{claim, machine};

/// Both call their claim `a-b-c`.
fn files(cluster: &Cluster, image: &str) -> Result<[String; 2]> {
    let one = |name: &str, disk: &str, size: &str, image: &str| {
        let disk = format!("  disks: [{{name: {disk}, size: {size}{image}}}]\n  startStrategy: {{autoStart: false}}\n");
        file(
            cluster,
            &format!("names-{name}-{}", image.len()),
            &machine(&disk).replace("name: web", &format!("name: {name}")),
        )
    };
    Ok([one("a", "b-c", "1Gi", "")?, one("a-b", "c", "2Gi", image)?])
}

const IMAGE: &str = ", image: 'quay.io/containerdisks/fedora:42'";

/// One after the other: the second is refused, and the claim is the first one's still.
pub async fn meet_in_turn(cluster: &Cluster) -> Result<()> {
    let admin = admin(cluster);
    for (at, image) in ["", IMAGE].into_iter().enumerate() {
        let files = files(cluster, image)?;
        for first in 0..2 {
            let namespace = format!("names-turn-{at}-{first}");
            cluster.namespace(&namespace).await?;
            wukong(&admin, &["apply", "-n", &namespace, "-f", &files[first]]).await?.ended(0)?;
            if first == 1 && at == 1 {
                let made = |object: Option<&Value>| object.is_some();
                cluster.objects.wait(&claim(&namespace, "a-b-c"), crate::world::LONG, made).await?;
            }
            let before = Inventory::of(cluster, &namespace).await?;
            for command in ["diff", "apply"] {
                let ran = wukong(&admin, &[command, "-n", &namespace, "-f", &files[1 - first]]).await?.ended(5)?;
                ran.said(["belongs to the Wukong `a`", "belongs to the Wukong `a-b`"][first])?;
            }
            won(cluster, &namespace, first).await?;
            before.still_there(cluster).await?;
            let record = Reference::new("v1", "ConfigMap", &namespace, ["wukong-a-b", "wukong-a"][first]);
            ensure!(cluster.objects.get(&record).await?.is_none(), "the refused one wrote its record");
        }
    }
    Ok(())
}

/// Whose the claim is: 0 is `a` with 1 GiB, 1 is `a-b` with 2 GiB.
async fn won(cluster: &Cluster, namespace: &str, winner: usize) -> Result<()> {
    let found = cluster.objects.get(&claim(namespace, "a-b-c")).await?.context("no claim")?;
    let label = &found["metadata"]["labels"]["vm.novasphere.dev/wukong"];
    ensure!(label == ["a", "a-b"][winner], "{label} has it, not number {winner}");
    let size = &found["spec"]["resources"]["requests"]["storage"];
    // CDI adds what a file system takes.
    ensure!((size == "1Gi") == (winner == 0), "{size}");
    Ok(())
}

/// Both at once: one wins, the other is told, and then has no way to take it.
pub async fn meet_at_once(cluster: &Cluster) -> Result<()> {
    let admin = &admin(cluster);
    let files = &files(cluster, "")?;
    all((0..4).map(async |round: usize| {
        let namespace = format!("names-once-{round}");
        cluster.namespace(&namespace).await?;
        let args = |at: usize| ["apply", "-n", &namespace, "-f", &files[at]];
        let (first, second) = (args(round % 2), args(1 - round % 2));
        let (one, two) = tokio::join!(wukong(admin, &first), wukong(admin, &second));
        let (one, two) = (one?, two?);
        ensure!(one.worked_or_told()? != two.worked_or_told()?, "{}\n{}", one.told(), two.told());
        let winner = if one.code == Some(0) { round % 2 } else { 1 - round % 2 };
        won(cluster, &namespace, winner).await?;
        let before = Inventory::of(cluster, &namespace).await?;
        wukong(admin, &args(1 - winner)).await?.ended(5)?;
        wukong(admin, &args(winner)).await?.ended(0)?;
        won(cluster, &namespace, winner).await?;
        // Giving up the loser takes nothing of the winner along.
        wukong(admin, &["delete", "-n", &namespace, ["a-b", "a"][winner], "--yes"]).await?;
        won(cluster, &namespace, winner).await?;
        before.still_there(cluster).await
    }))
    .await
    .map(|_| ())
}

/// A claim that another machine or a plain pod uses is not written to by a second one; both may read it.
pub async fn a_claim_in_use(cluster: &Cluster) -> Result<()> {
    let namespace = "claim-in-use";
    cluster.namespace(namespace).await?;
    let admin = admin(cluster);
    let shared = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": namespace, "name": name},
            "spec": {
                "storageClassName": "longhorn-migratable", "accessModes": ["ReadWriteMany"], "volumeMode": "Block",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        })
    };
    let pod = |claim: &str, reads: bool| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": format!("pod-{claim}")},
            "spec": {
                "containers": [{"name": "main", "image": "example.com/main"}],
                "volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": claim, "readOnly": reads}}],
            },
        })
    };
    let names = ["by-machine", "by-pod", "read-machine", "read-pod"];
    for name in names {
        cluster.objects.apply(&shared(name)).await?;
    }
    crate::safety::bound(cluster, namespace, &names).await?;
    cluster.objects.apply(&pod("by-pod", false)).await?;
    cluster.objects.apply(&pod("read-pod", true)).await?;
    let spec = |claim: &str, reads: bool| {
        let reads = if reads { ", readOnly: true" } else { "" };
        format!(
            "  disks: [{{name: disk, existingPVC: {{name: {claim}{reads}}}}}]\n  startStrategy: {{autoStart: false}}\n"
        )
    };
    let apply = async |wukong_name: &str, claim: &str, reads: bool| {
        let text = machine(&spec(claim, reads)).replace("name: web", &format!("name: {wukong_name}"));
        let path = file(cluster, &format!("in-use-{wukong_name}"), &text)?;
        wukong(&admin, &["apply", "-n", namespace, "-f", &path]).await
    };
    apply("first", "by-machine", false).await?.ended(0)?;
    let before = Inventory::of(cluster, namespace).await?;
    for reads in [false, true] {
        // Reading beside a writer is no better.
        apply("second", "by-machine", reads).await?.ended(5)?.said("in use by the VirtualMachine first-vm")?;
        apply("third", "by-pod", reads).await?.ended(5)?.said("in use by the pod pod-by-pod")?;
    }
    apply("fourth", "read-machine", true).await?.ended(0)?;
    apply("fifth", "read-machine", false).await?.ended(5)?;
    apply("sixth", "read-machine", true).await?.ended(0)?;
    apply("seventh", "read-pod", false).await?.ended(5)?;
    apply("eighth", "read-pod", true).await?.ended(0)?;
    before.still_there(cluster).await
}
