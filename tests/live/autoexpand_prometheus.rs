//! Disks that grow by themselves by what a real Prometheus has of their guests.

use std::fs;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Gate, Prometheus, Reference, Right, own_address};
use serde_json::{Value, json};

use crate::autoexpand::{Filled, GIB};
use crate::changes::said;
use crate::support::{root, text, wukong};
use crate::world::{LONG, claim, vmi};

const DISK: &str =
    "    - {name: data, size: 20Gi, storageClassName: longhorn, volumeMode: Block, autoExpand: true, maxSize: 45Gi}\n";

/// A file system, as virt-handler exports it.
struct Exported<'a> {
    namespace: &'a str,
    node: &'a str,
    device: &'a str,
    used: u64,
    total: u64,
}

/// The metrics with the labels that KubeVirt writes, those of the machine among them. Source: KubeVirt,
/// pkg/monitoring/metrics/virt-handler/domainstats.
fn metrics(all: &[Exported<'_>]) -> String {
    let metric = |which: &str, help: &str, value: fn(&Exported<'_>) -> u64| {
        let name = format!("kubevirt_vmi_filesystem_{which}_bytes");
        let one = |system: &Exported<'_>| {
            let Exported { namespace, node, device, .. } = system;
            format!(
                "{name}{{disk_name=\"{device}1\",file_system_type=\"ext4\",kubernetes_vmi_label_app=\"web\",\
                 mount_point=\"/data\",name=\"web-vm\",namespace=\"{namespace}\",node=\"{node}\"}} {}\n",
                value(system)
            )
        };
        format!("# HELP {name} {help}\n# TYPE {name} gauge\n{}", all.iter().map(one).collect::<String>())
    };
    metric("capacity", "Total VM filesystem capacity in bytes.", |system| system.total)
        + &metric("used", "Used VM filesystem capacity in bytes.", |system| system.used)
}

/// A machine, and a Prometheus that knows how full its disk is.
struct Measured<'a> {
    filled: Filled<'a>,
    prometheus: Prometheus,
    node: String,
    device: String,
}

impl<'a> Measured<'a> {
    async fn start(cluster: &'a Cluster, namespace: &'a str) -> Result<Self> {
        let filled = Filled::start(cluster, namespace, DISK).await?;
        let has_place = |object: Option<&Value>| object.is_some_and(|object| place(object).is_some());
        let instance = cluster.objects.wait(&vmi(namespace), LONG, has_place).await?.context("gone")?;
        let node = instance["status"]["nodeName"].as_str().context("no node")?.to_owned();
        let device = place(&instance).context("no place")?.to_owned();
        Ok(Self { filled, prometheus: cluster.prometheus(namespace).await?, node, device })
    }

    /// Its own file system, so full.
    fn own(&self, used: u64, total: u64) -> Exported<'_> {
        Exported { namespace: self.filled.namespace, node: &self.node, device: &self.device, used, total }
    }

    fn measure(&self, used: u64, total: u64) {
        self.prometheus.export(Some(metrics(&[self.own(used, total)])));
    }

    /// The series of its own that tells what is used.
    fn series(&self) -> String {
        format!("kubevirt_vmi_filesystem_used_bytes{{namespace=\"{}\",node=\"{}\"}}", self.filled.namespace, self.node)
    }

    /// Waits until it has been so full for so many seconds, by what Prometheus has.
    async fn lasted(&self, used: u64, seconds: u32) -> Result<()> {
        let series = self.series();
        let enough = seconds - 2;
        let all = format!(
            "min_over_time({series}[{seconds}s]) == {used} and count_over_time({series}[{seconds}s]) > {enough}"
        );
        self.prometheus.until(&all).await.map(|_| ())
    }

    fn args<'b>(&'b self, window: &'b str) -> [&'b str; 4] {
        ["--prometheus", &self.prometheus.address, "--window", window]
    }

    /// What a dry run decides about the disk.
    fn decided(&self, window: &str) -> Result<Value> {
        let args = [&["--dry-run"][..], &self.args(window)].concat();
        Ok(self.filled.decisions(&args, Some(0))?["data"].clone())
    }

    fn decides(&self, window: &str, decision: &str, why: &str) -> Result<()> {
        let found = self.decided(window)?;
        let said = found["reason"].as_str().unwrap_or_default();
        ensure!(found["decision"] == decision && said.contains(why), "not {decision} ({why}) in {window}: {found}");
        Ok(())
    }

    /// Ends the test unless the claim is as it was made.
    async fn untouched(&self) -> Result<()> {
        let found =
            self.filled.cluster.objects.get(&claim(self.filled.namespace, "web-data")).await?.context("gone")?;
        ensure!(found["spec"]["resources"]["requests"]["storage"] == "20Gi", "{found}");
        ensure!(found["metadata"]["annotations"][wukong::autoexpand::GROWN].is_null(), "{found}");
        Ok(())
    }

    /// Runs without `--dry-run`, as a person of this kubeconfig.
    fn run(&self, args: &[&str]) -> Result<Output> {
        let fixed = ["expand", "--auto", "-n", self.filled.namespace];
        let mut command = wukong(&root(), [&fixed[..], args].concat());
        Ok(command.env("KUBECONFIG", self.filled.cluster.kubeconfig()).output()?)
    }

    /// Such a run ends with this code, says this, and grows nothing.
    fn refuses(&self, args: &[&str], code: i32, words: &str) -> Result<String> {
        let output = self.run(args)?;
        let said = text(&output.stderr);
        ensure!(output.status.code() == Some(code) && said.contains(words), "{args:?}: {} {said}", output.status);
        ensure!(output.stdout.is_empty() && !said.contains("asks for"), "{args:?}: {said}");
        Ok(said)
    }
}

