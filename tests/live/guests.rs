//! Guests that boot, stop, shut themselves down or crash, and disks that come and go while they run.

use anyhow::{Context as _, Result};
use cluster::handler::guest;
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::world::{apply_machine, claim, condition, until, until_gone, until_state, vm, vmi};

const DISK: &str = "  disks: [{name: system, size: 5Gi}]\n";

/// Tells the running guest of the machine called `web` what to do.
async fn tell(cluster: &Cluster, namespace: &str, key: &str, value: &str) -> Result<()> {
    cluster.objects.merge(&vmi(namespace), "", &json!({"metadata": {"annotations": {key: value}}})).await?;
    Ok(())
}

/// Calls a subresource of the machine called `web`, as virtctl does.
async fn call(cluster: &Cluster, namespace: &str, verb: &str, body: &Value) -> Result<()> {
    let machines = format!("/apis/subresources.kubevirt.io/v1/namespaces/{namespace}/virtualmachines");
    cluster.objects.put(&format!("{machines}/web-vm/{verb}"), body).await.map(|_| ())
}

/// The addresses of a guest come from its pod, its operating system from the agent.
pub async fn a_guest_without_agent(cluster: &Cluster) -> Result<()> {
    let namespace = "guest-agent";
    apply_machine(cluster, namespace, &format!("{DISK}  startStrategy: {{autoStart: false}}\n")).await?;
    until_state(cluster, namespace, "Stopped").await?;
    let start = |agent: &str| json!({"spec": {"runStrategy": "Always", "template": {"metadata": {"annotations": {guest::AGENT: agent}}}}});
    cluster.objects.merge(&vm(namespace), "", &start("absent")).await?;
    let machine = until_state(cluster, namespace, "Running").await?;
    assert_eq!(condition(&machine, "AgentConnected"), &Value::Null);
    let running = cluster.objects.get(&vmi(namespace)).await?.context("no instance")?;
    assert!(running["status"]["interfaces"][0]["ipAddress"].is_string());
    assert_eq!(running["status"]["guestOSInfo"], json!({}));
    assert_eq!(running["status"]["volumeStatus"][0]["target"], "vda");

    cluster.objects.merge(&vm(namespace), "", &start("present")).await?;
    cluster.objects.delete(&vmi(namespace)).await?;
    let agent = |object: Option<&Value>| object.is_some_and(|o| condition(o, "AgentConnected")["status"] == "True");
    cluster.objects.wait(&vmi(namespace), crate::world::LONG, agent).await?;
    let running = cluster.objects.get(&vmi(namespace)).await?.context("no instance")?;
    assert_eq!(running["status"]["guestOSInfo"]["id"], "simulated");
    assert_eq!(running["status"]["interfaces"][0]["infoSource"], "domain, guest-agent");
    Ok(())
}

/// `virtctl stop` and `start` go through virt-api, which is reached as in a cluster.
pub async fn subresources_stop_and_start(cluster: &Cluster) -> Result<()> {
    let namespace = "guest-stop";
    apply_machine(cluster, namespace, DISK).await?;
    until_state(cluster, namespace, "Running").await?;
    call(cluster, namespace, "stop", &json!({})).await?;
    let stopped = until_state(cluster, namespace, "Stopped").await?;
    assert_eq!(stopped["spec"]["runStrategy"], "Halted");
    until_gone(cluster, &vmi(namespace)).await?;
    call(cluster, namespace, "start", &json!({})).await?;
    until_state(cluster, namespace, "Running").await?;
    Ok(())
}

