//! The commands that change machines, from the command line, against the real control planes.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context as _, Result, ensure};
use cluster::Cluster;
use serde_json::{Value, json};

use crate::support::{entries, root, text, wukong};
use crate::world::{claim, machine, until, until_gone, until_state, vm, vmi};

/// Runs a command against the cluster, as its administrator.
pub fn run(cluster: &Cluster, args: &[&str]) -> Result<Output> {
    Ok(wukong(&root(), args).env("KUBECONFIG", cluster.kubeconfig()).output()?)
}

/// Runs a command that ends with this exit code; gives all it said.
pub fn said(cluster: &Cluster, args: &[&str], code: i32) -> Result<String> {
    let output = run(cluster, args)?;
    let all = text(&output.stdout) + &text(&output.stderr);
    ensure!(output.status.code() == Some(code), "{args:?} ended with {:?}, not {code}:\n{all}", output.status.code());
    Ok(all)
}

/// A file with a machine called `web`.
pub fn file(namespace: &str, name: &str, spec: &str) -> Result<String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(namespace);
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    fs::write(&path, machine(spec))?;
    Ok(path.to_str().context("a path of another encoding")?.to_owned())
}

const POLICY: [&str; 2] = ["--storage-policy", "fast=longhorn-ssd:ReadWriteMany:Block"];

/// Every example can be applied, is then without a difference, and stays so when it is applied again.
pub async fn every_example_is_applied_without_a_difference(cluster: &Cluster) -> Result<()> {
    for namespace in ["images", "golden", "templates"] {
        cluster.namespace(namespace).await?;
    }
    let mut count = 0;
    for (number, path) in entries(&root().join("examples")).iter().filter(|path| path.is_file()).enumerate() {
        let file = path.to_str().context("a file name")?;
        // Claims of others, which are not there, have a test of their own.
        if file.ends_with("existing-claims.yaml") {
            continue;
        }
        let own = format!("example-{number}");
        let namespace = if fs::read_to_string(path)?.contains("namespace: default") { "default" } else { &own };
        cluster.namespace(namespace).await?;
        let with = |command: &str| -> Vec<String> {
            let args = [command, "-f", file, "-n", namespace];
            args.iter().chain(&POLICY).map(|&word| word.to_owned()).collect()
        };
        let go = |command: &str, code: i32| {
            let args = with(command);
            said(cluster, &args.iter().map(String::as_str).collect::<Vec<_>>(), code)
        };
        let before = go("diff", 1)?;
        assert!(before.contains("create"), "{before}");
        go("apply", 0)?;
        go("diff", 0).with_context(|| format!("{file} differs after it was applied"))?;
        let again = go("apply", 0)?;
        assert!(again.contains("without changes") || again.contains("no changes"), "{file}: {again}");
        let mut server = with("diff");
        server.push("--server-side".to_owned());
        said(cluster, &server.iter().map(String::as_str).collect::<Vec<_>>(), 0)?;
        count += 1;
    }
    ensure!(count > 10, "only {count} examples were found");
    Ok(())
}

