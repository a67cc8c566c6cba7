//! `status` on machines that are broken on purpose: each cause is found by the real binary on the real control planes.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use cluster::handler::guest;
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::safety::{admin, all, file, wukong};
use crate::world::{LONG, apply_machine, claim, machine, until, until_state, vm, vmi};

/// Waits until `status` finds a cause in these words, whatever it says before. With it come its weight and its next step,
/// which must be there for whatever is broken.
async fn found(cluster: &Cluster, namespace: &str, code: &str, words: &str) -> Result<()> {
    let deadline = Instant::now() + LONG;
    loop {
        // These machines are made without a record, as by GitOps.
        let ran = wukong(&admin(cluster), &["status", "vm/web-vm", "-n", namespace, "-o", "json"]).await?.ended(0)?;
        let status: Value = serde_json::from_str(&ran.out)?;
        let causes = status["status"]["causes"].as_array().context("no causes")?;
        let told = |cause: &&Value| {
            cause["code"] == code && format!("{} {}", cause["object"], cause["message"]).contains(words)
        };
        if let Some(cause) = causes.iter().find(told) {
            ensure!(cause["severity"] != "broken" || cause["nextStep"] != "", "{cause}");
            ensure!(status["status"]["healthy"] == causes.iter().all(|cause| cause["severity"] == "note"), "{status}");
            // A guest that crashes again and again keeps everyone busy.
            cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"runStrategy": "Halted"}})).await?;
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{namespace}: {code} with `{words}` is not among {causes:#?}");
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// Makes a machine called `web`, and says which cause with which words is expected.
async fn case(cluster: &Cluster, code: &str, spec: &str, words: &str) -> Result<()> {
    let namespace = format!("cause-{code}");
    apply_machine(cluster, &namespace, spec).await?;
    found(cluster, &namespace, code, words).await
}

/// What a file can do wrong.
pub async fn of_the_file(cluster: &Cluster) -> Result<()> {
    let image = |host: &str| {
        format!("  disks: [{{name: system, size: 5Gi, storageClassName: longhorn, image: 'https://{host}/a.qcow2'}}]\n")
    };
    let hangs = image("images.hangs.test");
    let fails = image("images.fails.test");
    let disk = "  disks: [{name: data, size: 1Gi}]\n";
    let cases = [
        ("class-missing", "  disks: [{name: data, size: 1Gi, storageClassName: fats}]\n", "class fats does not exist"),
        ("import-retrying", fails.as_str(), "404"),
        ("importing", hangs.as_str(), "37.00%"),
        ("no-node", &format!("{disk}  highAvailability: {{nodeSelector: {{disk: gold}}}}\n"), "no node fits: 0/"),
    ];
    all(cases.into_iter().map(async |(code, spec, words)| case(cluster, code, spec, words).await)).await.map(|_| ())
}

/// What a guest can do, and what a person can do to it.
pub async fn of_the_guest(cluster: &Cluster) -> Result<()> {
    let disk = "  disks: [{name: data, size: 1Gi, storageClassName: longhorn}]\n";
    let annotation = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}});
    let cases = [
        ("crashed", annotation(guest::ENDS, "crash"), true),
        ("agent-absent", annotation(guest::AGENT, "absent"), true),
        ("restart-required", json!({"spec": {"domain": {"ioThreadsPolicy": "auto"}}}), false),
    ];
    all(cases.into_iter().map(async |(code, template, again)| {
        let namespace = &format!("cause-{code}");
        apply_machine(cluster, namespace, disk).await?;
        until_state(cluster, namespace, "Running").await?;
        cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"template": template}})).await?;
        if again {
            cluster.objects.delete(&vmi(namespace)).await?;
        }
        found(cluster, namespace, code, "").await
    }))
    .await
    .map(|_| ())
}

/// What a person can do to a machine of this tool.
pub async fn of_a_person(cluster: &Cluster) -> Result<()> {
    let namespace = "cause-person";
    cluster.namespace(namespace).await?;
    let admin = admin(cluster);
    let disks = "  disks: [{name: data, size: 1Gi, storageClassName: longhorn}, {name: more, size: 1Gi, storageClassName: longhorn}]\n";
    let path = file(cluster, namespace, &machine(disks))?;
    let status = ["status", "web", "-n", namespace, "--exit-status"];
    wukong(&admin, &["apply", "-n", namespace, "-f", &path, "--wait"]).await?.ended(0)?;
    wukong(&admin, &status).await?.ended(0)?;
    wukong(&admin, &["stop", "web", "-n", namespace, "--wait"]).await?.ended(0)?;
    wukong(&admin, &status).await?.ended(0)?.said("a person stopped it; the file says Always")?;
    let found = cluster.objects.get(&vm(namespace)).await?.context("gone")?;
    let one = |pointer: &str| found.pointer(pointer).and_then(|list| list.get(0)).cloned();
    let template = json!({"spec": {
        "domain": {"devices": {"disks": [one("/spec/template/spec/domain/devices/disks")]}},
        "volumes": [one("/spec/template/spec/volumes")],
    }});
    cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"template": template}})).await?;
    let ran = wukong(&admin, &status).await?.ended(1)?;
    ran.said("disk more: it was taken from the machine; claim web-more is kept")?;
    // Taken out of the file too, it is missed by nobody.
    let one = file(
        cluster,
        "cause-person-one",
        &machine("  disks: [{name: data, size: 1Gi, storageClassName: longhorn}]\n"),
    )?;
    wukong(&admin, &["apply", "-n", namespace, "-f", &one, "--yes"]).await?.ended(0)?;
    wukong(&admin, &status).await?.ended(0)?.said("disk more: its file has it no more; claim web-more is kept")?;
    // The same from a file of facts, without a cluster.
    let facts = cluster.folder().join("files/facts.json").display().to_string();
    wukong(&admin, &["status", "-n", namespace, "--save-facts", &facts]).await?.ended(0)?;
    let nowhere = std::path::Path::new("/nowhere");
    wukong(nowhere, &["status", "web", "--facts", &facts]).await?.ended(0)?.said("claim web-more is kept")?;
    Ok(())
}