/// The machine goes, with its pod; its disk stays.
pub async fn a_deleted_machine_leaves_its_disk(cluster: &Cluster) -> Result<()> {
    let namespace = "guest-delete";
    apply_machine(cluster, namespace, DISK).await?;
    until_state(cluster, namespace, "Running").await?;
    cluster.objects.delete(&vm(namespace)).await?;
    until_gone(cluster, &vm(namespace)).await?;
    until_gone(cluster, &vmi(namespace)).await?;
    let pods = cluster.objects.list("v1", "Pod", namespace, "kubevirt.io=virt-launcher").await?;
    assert!(pods.iter().all(|pod| pod["metadata"]["deletionTimestamp"].is_string()), "{pods:?}");
    until(cluster, &claim(namespace, "web-system"), "/status/phase", &json!("Bound")).await?;
    Ok(())
}

/// A guest that is shut down from inside has succeeded; a machine that runs once is not started again.
pub async fn a_shutdown_ends_a_machine_that_runs_once(cluster: &Cluster) -> Result<()> {
    let namespace = "guest-shutdown";
    apply_machine(cluster, namespace, &format!("{DISK}  highAvailability: {{restartPolicy: Never}}\n")).await?;
    until_state(cluster, namespace, "Running").await?;
    tell(cluster, namespace, guest::ENDS, "shutdown").await?;
    until(cluster, &vmi(namespace), "/status/phase", &json!("Succeeded")).await?;
    until_state(cluster, namespace, "Stopped").await?;
    Ok(())
}

/// A guest that crashes has failed; a machine that always runs gets a new one.
pub async fn a_crash_starts_again(cluster: &Cluster) -> Result<()> {
    let namespace = "guest-crash";
    apply_machine(cluster, namespace, DISK).await?;
    until_state(cluster, namespace, "Running").await?;
    let first = cluster.objects.get(&vmi(namespace)).await?.context("no instance")?;
    tell(cluster, namespace, guest::ENDS, "crash").await?;
    let another = |object: Option<&Value>| {
        object.is_some_and(|o| o["metadata"]["uid"] != first["metadata"]["uid"] && o["status"]["phase"] == "Running")
    };
    cluster.objects.wait(&vmi(namespace), crate::world::LONG, another).await?;
    Ok(())
}

/// A disk is attached to a running machine by KubeVirt's own way (attachment pod, phases) and detached again.
pub async fn disks_come_and_go_while_it_runs(cluster: &Cluster) -> Result<()> {
    let namespace = "guest-hotplug";
    apply_machine(cluster, namespace, DISK).await?;
    until_state(cluster, namespace, "Running").await?;
    let extra = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": namespace, "name": "extra"},
        "spec": {
            "storageClassName": "longhorn", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    });
    cluster.objects.apply(&extra).await?;
    until(cluster, &Reference::of(&extra), "/status/phase", &json!("Bound")).await?;
    let disk = json!({"disk": {"bus": "scsi"}, "serial": "extra"});
    let source = json!({"persistentVolumeClaim": {"claimName": "extra", "hotpluggable": true}});
    call(cluster, namespace, "addvolume", &json!({"name": "extra", "disk": disk, "volumeSource": source})).await?;
    let status = |object: Option<&Value>| -> Option<Value> {
        let volumes = object?["status"]["volumeStatus"].as_array()?;
        volumes.iter().find(|volume| volume["name"] == "extra").cloned()
    };
    let ready = |object: Option<&Value>| status(object).is_some_and(|volume| volume["phase"] == "Ready");
    let attached = cluster.objects.wait(&vmi(namespace), crate::world::LONG, ready).await?;
    let attached = status(attached.as_ref()).context("no volume")?;
    assert!(attached["target"].as_str().is_some_and(|target| target.starts_with("sd")), "{attached}");
    assert!(attached["hotplugVolume"]["attachPodName"].is_string(), "{attached}");

    call(cluster, namespace, "removevolume", &json!({"name": "extra"})).await?;
    let gone = |object: Option<&Value>| object.is_some() && status(object).is_none();
    cluster.objects.wait(&vmi(namespace), crate::world::LONG, gone).await?;
    until(cluster, &Reference::of(&extra), "/status/phase", &json!("Bound")).await?;
    Ok(())
}