/// From nothing to a running machine, changed, grown, stopped, started, deleted and back on its disks.
pub async fn the_life_of_a_machine(cluster: &Cluster) -> Result<()> {
    let namespace = "life";
    cluster.namespace(namespace).await?;
    let disks = |data: &str| {
        format!(
            "  disks:\n    - {{name: system, size: 5Gi, image: quay.io/x/y:1, storageClassName: longhorn}}\n    - {{name: data, size: {data}, storageClassName: longhorn}}\n"
        )
    };
    let first = &file(namespace, "first.yaml", &disks("5Gi"))?;
    let waited = said(cluster, &["apply", "-f", first, "-n", namespace, "--wait"], 0)?;
    assert!(waited.contains("done: life/web-vm: Running"), "{waited}");
    let uuid = vm_field(cluster, namespace, "/spec/template/spec/domain/firmware/uuid").await?;

    // A larger disk, which the guest has at once.
    let second = &file(namespace, "second.yaml", &disks("8Gi"))?;
    let shown = said(cluster, &["diff", "-f", second, "-n", namespace], 1)?;
    assert!(shown.contains("the guest sees 8Gi"), "{shown}");
    said(cluster, &["apply", "-f", second, "-n", namespace, "--wait"], 0)?;
    let grown = until(cluster, &claim(namespace, "web-data"), "/status/phase", &json!("Bound")).await?;
    assert_eq!(grown["status"]["capacity"]["storage"], grown["spec"]["resources"]["requests"]["storage"]);
    // The older file would shrink it.
    let refused = said(cluster, &["apply", "-f", first, "-n", namespace], 5)?;
    assert!(refused.contains("disks never shrink"), "{refused}");

    // Grown by hand, it stays grown.
    said(cluster, &["expand", "web", "-n", namespace, "--disk", "data", "--size", "12Gi"], 0)?;
    let kept = said(cluster, &["apply", "-f", second, "-n", namespace], 0)?;
    assert!(kept.contains("more than the file's 8Gi"), "{kept}");
    said(cluster, &["expand", "web", "-n", namespace, "--disk", "data", "--size", "1Gi"], 5)?;

    // A person's choice stays until the file or a flag says otherwise.
    said(cluster, &["stop", "web", "-n", namespace, "--wait"], 0)?;
    until_gone(cluster, &vmi(namespace)).await?;
    said(cluster, &["apply", "-f", second, "-n", namespace], 0)?;
    assert_eq!(vm_field(cluster, namespace, "/spec/runStrategy").await?, "Halted");
    said(cluster, &["apply", "-f", second, "-n", namespace, "--start", "--wait"], 0)?;
    until_state(cluster, namespace, "Running").await?;
    assert_eq!(vm_field(cluster, namespace, "/spec/runStrategy").await?, "Always");
    said(cluster, &["restart", "web", "-n", namespace], 5)?;

    // Deleted, the disks are there, and take the machine back.
    said(cluster, &["delete", "web", "-n", namespace], 5)?;
    let deleted = said(cluster, &["delete", "web", "-n", namespace, "--yes"], 0)?;
    assert!(deleted.contains("kept the claims web-data, web-system"), "{deleted}");
    until_gone(cluster, &vm(namespace)).await?;
    said(cluster, &["apply", "-f", second, "-n", namespace], 5)?;
    said(cluster, &["apply", "-f", second, "-n", namespace, "--adopt", "--wait"], 0)?;
    assert_eq!(vm_field(cluster, namespace, "/spec/template/spec/domain/firmware/uuid").await?, uuid);
    said(cluster, &["diff", "-f", second, "-n", namespace], 0)?;

    // Only what is named loses its data.
    said(cluster, &["delete", "web", "-n", namespace, "--delete-data", "nothing", "--yes"], 5)?;
    said(cluster, &["delete", "web", "-n", namespace, "--delete-data", "data", "--yes"], 0)?;
    until_gone(cluster, &claim(namespace, "web-data")).await?;
    ensure!(cluster.objects.get(&claim(namespace, "web-system")).await?.is_some(), "the system disk is gone");
    Ok(())
}

async fn vm_field(cluster: &Cluster, namespace: &str, pointer: &str) -> Result<Value> {
    let found = cluster.objects.get(&vm(namespace)).await?.context("there is no machine")?;
    found.pointer(pointer).cloned().with_context(|| format!("the machine has no {pointer}"))
}

/// Drivers and classes that cannot grow are refused before anything is written.
pub async fn what_only_pretends_to_grow_is_refused(cluster: &Cluster) -> Result<()> {
    let namespace = "pretends";
    cluster.namespace(namespace).await?;
    let disks = |size: &str| {
        format!(
            "  disks:\n    - {{name: nfs, size: {size}, storageClassName: nfs-client}}\n    - {{name: local, size: {size}, storageClassName: local-path}}\n"
        )
    };
    let small = &file(namespace, "small.yaml", &disks("5Gi"))?;
    said(cluster, &["apply", "-f", small, "-n", namespace, "--wait"], 0)?;
    let large = &file(namespace, "large.yaml", &disks("8Gi"))?;
    let refused = said(cluster, &["apply", "-f", large, "-n", namespace, "--yes"], 5)?;
    assert!(refused.contains("only pretends") && refused.contains("allowVolumeExpansion"), "{refused}");
    let still = cluster.objects.get(&claim(namespace, "web-nfs")).await?.context("gone")?;
    assert_eq!(still["spec"]["resources"]["requests"]["storage"], "5Gi");
    Ok(())
}