/// What others can do to its disks and its node.
pub async fn of_the_cluster(cluster: &Cluster) -> Result<()> {
    let names = ["going", "shared", "owned", "migration", "grow", "missing", "gitops"];
    all(names.map(async |name| {
        let namespace = format!("cause-{name}");
        let code = Box::pin(broken(cluster, &namespace)).await?;
        Box::pin(found(cluster, &namespace, code, "")).await
    }))
    .await
    .map(|_| ())
}

/// Makes a machine and breaks it, each namespace in its own way; gives the cause that is to be found.
async fn broken(cluster: &Cluster, namespace: &str) -> Result<&'static str> {
    let disk = "  disks: [{name: data, size: 1Gi, storageClassName: longhorn}]\n";
    let shared = "  disks: [{name: data, size: 1Gi, storageClassName: longhorn-migratable, accessMode: ReadWriteMany, volumeMode: Block}]\n";
    let spec = match namespace {
        "cause-migration" => shared,
        "cause-grow" => "  disks: [{name: data, size: 1Gi, storageClassName: nfs-client}]\n",
        "cause-owned" => "  startStrategy: {autoStart: false}\n",
        _ => disk,
    };
    apply_machine(cluster, namespace, spec).await?;
    if namespace != "cause-owned" {
        until_state(cluster, namespace, "Running").await?;
    }
    Ok(match namespace {
        "cause-going" => {
            cluster.objects.delete(&claim(namespace, "web-data")).await?;
            "claim-going"
        }
        "cause-shared" => {
            let other = json!({
                "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
                "metadata": {"namespace": namespace, "name": "other"},
                "spec": {"runStrategy": "Halted", "template": {"spec": {
                    "domain": {"devices": {"disks": [{"name": "d", "disk": {}}]}, "memory": {"guest": "1Gi"}},
                    "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "web-data"}}],
                }}},
            });
            cluster.objects.apply(&other).await?;
            "claim-shared"
        }
        "cause-owned" => {
            cluster.objects.delete(&vm(namespace)).await?;
            crate::world::until_gone(cluster, &vm(namespace)).await?;
            cluster.objects.apply(&owner(namespace)).await?;
            until(cluster, &claim(namespace, "owned"), "/status/phase", &json!("Bound")).await?;
            "dies-with-vm"
        }
        "cause-migration" => {
            let fails = json!({"metadata": {"annotations": {guest::MIGRATION: "fails"}}});
            cluster.objects.merge(&vmi(namespace), "", &fails).await?;
            let migration = json!({
                "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration",
                "metadata": {"namespace": namespace, "name": "away"}, "spec": {"vmiName": "web-vm"},
            });
            cluster.objects.apply(&migration).await?;
            "migration-failed"
        }
        "cause-grow" => {
            let more = json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}});
            cluster.objects.merge(&claim(namespace, "web-data"), "", &more).await?;
            "grow-impossible"
        }
        "cause-missing" => {
            cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"runStrategy": "Halted"}})).await?;
            until_state(cluster, namespace, "Stopped").await?;
            let gone = Reference::new("v1", "PersistentVolumeClaim", namespace, "web-data");
            cluster.objects.delete(&gone).await?;
            "claim-missing"
        }
        _ => {
            let label = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}});
            cluster.objects.merge(&vm(namespace), "", &label).await?;
            "gitops"
        }
    })
}

/// A machine that owns its disk.
fn owner(namespace: &str) -> Value {
    json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"namespace": namespace, "name": "web-vm"},
        "spec": {
            "runStrategy": "Always",
            "dataVolumeTemplates": [{"metadata": {"name": "owned"}, "spec": {
                "source": {"blank": {}},
                "storage": {"storageClassName": "longhorn", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }}],
            "template": {"spec": {
                "domain": {"devices": {"disks": [{"name": "d", "disk": {"bus": "virtio"}}]}, "memory": {"guest": "1Gi"}},
                "volumes": [{"name": "d", "dataVolume": {"name": "owned"}}],
            }},
        },
    })
}
