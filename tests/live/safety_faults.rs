//! Answers that are errors, connections that are cut, and two runs at once.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Fault, FaultProxy};
use serde_json::Value;

use crate::safety::{Inventory, admin, all, file, same, state, wukong};
use crate::world::machine;

const FIRST: &str = "  disks: [{name: data, size: 1Gi}]
  networks: [{name: default}, {name: lan, type: bridge, bridgeName: br-lan}]
  cloudInitUser: {name: admin, password: change-me-soon}
  startStrategy: {autoStart: false}
";

/// Other processors, another user, one disk more, one network less.
const SECOND: &str = "  disks: [{name: data, size: 1Gi}, {name: more, size: 1Gi}]
  cloudInitUser: {name: other, password: change-me-soon}
  startStrategy: {autoStart: false}
";

/// What a busy server says is dealt with in one place, so that the two ways to say it take turns.
const FAULTS: [(&str, [Fault; 2]); 4] = [
    ("409", [Fault::Status(409); 2]),
    ("busy", [Fault::Status(429), Fault::Status(500)]),
    ("cut", [Fault::Cut; 2]),
    ("cut-after", [Fault::CutAfter; 2]),
];

/// The two files, and the requests of an undisturbed run of each.
struct Runs {
    files: [String; 2],
    reads: usize,
    writes: [usize; 2],
    states: [Value; 2],
}

impl Runs {
    async fn undisturbed(cluster: &Cluster, namespace: &str) -> Result<Self> {
        let files = [machine(FIRST), machine(SECOND).replace("cpu: 1", "cpu: 2")];
        let files = [file(cluster, "faults-first", &files[0])?, file(cluster, "faults-second", &files[1])?];
        let (mut writes, mut reads, mut states) = ([0; 2], 0, [Value::Null, Value::Null]);
        cluster.namespace(namespace).await?;
        let (proxy, behind) = cluster.faults(namespace).await?;
        for (at, path) in files.iter().enumerate() {
            let seen = (proxy.writes(), proxy.seen().len());
            apply(&behind, namespace, path).await?.ended(0)?;
            writes[at] = proxy.writes() - seen.0;
            reads = proxy.seen().len() - seen.1 - writes[at];
            states[at] = state(cluster, namespace).await?;
            // Wherever the state is the same later, there is no difference either.
            wukong(&behind, &["diff", "-n", namespace, "-f", path]).await?.ended(0)?;
        }
        Ok(Self { files, reads, writes, states })
    }
}

async fn apply(kubeconfig: &Path, namespace: &str, path: &str) -> Result<crate::safety::Ran> {
    wukong(kubeconfig, &["apply", "-n", namespace, "-f", path, "--yes", "--prune"]).await
}

/// Every fault once at every request: the run works or says why not, the next one works, and nothing is left over.
pub async fn at_every_step(cluster: &Cluster) -> Result<()> {
    let runs = &Runs::undisturbed(cluster, "fault-none").await?;
    ensure!(runs.reads >= 10 && runs.writes[0] == 6 && runs.writes[1] >= 5, "{} {:?}", runs.reads, runs.writes);
    all(FAULTS.into_iter().map(async |(name, faults)| {
        // Whoever reads cannot meet a conflict.
        if name != "409" {
            reads(cluster, runs, name, faults).await.with_context(|| format!("{name}, reading"))?;
        }
        for at in 0..runs.writes[0].max(runs.writes[1]) {
            writes(cluster, runs, name, faults[at % 2], at).await.with_context(|| format!("{name} at write {at}"))?;
        }
        Ok(())
    }))
    .await
    .map(|_| ())
}

/// A fault while it is read: then nothing is written.
async fn reads(cluster: &Cluster, runs: &Runs, name: &str, faults: [Fault; 2]) -> Result<()> {
    let namespace = format!("fault-{name}");
    cluster.namespace(&namespace).await?;
    let (proxy, behind) = cluster.faults(&namespace).await?;
    for at in 0..runs.reads {
        let before = proxy.writes();
        proxy.fail_after(at, "GET", "", 1, faults[at % 2]);
        let ran = apply(&behind, &namespace, &runs.files[0]).await?;
        if !ran.worked_or_told().with_context(|| format!("read {at}"))? {
            ensure!(proxy.writes() == before, "it wrote nevertheless: {}", ran.told());
        }
    }
    Ok(())
}

/// A fault at a write, of a new machine and of a change.
async fn writes(cluster: &Cluster, runs: &Runs, name: &str, fault: Fault, at: usize) -> Result<()> {
    let namespace = format!("fault-{name}-{at}");
    cluster.namespace(&namespace).await?;
    let (proxy, behind) = cluster.faults(&namespace).await?;
    for (path, undisturbed) in runs.files.iter().zip(&runs.states) {
        let before = Inventory::of(cluster, &namespace).await?;
        proxy.fail_after(at, FaultProxy::WRITE, "", 1, fault);
        apply(&behind, &namespace, path).await?.worked_or_told()?;
        proxy.heal();
        apply(&admin(cluster), &namespace, path).await?.ended(0)?;
        same(undisturbed, &state(cluster, &namespace).await?)?;
        before.still_there(cluster).await?;
    }
    Ok(())
}

/// The same file twice at once, and two files; one of the runs waits at each of its writes until the other has ended.
pub async fn two_at_once(cluster: &Cluster) -> Result<()> {
    let runs = &Runs::undisturbed(cluster, "twice-none").await?;
    let rounds = (0..=runs.writes[0]).flat_map(|at| [(at, 0), (at, 1)]);
    all(rounds.map(async |(at, other)| twice(cluster, runs, at, other).await.with_context(|| format!("{at} {other}"))))
        .await
        .map(|_| ())
}

async fn twice(cluster: &Cluster, runs: &Runs, at: usize, other: usize) -> Result<()> {
    let namespace = format!("twice-{at}-{other}");
    cluster.namespace(&namespace).await?;
    let admin = admin(cluster);
    let (proxy, behind) = cluster.faults(&namespace).await?;
    // In the last round nobody waits.
    if at < runs.writes[0] {
        proxy.fail_after(at, FaultProxy::WRITE, "", 1, Fault::Delay(Duration::from_secs(3)));
    }
    let (one, two) = tokio::join!(apply(&behind, &namespace, &runs.files[0]), async {
        while at < runs.writes[0] && proxy.writes() <= at {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        apply(&admin, &namespace, &runs.files[other]).await
    });
    let (one, two) = (one?, two?);
    let before = Inventory::of(cluster, &namespace).await?;
    let (first, second) = (one.worked_or_told()?, two.worked_or_told()?);
    let found = state(cluster, &namespace).await?;
    if other == 0 {
        ensure!(first || second, "{}\n{}", one.told(), two.told());
        same(&runs.states[0], &found)?;
    } else if first && second && at < runs.writes[0] {
        // In the last round one may begin when the other has ended: a disk of that one then stays, detached.
        let last = same(&runs.states[0], &found).or_else(|_| same(&runs.states[1], &found));
        last.with_context(|| format!("both said that they did it\n{}\n{}", one.told(), two.told()))?;
    }
    apply(&admin, &namespace, &runs.files[1]).await?.ended(0)?;
    // A write of the one that was told to stop may have come after the other had finished: a network then stays.
    let mut last = state(cluster, &namespace).await?;
    if let (false, Some(objects)) = (first, last.as_object_mut()) {
        objects.shift_remove("NetworkAttachmentDefinition/web-lan");
    }
    same(&runs.states[1], &last)?;
    before.still_there(cluster).await
}