/// What `kubectl apply` made on the client's side is taken over on request, and a field that leaves the file then goes.
pub async fn kubectl_hands_over(cluster: &Cluster) -> Result<()> {
    let namespace = "hand-over";
    cluster.namespace(namespace).await?;
    let spec = "  disks: [{name: data, size: 5Gi, storageClassName: longhorn}]\n  highAvailability: {nodeSelector: {disk: fast}}\n";
    let with = &file(namespace, "with.yaml", spec)?;
    let without =
        &file(namespace, "without.yaml", &spec.replace("  highAvailability: {nodeSelector: {disk: fast}}\n", ""))?;
    let rendered = run(cluster, &["render", "-f", with, "-n", namespace])?;
    let path = file(namespace, "rendered.yaml", "")?;
    fs::write(&path, &rendered.stdout)?;
    let kubectl =
        crate::world::kubectl().arg("--kubeconfig").arg(cluster.kubeconfig()).args(["apply", "-f", &path]).output()?;
    ensure!(kubectl.status.success(), "{}", text(&kubectl.stderr));
    said(cluster, &["apply", "-f", with, "-n", namespace], 5)?;
    said(cluster, &["apply", "-f", with, "-n", namespace, "--adopt"], 0)?;
    said(cluster, &["diff", "-f", with, "-n", namespace], 0)?;
    let taken = cluster.objects.get(&vm(namespace)).await?.context("gone")?;
    let annotations = &taken["metadata"]["annotations"];
    assert!(annotations["kubectl.kubernetes.io/last-applied-configuration"].is_null(), "{annotations}");
    // No node has the label. Whether something runs decides what a change does, and must not change meanwhile.
    until_state(cluster, namespace, "ErrorUnschedulable").await?;
    said(cluster, &["apply", "-f", without, "-n", namespace], 0)?;
    assert!(vm_field(cluster, namespace, "/spec/template/spec/nodeSelector").await.is_err());
    Ok(())
}

/// A machine that a person made gets a file that changes nothing.
pub async fn a_machine_is_adopted(cluster: &Cluster) -> Result<()> {
    let namespace = "adopted";
    cluster.namespace(namespace).await?;
    for object in [
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "old-root", "namespace": namespace},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "longhorn", "resources": {"requests": {"storage": "5Gi"}}},
        }),
        json!({
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "legacy", "namespace": namespace},
            "spec": {"runStrategy": "Always", "template": {"spec": {
                "domain": {
                    "cpu": {"sockets": 2, "cores": 1, "threads": 1}, "memory": {"guest": "2Gi"},
                    "devices": {
                        "disks": [{"name": "root", "disk": {"bus": "virtio"}}],
                        "interfaces": [{"name": "default", "masquerade": {}}],
                    },
                },
                "networks": [{"name": "default", "pod": {}}],
                "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "old-root"}}],
            }}},
        }),
    ] {
        cluster.objects.apply(&object).await?;
    }
    let legacy = cluster::Reference::new("kubevirt.io/v1", "VirtualMachine", namespace, "legacy");
    let before = until(cluster, &legacy, "/status/printableStatus", &json!("Running")).await?;
    let instance = cluster::Reference::new("kubevirt.io/v1", "VirtualMachineInstance", namespace, "legacy");
    let guest_before = cluster.objects.get(&instance).await?.context("no instance")?;
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("legacy.yaml");
    let _ = fs::remove_file(&path);
    let path = path.to_str().context("a path")?;
    said(cluster, &["adopt", "vm/legacy", "-n", namespace, "-w", path], 0)?;
    said(cluster, &["apply", "-f", path, "--adopt"], 0)?;
    let after = cluster.objects.get(&legacy).await?.context("gone")?;
    // What finds it later is a label; the rest is as it was.
    let guest = |vm: &Value| vm["spec"]["template"]["spec"].clone();
    assert_eq!(guest(&before), guest(&after), "adopting changed the machine");
    said(cluster, &["diff", "-f", path], 0)?;
    // Deleted and made again, it is the same machine to its guest.
    said(cluster, &["delete", "-f", path, "--yes"], 0)?;
    until_gone(cluster, &legacy).await?;
    said(cluster, &["apply", "-f", path, "--adopt"], 0)?;
    until(cluster, &legacy, "/status/printableStatus", &json!("Running")).await?;
    let again = cluster.objects.get(&instance).await?.context("no instance")?;
    let uuid = |instance: &Value| instance["spec"]["domain"]["firmware"]["uuid"].clone();
    assert!(uuid(&guest_before).is_string());
    assert_eq!(uuid(&guest_before), uuid(&again));
    Ok(())
}

