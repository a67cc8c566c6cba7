//! Runs that are killed between two writes, and a namespace that goes in the middle of one.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Fault, FaultProxy, Reference};
use serde_json::Value;

use crate::safety::{Inventory, Ran, admin, all, bound, file, interrupted, killed, same, state, wukong};
use crate::world::{machine, until_gone, vm};

const FIRST: &str = "  disks:
    - {name: system, size: 5Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn-migratable, accessMode: ReadWriteMany, volumeMode: Block}
    - {name: data, size: 2Gi, storageClassName: longhorn}
    - {name: old, size: 1Gi, storageClassName: longhorn}
  networks: [{name: default}, {name: lan, type: bridge, bridgeName: br-lan}]
  cloudInitUser: {name: admin, password: change-me-soon}
  startStrategy: {autoStart: false}
";

/// More processors, two larger disks, one disk and one network less.
const SECOND: &str = "  disks:
    - {name: system, size: 6Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn-migratable, accessMode: ReadWriteMany, volumeMode: Block}
    - {name: data, size: 3Gi, storageClassName: longhorn}
  cloudInitUser: {name: admin, password: change-me-soon}
  startStrategy: {autoStart: false}
";

/// More than any run writes.
const NEVER: usize = 99;

const CLAIMS: [&str; 3] = ["web-system", "web-data", "web-old"];

/// What a life was after each of its three parts.
struct Life {
    writes: Vec<usize>,
    states: Vec<Value>,
}

/// A machine is made, changed and deleted. Each of the three runs is killed after so many writes, and run again.
async fn life(cluster: &Cluster, writes: usize) -> Result<Life> {
    let namespace = format!("killed-{}", if writes == NEVER { "never".to_owned() } else { writes.to_string() });
    cluster.namespace(&namespace).await?;
    let (proxy, behind) = cluster.faults(&namespace).await?;
    let (own, admin) = (namespace.as_str(), admin(cluster));
    let first = file(cluster, "killed-first", &machine(FIRST))?;
    let second = file(cluster, "killed-second", &machine(SECOND).replace("cpu: 1", "cpu: 2"))?;
    let apply = ["apply", "-n", own, "-f", &first];
    let change = ["apply", "-n", own, "-f", &second, "--yes", "--prune"];
    let delete = ["delete", "-n", own, "web", "--yes"];
    let mut life = Life { writes: Vec::new(), states: Vec::new() };
    for (part, args) in [&apply[..], &change, &delete].into_iter().enumerate() {
        let before = Inventory::of(cluster, own).await?;
        let seen = proxy.writes();
        let ran = killed(&proxy, &behind, args, writes).await?;
        life.writes.push(proxy.writes() - seen);
        let between = Inventory::of(cluster, own).await?;
        before.still_there(cluster).await.context("after the kill")?;
        finish(&admin, args, &ran, &delete).await.with_context(|| format!("{own}, part {part}: {}", ran.told()))?;
        before.still_there(cluster).await?;
        between.still_there(cluster).await?;
        bound(cluster, own, &CLAIMS).await?;
        if part < 2 {
            // The record knows the claim of a DataVolume once there is one.
            wukong(&admin, args).await?.ended(0)?;
            // Wherever the state is the same later, there is no difference either.
            if writes == NEVER {
                wukong(&admin, &["diff", "-n", own, "-f", args[4]]).await?.ended(0)?.said("no changes")?;
            }
        } else {
            until_gone(cluster, &vm(own)).await?;
        }
        life.states.push(state(cluster, own).await?);
    }
    Ok(life)
}

/// The second run does what the first did not.
async fn finish(admin: &std::path::Path, args: &[&str], first: &Ran, delete: &[&str]) -> Result<()> {
    if first.code.is_some() {
        ensure!(first.code == Some(0));
        return Ok(());
    }
    let again = wukong(admin, args).await?;
    // The last write of a deletion is that of the record: whoever was killed after it has nothing left to do.
    if args == delete && again.code == Some(4) {
        return again.said("there is no such Wukong").map(|_| ());
    }
    again.ended(0).map(|_| ())
}

/// For every write of an apply, of a change and of a deletion: killed right after it, run again, as if nothing had been.
pub async fn after_every_write(cluster: &Cluster) -> Result<()> {
    let never = life(cluster, NEVER).await?;
    ensure!(never.states[0].as_object().is_some_and(|all| all.len() == 8), "{:#}", never.states[0]);
    ensure!(never.states[2].as_object().is_some_and(|all| all.len() == 4), "{:#}", never.states[2]);
    let most = never.writes.iter().copied().max().unwrap_or_default();
    ensure!(never.writes.iter().all(|writes| *writes >= 4), "{:?}", never.writes);
    let lives = all((1..most).map(|writes| life(cluster, writes))).await?;
    for (writes, life) in (1..).zip(&lives) {
        for (part, (one, other)) in never.states.iter().zip(&life.states).enumerate() {
            same(one, other).with_context(|| format!("killed after {writes} writes, part {part}"))?;
            // It was killed with one write on the way, or ended by itself.
            ensure!(
                life.writes[part] == never.writes[part].min(writes + 1),
                "killed after {writes}: {:?} of {:?}",
                life.writes,
                never.writes
            );
        }
    }
    Ok(())
}

/// The namespace is deleted while a write is on the way.
pub async fn the_namespace_goes(cluster: &Cluster) -> Result<()> {
    let spec = "  disks: [{name: data, size: 1Gi}]\n  startStrategy: {autoStart: false}\n";
    let path = file(cluster, "namespace-goes", &machine(spec))?;
    all((0..3).map(async |writes: usize| {
        let namespace = format!("goes-{writes}");
        cluster.namespace(&namespace).await?;
        let (proxy, behind) = cluster.faults(&namespace).await?;
        proxy.fail_after(writes, FaultProxy::WRITE, "", 1, Fault::Delay(Duration::from_secs(2)));
        let args = ["apply", "-n", &namespace, "-f", &path];
        let (ran, deleted) = tokio::join!(wukong(&behind, &args), async {
            while proxy.writes() <= writes {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            cluster.objects.delete(&Reference::new("v1", "Namespace", "", &namespace)).await
        });
        deleted?;
        let ran = ran?.ended(4)?;
        ensure!(ran.err.contains("error") && ran.err.contains(&namespace), "{}", ran.told());
        Ok(())
    }))
    .await
    .map(|_| ())
}

/// Ctrl-C ends an apply between two writes; what was written is recorded, and the next run goes on.
pub async fn an_interruption(cluster: &Cluster) -> Result<()> {
    let own = "interrupted";
    cluster.namespace(own).await?;
    let (proxy, behind) = cluster.faults(own).await?;
    let path = file(cluster, "interrupted", &machine(FIRST))?;
    let apply = ["apply", "-n", own, "-f", &path];
    let ran = interrupted(&proxy, &behind, &apply, 2).await?.ended(130)?.said("apply again to go on")?;
    ensure!(ran.out.contains("created NetworkAttachmentDefinition"), "{}", ran.told());
    ensure!(!ran.out.contains("created VirtualMachine"), "{}", ran.told());
    wukong(&admin(cluster), &apply).await?.ended(0)?;
    wukong(&admin(cluster), &["diff", "-n", own, "-f", &path]).await?.ended(0)?;
    Ok(())
}
