//! `validate` with a cluster: what its classes do, and what its admission says.

use anyhow::{Context as _, Result, ensure};
use cluster::Cluster;
use serde_json::{Value, json};

use crate::safety::{admin, file, wukong};
use crate::world::{LONG, machine};

const MIXED: &str = "  disks:
    - {name: system, size: 5Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn, autoExpand: true}
    - {name: data, size: 5Gi}
  cloudInitUser: {name: admin, password: change-me-soon}
";

/// The codes of the problems, each with the line that it points to.
fn codes(out: &str) -> Result<Vec<(String, u64)>> {
    let document: Value = serde_json::from_str(out)?;
    let all = document["problems"].as_array().context("no problems")?;
    let one = |problem: &Value| Some((problem["code"].as_str()?.to_owned(), problem["line"].as_u64()?));
    all.iter().map(|problem| one(problem).with_context(|| problem.to_string())).collect()
}

/// The classes of the cluster speak for the disks of a file: the default for one that names none, the claim's own once it is
/// there. Written down, they say the same without the cluster.
pub async fn what_classes_do(cluster: &Cluster) -> Result<()> {
    const PLACE: &str = "validate-stage";
    cluster.namespace(PLACE).await?;
    let admin = admin(cluster);
    let path = &file(cluster, PLACE, &machine(MIXED))?;
    let facts = &format!("{path}.json");
    let online = ["validate", "-f", path, "-n", PLACE, "--stage", "production", "--server-side"];
    let asked = [&online[..], &["-o", "json", "--save-facts", facts]].concat();
    let told = codes(&wukong(&admin, &asked).await?.ended(0)?.out)?;
    let line = MIXED.lines().position(|line| line.contains("name: data")).context("no data")?;
    let line = u64::try_from(machine(MIXED).lines().count() - MIXED.lines().count() + line + 1)?;
    for code in ["WK601", "WK603", "WK604", "WK606"] {
        ensure!(told.contains(&(code.to_owned(), line)), "{code} is not told of line {line}: {told:?}");
    }
    ensure!(told.iter().all(|(code, at)| *at == line || !code.starts_with("WK60")), "longhorn is fit: {told:?}");

    let offline = ["validate", "-f", path, "-n", PLACE, "--stage", "production", "--facts", facts, "-o", "json"];
    ensure!(codes(&wukong(&admin, &offline).await?.ended(0)?.out)? == told, "the file of facts says something else");
    ensure!(!std::fs::read_to_string(facts)?.contains("change-me-soon"), "a password is in the facts");
    // In development all of it is fine.
    let development = ["validate", "-f", path, "-n", PLACE, "--stage", "development", "--server-side", "-o", "json"];
    let told = codes(&wukong(&admin, &development).await?.ended(0)?.out)?;
    ensure!(told.iter().all(|(code, _)| !code.starts_with("WK60")), "{told:?}");

    // A claim that is there has its class for good, whatever the default is.
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": PLACE, "name": "mine"},
        "spec": {
            "storageClassName": "longhorn", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "5Gi"}},
        },
    });
    cluster.objects.apply(&claim).await?;
    let bound = |claim: Option<&Value>| claim.is_some_and(|claim| claim["status"]["phase"] == "Bound");
    cluster.objects.wait(&crate::world::claim(PLACE, "mine"), LONG, bound).await?;
    let own = MIXED.replace("{name: data, size: 5Gi}", "{name: data, existingPVC: {name: mine}}");
    let path = &file(cluster, "validate-own", &machine(&own))?;
    let online = ["validate", "-f", path, "-n", PLACE, "--stage", "production", "--server-side", "-o", "json"];
    let told = codes(&wukong(&admin, &online).await?.ended(0)?.out)?;
    ensure!(told.iter().all(|(code, _)| !code.starts_with("WK60")), "{told:?}");
    Ok(())
}

/// An object that admission refuses is an error at its disk, in the words of the server, and what stands in the way of a
/// machine is one too. Nothing is made.
pub async fn what_the_cluster_refuses(cluster: &Cluster) -> Result<()> {
    const PLACE: &str = "validate-refused";
    cluster.namespace(PLACE).await?;
    let limit = json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"namespace": PLACE, "name": "small"},
        "spec": {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]},
    });
    let admin = admin(cluster);
    let path = &file(cluster, PLACE, &machine(MIXED))?;
    let validate = ["validate", "-f", path, "-n", PLACE, "--server-side", "-o", "json"];
    let before = wukong(&admin, &validate).await?.ended(0)?;
    ensure!(!before.out.contains("WK608"), "{}", before.told());

    cluster.objects.apply(&limit).await?;
    let end = std::time::Instant::now() + LONG;
    // Admission learns of limits by a watch.
    let refused = loop {
        let ran = wukong(&admin, &validate).await?;
        if ran.code != Some(0) || std::time::Instant::now() > end {
            break ran.ended(1)?;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    let document: Value = serde_json::from_str(&refused.out)?;
    let all = document["problems"].as_array().context("no problems")?;
    let errors: Vec<_> = all.iter().filter(|problem| problem["severity"] == "error").collect();
    let [error] = errors.as_slice() else { anyhow::bail!("not one error: {}", refused.out) };
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(error["code"] == "WK608" && message.contains("web-data"), "{error}");
    ensure!(message.contains("maximum storage usage per PersistentVolumeClaim is 1Gi"), "{message}");
    ensure!(!refused.out.contains("change-me-soon"), "a password is shown");
    for kind in ["PersistentVolumeClaim", "Secret", "ConfigMap"] {
        let made = cluster.objects.list("v1", kind, PLACE, "").await?;
        let own = made.iter().any(|one| one["metadata"]["name"].as_str().is_some_and(|name| name.contains("web")));
        ensure!(!own, "a dry run made something: {made:?}");
    }

    // What apply would refuse before it asks.
    let missing = MIXED.replace("{name: data, size: 5Gi}", "{name: data, existingPVC: {name: nowhere}}");
    let path = &file(cluster, "validate-missing", &machine(&missing))?;
    let told = wukong(&admin, &["validate", "-f", path, "-n", PLACE, "--server-side"]).await?.ended(1)?;
    told.said("error[WK608]")?.said("its claim nowhere does not exist")?;

    // Who may not write cannot ask: that is no fault of the file.
    let reader = cluster.user(PLACE, "reader", &[cluster::Right::to("get,list", "*", "*")], &[]).await?;
    let path = &file(cluster, PLACE, &machine(MIXED))?;
    wukong(&reader, &["validate", "-f", path, "-n", PLACE, "--server-side"]).await?.ended(4)?.said("cannot")?;
    Ok(())
}