/// Waiting ends for what cannot heal, and after its time for what may.
pub async fn waiting_ends(cluster: &Cluster) -> Result<()> {
    let namespace = "waits";
    cluster.namespace(namespace).await?;
    let image = |host: &str| {
        format!(
            "  disks: [{{name: system, size: 5Gi, storageClassName: longhorn, image: 'https://images.{host}.test/x.qcow2'}}]\n"
        )
    };
    let hangs = &file(namespace, "hangs.yaml", &image("hangs"))?;
    let hangs = said(cluster, &["apply", "-f", hangs, "-n", namespace, "--wait", "--timeout", "8s"], 6)?;
    assert!(hangs.contains("not there in time"), "{hangs}");
    let other = "waits-in-vain";
    cluster.namespace(other).await?;
    let fails = &file(other, "fails.yaml", &image("fails"))?;
    let fails = said(cluster, &["apply", "-f", fails, "-n", other, "--wait", "-o", "json"], 4)?;
    let lost = fails.lines().any(|line| {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        event["type"] == "wait"
            && event["state"] == "failed"
            && event["detail"].as_str().unwrap_or_default().contains("404")
    });
    ensure!(lost, "{fails}");
    Ok(())
}

/// A policy stands for a class: by the namespace's word, else by the label of a class.
pub async fn policies_come_from_the_cluster(cluster: &Cluster) -> Result<()> {
    let (own, other) = ("policies", "policies-other");
    for namespace in [own, other] {
        cluster.namespace(namespace).await?;
    }
    let spec = "  disks: [{name: data, size: 1Gi, storagePolicy: archive}]\n  startStrategy: {autoStart: false}\n";
    let path = &file(own, "policy.yaml", spec)?;
    let unknown = said(cluster, &["apply", "-f", path, "-n", other], 3)?;
    assert!(unknown.contains("no class is known for the policy `archive`"), "{unknown}");
    let class = cluster::Reference::new("storage.k8s.io/v1", "StorageClass", "", "longhorn");
    let label = json!({"metadata": {"labels": {"vm.novasphere.dev/storage-policy": "archive"}}});
    cluster.objects.merge(&class, "", &label).await?;
    cluster
        .objects
        .apply(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "wukong-storage-policies", "namespace": own},
            "data": {"archive": "nfs-client"},
        }))
        .await?;
    for (namespace, class) in [(own, "nfs-client"), (other, "longhorn")] {
        said(cluster, &["apply", "-f", path, "-n", namespace], 0)?;
        let made = cluster.objects.get(&claim(namespace, "web-data")).await?.context("gone")?;
        assert_eq!(made["spec"]["storageClassName"], class);
        said(cluster, &["diff", "-f", path, "-n", namespace], 0)?;
    }
    Ok(())
}

/// Forty machines in one run; one that cannot be made does not stop the others, and the end is a table.
pub async fn a_fleet_is_applied(cluster: &Cluster) -> Result<()> {
    let namespace = "fleet";
    cluster.namespace(namespace).await?;
    let stopped = "  disks: [{name: data, size: 1Gi}]\n  startStrategy: {autoStart: false}\n";
    let all: Vec<_> = (0..40).map(|n| machine(stopped).replace("name: web", &format!("name: web-{n}"))).collect();
    let path = file(namespace, "fleet.yaml", "")?;
    fs::write(&path, all.join("---\n"))?;
    // A claim of a stranger is in the way of one.
    cluster
        .objects
        .apply(&json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "web-7-data", "namespace": namespace},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }))
        .await?;
    let shown = said(cluster, &["apply", "-f", &path, "-n", namespace], 5)?;
    assert!(shown.contains("39 applied, 1 refused"), "{shown}");
    let again = said(cluster, &["apply", "-f", &path, "-n", namespace], 5)?;
    assert!(again.contains("39 unchanged, 1 refused"), "{again}");
    Ok(())
}