fn place(instance: &Value) -> Option<&str> {
    let status = instance.pointer("/status/volumeStatus")?.as_array()?;
    status.iter().find(|status| status["name"] == "data")?["target"].as_str().filter(|place| !place.is_empty())
}

/// A disk that is full for the whole window grows in three runs to exactly its maxSize and not beyond.
pub async fn in_three_runs_to_the_end(cluster: &Cluster) -> Result<()> {
    let measured = Measured::start(cluster, "measured").await?;
    let filled = &measured.filled;
    for (now, next) in [(20, "30Gi"), (30, "40Gi"), (40, "45Gi")] {
        measured.measure(now * GIB - 1, now * GIB);
        measured.lasted(now * GIB - 1, 8).await?;
        // The machine has to know of the last growth.
        let end = std::time::Instant::now() + LONG;
        let dry = loop {
            let dry = measured.decided("5s")?;
            if !dry["reason"].as_str().is_some_and(|why| why.contains("still knows")) {
                break dry;
            }
            ensure!(std::time::Instant::now() < end, "the machine never knows of it: {dry}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        ensure!(dry["decision"] == "grows" && dry["to"] == next, "{dry}");
        let done = filled.decisions(&measured.args("5s"), Some(0))?;
        ensure!(done["data"]["claimTo"] == next, "{done}");
        filled.has("data", next).await?;
        said(cluster, &["diff", "-f", &filled.file, "-n", "measured"], 0)?;
    }
    measured.measure(45 * GIB - 1, 45 * GIB);
    measured.lasted(45 * GIB - 1, 8).await?;
    let end = std::time::Instant::now() + LONG;
    let last = loop {
        let last = filled.decisions(&measured.args("5s"), None)?;
        if last["data"]["decision"] != "stays" {
            break last;
        }
        ensure!(std::time::Instant::now() < end, "{last}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    ensure!(last["data"]["decision"] == "refused", "{last}");
    ensure!(last["data"]["reason"].as_str().is_some_and(|why| why.contains("its largest size, 45Gi")), "{last}");
    let found = cluster.objects.get(&claim("measured", "web-data")).await?.context("gone")?;
    ensure!(found["spec"]["resources"]["requests"]["storage"] == "45Gi", "{found}");
    let notes = found["metadata"]["annotations"][wukong::autoexpand::GROWN].as_str().context("no notes")?;
    let notes: Value = serde_json::from_str(notes)?;
    let steps: Vec<_> = notes.as_array().into_iter().flatten().map(|note| note["to"].clone()).collect();
    ensure!(steps == ["30Gi", "40Gi", "45Gi"], "{notes}");
    Ok(())
}

/// Only what Prometheus has of this machine, of the whole window and of now counts.
pub async fn only_what_lasted(cluster: &Cluster) -> Result<()> {
    let measured = Measured::start(cluster, "lasted").await?;
    let (low, high, total) = (GIB, 20 * GIB - 1, 20 * GIB);
    let series = measured.series();
    // Nothing at all is not nothing in use.
    measured.decides("5s", "unknown", "no file system on this disk")?;
    // Machines of the same name elsewhere are full.
    let others = [
        Exported { namespace: "elsewhere", ..measured.own(high, total) },
        Exported { node: "of-another-cluster", ..measured.own(high, total) },
    ];
    let [neighbour, stranger] = others;
    measured.prometheus.export(Some(metrics(&[stranger, neighbour, measured.own(low, total)])));
    measured.prometheus.until(&format!("count_over_time({series}[1h]) > 15")).await?;
    measured.decides("5s", "stays", "below 80 %")?;
    measured.decides("1h", "unknown", "the whole window yet")?;
    // A peak: full now, and empty in the same window.
    measured.measure(high, total);
    measured.prometheus.until(&format!("{series} == {high}")).await?;
    let age = measured.prometheus.until(&format!("time() - min_over_time(timestamp({series})[1h:1s])")).await?;
    measured.decides(&format!("{}s", age.ceil()), "stays", "below 80 %")?;
    measured.decides("1h", "unknown", "the whole window yet")?;
    // The same, when it lasts.
    measured.lasted(high, 8).await?;
    ensure!(measured.decided("5s")?["decision"] == "grows");
    // A machine of this name, but of another cluster.
    let stranger = Exported { node: "of-another-cluster", ..measured.own(high, total) };
    measured.prometheus.export(Some(metrics(&[stranger])));
    measured.prometheus.until(&format!("absent_over_time({series}[12s])")).await?;
    measured.decides("8s", "unknown", "of another node")?;
    // What is not scraped any more is old.
    measured.measure(high, total);
    measured.lasted(high, 8).await?;
    measured.prometheus.export(None);
    measured.prometheus.until(&format!("absent_over_time({series}[12s])")).await?;
    measured.decides("40s", "unknown", "is old")?;
    measured.untouched().await?;
    // Nobody answers any more.
    let address = measured.prometheus.address.clone();
    let Measured { filled, prometheus, node, device } = measured;
    drop(prometheus);
    let gone = Measured { filled, prometheus: cluster.prometheus("lasted-none").await?, node, device };
    gone.refuses(&["--prometheus", &address], 4, "connection refused")?;
    gone.untouched().await
}

/// A token goes to whom it is for, and is told to nobody.
pub async fn tokens_stay_where_they_belong(cluster: &Cluster) -> Result<()> {
    const TOKEN: &str = "a-token-that-nobody-shall-see";
    let measured = Measured::start(cluster, "tokens").await?;
    measured.measure(GIB, 20 * GIB);
    measured.lasted(GIB, 5).await?;
    let loopback = std::net::Ipv4Addr::LOCALHOST.into();
    let gate = measured.prometheus.gate(loopback, Gate::Token(TOKEN.to_owned())).await?;
    let write = |name: &str, text: &str| -> Result<String> {
        let path = cluster.folder().join(name);
        fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let (right, wrong) = (write("token", &format!("{TOKEN}\n"))?, write("other-token", "another-secret")?);
    let through = |address: &str, file: &str| -> Vec<String> {
        let args = ["--prometheus", address, "--prometheus-token-file", file, "--window", "3s", "-v=9"];
        args.map(str::to_owned).to_vec()
    };
    let refuses = |args: &[String], code: i32, words: &str| -> Result<String> {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let said = measured.refuses(&args, code, words)?;
        ensure!(!said.contains(TOKEN) && !said.contains("another-secret"), "{said}");
        Ok(said)
    };
    let args = through(&gate.address, &right);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let output = measured.run(&args)?;
    let all = text(&output.stdout) + &text(&output.stderr);
    ensure!(output.status.success() && all.contains("below 80 %"), "{all}");
    ensure!(all.contains("query_range") && !all.contains(TOKEN), "{all}");
    let said = refuses(&through(&gate.address, &wrong), 4, "does not accept the token in")?;
    ensure!(said.contains(&wrong), "{said}");
    refuses(&["--prometheus".to_owned(), gate.address.clone()], 4, "--prometheus-token-file FILE")?;
    refuses(&through(&gate.address, "/nowhere/token"), 2, "the token file `/nowhere/token` cannot be read")?;
    refuses(&through(&gate.address, &write("no-token", "\n")?), 2, "is empty")?;
    refuses(&["--prometheus".to_owned(), format!("http://me:{TOKEN}@127.0.0.1:1")], 2, "no password")?;
    // Somewhere else is somebody else.
    let elsewhere = measured.prometheus.gate(loopback, Gate::Open).await?;
    let redirects = measured.prometheus.gate(loopback, Gate::Elsewhere(elsewhere.address.clone())).await?;
    refuses(&through(&redirects.address, &right), 4, "redirects, to `http://127.0.0.1:")?;
    ensure!(redirects.seen().len() == 1 && elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
    // Another machine, as far as anybody can tell, and everybody between can read along.
    let open = measured.prometheus.gate(own_address()?.into(), Gate::Token(TOKEN.to_owned())).await?;
    refuses(&through(&open.address, &right), 2, "--prometheus-token-over-http")?;
    ensure!(open.seen().is_empty(), "{:?}", open.seen());
    let mut args = through(&open.address, &right);
    args.push("--prometheus-token-over-http".to_owned());
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let output = measured.run(&args)?;
    ensure!(output.status.success() && text(&output.stdout).contains("below 80 %"), "{}", text(&output.stderr));
    measured.untouched().await
}

/// A Service of the cluster is asked through the API server, by who may.
pub async fn through_the_api_server(cluster: &Cluster) -> Result<()> {
    let namespace = "proxied";
    let measured = Measured::start(cluster, namespace).await?;
    measured.measure(20 * GIB - 1, 20 * GIB);
    measured.lasted(20 * GIB - 1, 5).await?;
    let gate = measured.prometheus.gate(own_address()?.into(), Gate::Open).await?;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "prometheus", "namespace": namespace},
        "spec": {"ports": [{"name": "web", "port": 9090, "targetPort": gate.port}]},
    });
    cluster.objects.apply(&service).await?;
    // The API server passes requests on to pods only, and to what their status says of their address.
    let address = own_address()?.to_string();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "prometheus-0", "namespace": namespace},
        "spec": {"schedulerName": "nobody", "containers": [{"name": "prometheus", "image": "prometheus"}]},
    });
    cluster.objects.apply(&pod).await?;
    let status = json!({"status": {"podIP": address, "podIPs": [{"ip": address}]}});
    cluster.objects.merge(&Reference::of(&pod), "status", &status).await?;
    let endpoints = |address: &str| {
        let target = json!({"kind": "Pod", "name": "prometheus-0", "namespace": namespace});
        json!({
            "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "prometheus", "namespace": namespace},
            "subsets": [{
                "addresses": [{"ip": address, "targetRef": target}], "ports": [{"name": "web", "port": gate.port}],
            }],
        })
    };
    // Why this goes over another address of this machine.
    let loopback = cluster.objects.apply(&endpoints("127.0.0.1")).await.err().context("the loopback is accepted")?;
    ensure!(loopback.to_string().contains("loopback"), "{loopback}");
    cluster.objects.apply(&endpoints(&address)).await?;
    let through = ["--prometheus", "proxied/prometheus:9090", "--window", "3s"];
    let dry = measured.filled.decisions(&[&["--dry-run"][..], &through].concat(), Some(0))?;
    ensure!(dry["data"]["decision"] == "grows" && dry["data"]["to"] == "30Gi", "{dry}");
    ensure!(
        gate.seen().iter().all(|line| line == "GET /api/v1/query_range") && gate.seen().len() == 2,
        "{:?}",
        gate.seen()
    );
    measured.refuses(&["--prometheus", "proxied/no-such:9090"], 4, "services \"no-such\" not found")?;
    let file = cluster.folder().join("token-for-a-service");
    fs::write(&file, "secret")?;
    let token = ["--prometheus-token-file", file.to_str().context("a path")?];
    measured.refuses(&[&through[..], &token].concat(), 2, "with your rights in the cluster")?;
    // Who has every right but that one is told which.
    let user = cluster.user(namespace, "grower", &rights(), &cluster_rights()).await?;
    let mut command = wukong(&root(), [&["expand", "--auto", "-n", namespace][..], &through].concat());
    let output = command.env("KUBECONFIG", &user).output()?;
    let said = text(&output.stderr);
    ensure!(output.status.code() == Some(4) && said.contains("cannot get services/proxy"), "{said}");
    ensure!(said.contains("kubectl auth can-i get services --subresource=proxy -n proxied"), "{said}");
    measured.untouched().await
}

/// What `expand --auto` takes in a namespace, but for the questions to guest agents.
pub fn rights() -> Vec<Right> {
    vec![
        Right::to("list", "kubevirt.io", "virtualmachines,virtualmachineinstances"),
        Right::to("list", "", "configmaps,resourcequotas"),
        Right::to("list,patch", "", "persistentvolumeclaims"),
        Right::to("list", "cdi.kubevirt.io", "datavolumes"),
    ]
}

/// The same, in the cluster.
pub fn cluster_rights() -> Vec<Right> {
    vec![
        Right::to("list", "storage.k8s.io", "storageclasses"),
        Right::to("list", "cdi.kubevirt.io", "cdiconfigs"),
        Right::to("list", "kubevirt.io", "kubevirts"),
    ]
}
