//! The renderer inside kustomize, Helm, Argo CD and Flux.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::programs::{built, run};
use crate::support::{root, text};

/// The binary that these tests put into other programs.
const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-wukong");

/// A machine that refers to everything that a machine can refer to.
const EVERYTHING: &str = "\
apiVersion: vm.novasphere.dev/v1alpha1
kind: Wukong
metadata:
  name: web
spec:
  cpu: 2
  memory: 4Gi
  disks:
  - {name: system, size: 20Gi, image: quay.io/containerdisks/fedora:42, imageSecret: pull, imageCertConfigMap: trust}
  - {name: download, size: 5Gi, image: 'https://images.test/a.qcow2', imageSecret: pull, imageCertConfigMap: trust}
  - {name: bucket, size: 5Gi, image: 's3://images/a.qcow2', imageSecret: pull}
  - {name: data, size: 50Gi}
  - {name: shared, existingPVC: {name: archive, readOnly: true}}
  networks:
  - {name: lan, type: bridge, bridgeName: br0, ipConfig: {mode: static, address: 10.0.0.5/24}}
  - {name: wan, type: bridge, nadName: uplink}
  cloudInitUser: {name: admin, passwordSecret: login}
  sshKeySecret: keys
";

/// What it refers to and does not make itself.
const AROUND: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: keys}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
---
apiVersion: v1
kind: Secret
metadata: {name: pull}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: trust}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: archive}
spec: {accessModes: [ReadOnlyMany], resources: {requests: {storage: 1Gi}}}
---
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: uplink}
";

fn documents(text: &str) -> Vec<Value> {
    let mut report = wukong::Report::default();
    let documents = wukong::source::documents(0, text, &mut report);
    assert!(report.is_valid(), "{text}");
    documents.iter().map(|document| wukong::source::kubectl_value(&document.root)).collect()
}

/// Objects by kind and name.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let count = objects.len();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let named = objects.into_iter().map(|o| (format!("{}/{}", word(&o["kind"]), word(&o["metadata"]["name"])), o));
    let named: BTreeMap<_, _> = named.collect();
    assert_eq!(named.len(), count, "two objects of one name");
    named
}

fn write(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().context("no parent")?)?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// What `render` prints, beside documents of others.
fn rendered(folder: &Path, args: &[&str]) -> Result<Vec<Value>> {
    let mut command = Command::new(BINARY);
    command.arg("render").args(args).current_dir(folder).env_clear();
    Ok(documents(&run(&mut command)?))
}

fn kustomize(folder: &Path) -> Result<Output> {
    let mut command = Command::new(built("kustomize", "kustomize")?);
    command.args(["build", "--enable-alpha-plugins", "--enable-exec", "."]).current_dir(folder);
    Ok(command.output()?)
}

fn kustomized(folder: &Path) -> Result<BTreeMap<String, Value>> {
    let output = kustomize(folder)?;
    ensure!(output.status.success(), "{}", text(&output.stderr));
    Ok(by_name(documents(&text(&output.stdout))))
}

/// All texts of a value but those at a few keys.
fn texts<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(fields) => {
            // What a person calls disks and networks, and the label by which a machine is found.
            let own = ["labels", "serial", "name"];
            fields.iter().filter(|(key, _)| !own.contains(&key.as_str())).for_each(|(_, value)| texts(value, out));
        }
        _ => {}
    }
}

/// The references of machines and disks, as kind and name.
fn references(objects: &BTreeMap<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |kinds: &[&str], name: &Value| {
        if let Some(name) = name.as_str() {
            let known = kinds.iter().map(|kind| format!("{kind}/{name}")).find(|known| objects.contains_key(known));
            found.push(known.unwrap_or_else(|| format!("no {} {name}", kinds[0])));
        }
    };
    for (name, object) in objects {
        let spec = &object["spec"]["template"]["spec"];
        for volume in spec["volumes"].as_array().into_iter().flatten() {
            note(&["PersistentVolumeClaim", "DataVolume"], &volume["persistentVolumeClaim"]["claimName"]);
            note(&["DataVolume"], &volume["dataVolume"]["name"]);
            note(&["Secret"], &volume["cloudInitNoCloud"]["secretRef"]["name"]);
            note(&["Secret"], &volume["cloudInitNoCloud"]["networkDataSecretRef"]["name"]);
        }
        for credential in spec["accessCredentials"].as_array().into_iter().flatten() {
            note(&["Secret"], &credential["sshPublicKey"]["source"]["secret"]["secretName"]);
            note(&["Secret"], &credential["userPassword"]["source"]["secret"]["secretName"]);
        }
        for network in spec["networks"].as_array().into_iter().flatten() {
            note(&["NetworkAttachmentDefinition"], &network["multus"]["networkName"]);
        }
        if name.starts_with("DataVolume/") {
            for source in object["spec"]["source"].as_object().into_iter().flatten().map(|(_, source)| source) {
                note(&["Secret"], &source["secretRef"]);
                note(&["ConfigMap"], &source["certConfigMap"]);
            }
        }
    }
    found
}

/// All that a machine refers to is there under its new name, and nothing is called by an old one.
fn hangs_together(objects: &BTreeMap<String, Value>, old: &[&str]) -> Result<()> {
    let references = references(objects);
    let wanted = "ConfigMap/ DataVolume/ NetworkAttachmentDefinition/ PersistentVolumeClaim/ Secret/";
    for kind in wanted.split(' ') {
        ensure!(
            references.iter().any(|reference| reference.starts_with(kind)),
            "no reference to {kind}: {references:?}"
        );
    }
    // Four volumes with names of disks made for it, one that was there, two Secrets of cloud-init, two credentials, two
    // networks, three Secrets and two ConfigMaps of imports.
    ensure!(references.len() == 16, "{references:?}");
    ensure!(references.iter().all(|reference| !reference.starts_with("no ")), "{references:#?}");
    for (name, object) in objects {
        let mut all = Vec::new();
        texts(object, &mut all);
        for old in old {
            ensure!(!all.contains(old), "{name} still names {old}: {object:#}");
        }
    }
    Ok(())
}

const OLD: [&str; 12] = [
    "keys",
    "login",
    "pull",
    "trust",
    "archive",
    "uplink",
    "web-system",
    "web-download",
    "web-bucket",
    "web-data",
    "web-lan",
    "web-cloud-init",
];

fn function_annotation() -> String {
    format!("    config.kubernetes.io/function: |\n      exec: {{path: {BINARY}, args: [fn]}}\n")
}

fn references_file() -> Result<String> {
    Ok(fs::read_to_string(root().join("plugin-manifests/kustomize/name-references.yaml"))?)
}

/// A Wukong as generator: what `render` prints, and prefix, suffix and namespace of the kustomization reach it.
pub fn kustomize_generates() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let machine =
        EVERYTHING.replace("  name: web\n", &format!("  name: web\n  annotations:\n{}", function_annotation()));
    write(
        folder.path(),
        &[
            ("web.yaml", &machine),
            ("around.yaml", AROUND),
            ("name-references.yaml", &references_file()?),
            ("kustomization.yaml", "resources: [around.yaml]\ngenerators: [web.yaml]\n"),
        ],
    )?;
    let mut wanted = rendered(folder.path(), &["-f", "web.yaml"])?;
    wanted.extend(documents(AROUND));
    ensure!(kustomized(folder.path())? == by_name(wanted), "another result than `render`");

    let changed = "resources: [around.yaml]\ngenerators: [web.yaml]\nnamePrefix: blue-\nnameSuffix: -one\nnamespace: shop\n\
                   configurations: [name-references.yaml]\n";
    write(folder.path(), &[("kustomization.yaml", changed)])?;
    let objects = kustomized(folder.path())?;
    ensure!(objects.contains_key("VirtualMachine/blue-web-vm-one"), "{:?}", objects.keys());
    ensure!(objects.values().all(|object| object["metadata"]["namespace"] == "shop"));
    hangs_together(&objects, &OLD)
}

/// The function as transformer: Wukongs are resources, and settings are in a ConfigMap. Names change before it runs.
pub fn kustomize_transforms() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let function = |data: &str| {
        let annotations = function_annotation();
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: fn\n  annotations:\n{annotations}data: {data}\n")
    };
    let machine = EVERYTHING.replace("{name: data, size: 50Gi}", "{name: data, size: 50Gi, storagePolicy: fast}");
    write(
        folder.path(),
        &[
            ("web.yaml", &machine),
            ("around.yaml", AROUND),
            ("fn.yaml", &function("{storage-policy: 'fast=nvme', keep-annotations: 'false'}")),
            ("name-references.yaml", &references_file()?),
            (
                "kustomization.yaml",
                "resources: [around.yaml, web.yaml]\ntransformers: [fn.yaml]\nnamePrefix: blue-\nnameSuffix: -one\n\
             namespace: shop\nconfigurations: [name-references.yaml]\n",
            ),
        ],
    )?;
    let objects = kustomized(folder.path())?;
    // The machine is called blue-web-one already when it is rendered.
    let claim = objects.get("PersistentVolumeClaim/blue-web-one-data").context("no claim")?;
    ensure!(claim["spec"]["storageClassName"] == "nvme" && claim["metadata"]["annotations"].is_null(), "{claim}");
    ensure!(objects.keys().all(|name| !name.starts_with("Wukong/")), "{:?}", objects.keys());
    hangs_together(&objects, &OLD)?;

    // Problems reach the person, and kustomize fails.
    write(folder.path(), &[("web.yaml", &machine.replace("memory: 4Gi", "memory: 4GB"))])?;
    let output = kustomize(folder.path())?;
    ensure!(!output.status.success() && output.stdout.is_empty());
    ensure!(text(&output.stderr).contains("error[WK106]: `spec.memory` is not a quantity: `4GB`"));
    write(folder.path(), &[("web.yaml", &machine), ("fn.yaml", &function("{colour: blue}"))])?;
    let output = kustomize(folder.path())?;
    ensure!(text(&output.stderr).contains("no setting `colour`"), "{}", text(&output.stderr));
    Ok(())
}

/// Without plugins: Wukongs are resources, kustomize changes them, and `render` reads what it prints.
pub fn kustomize_changes_wukongs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let kustomization = "resources: [around.yaml, web.yaml]\nnamePrefix: blue-\nnameSuffix: -one\nnamespace: shop\n\
                         configurations: [name-references.yaml]\n";
    write(
        folder.path(),
        &[
            ("web.yaml", EVERYTHING),
            ("around.yaml", AROUND),
            ("name-references.yaml", &references_file()?),
            ("kustomization.yaml", kustomization),
        ],
    )?;
    let mut build = Command::new(built("kustomize", "kustomize")?);
    let changed = run(build.args(["build", "."]).current_dir(folder.path()))?;
    write(folder.path(), &[("changed.yaml", &changed)])?;
    let objects = by_name(rendered(folder.path(), &["-f", "changed.yaml", "--pass-through"])?);
    ensure!(objects.contains_key("VirtualMachine/blue-web-one-vm"), "{:?}", objects.keys());
    hangs_together(&objects, &OLD)
}

/// A chart with Wukongs among its templates.
const CHART: [(&str, &str); 4] = [
    ("chart/Chart.yaml", "apiVersion: v2\nname: machines\nversion: 0.1.0\n"),
    ("chart/values.yaml", "cpus: {web: 2, db: 4}\n"),
    (
        "chart/templates/machines.yaml",
        "{{- range $name, $cpu := .Values.cpus }}\n---\napiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\n\
         metadata:\n  name: {{ $name }}\n  namespace: {{ $.Release.Namespace }}\nspec:\n  cpu: {{ $cpu }}\n\
         \x20 memory: 2Gi\n  disks:\n  - {name: data, size: 1Gi, storagePolicy: fast}\n\
         \x20 - {name: system, size: 9Gi, image: quay.io/a/b:1}\n{{- end }}\n",
    ),
    (
        "chart/templates/service.yaml",
        "# For ssh.\napiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {port: '0022'}}\n\
         spec: {clusterIP: None, ports: [{port: 22}]}\n",
    ),
];

/// Helm 4 installs the plugin and prints through it what `render` prints.
pub fn helm_renders() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &CHART)?;
    let helm = built("helm", "helm")?;
    let paths = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let own = Path::new(BINARY).parent().map(PathBuf::from);
    let paths = std::env::join_paths(own.into_iter().chain(paths))?;
    let helm = |args: &[&str]| {
        let mut command = Command::new(&helm);
        command.args(args).current_dir(folder.path()).env("PATH", &paths);
        for (variable, home) in [("CACHE", "cache"), ("CONFIG", "config"), ("DATA", "data")] {
            command.env(format!("HELM_{variable}_HOME"), folder.path().join(home));
        }
        command
    };
    let plugin = root().join("plugin-manifests/helm-postrenderer");
    run(&mut helm(&["plugin", "install", &plugin.display().to_string()]))?;
    let template = ["template", "shop", "chart", "-n", "prod"];
    let plain = run(&mut helm(&template))?;
    write(folder.path(), &[("plain.yaml", &plain)])?;
    let policy = "--storage-policy=fast=nvme";
    let wanted = rendered(folder.path(), &["-f", "plain.yaml", "--pass-through", policy])?;

    let through = ["--post-renderer", "wukong", "--post-renderer-args", policy];
    let printed = run(&mut helm(&[&template[..], &through[..]].concat()))?;
    ensure!(by_name(documents(&printed)) == by_name(wanted), "{printed}");
    ensure!(printed.matches("kind: VirtualMachine\n").count() == 2, "{printed}");
    ensure!(printed.matches("# Source: machines/templates/machines.yaml\n").count() == 6, "{printed}");
    ensure!(printed.contains("# For ssh.") && !printed.contains("postrenderer.helm.sh"), "{printed}");

    // A policy that nobody explains is an error, and nothing is printed.
    let output = helm(&[&template[..], &through[..2]].concat()).output()?;
    ensure!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    Ok(())
}

/// A command of a plugin manifest of Argo CD.
fn argo_command(pointer: &str) -> Result<Vec<String>> {
    let plugin = documents(&fs::read_to_string(root().join("plugin-manifests/argocd/plugin.yaml"))?);
    ensure!(plugin.len() == 1 && plugin[0]["kind"] == "ConfigManagementPlugin");
    let at = plugin[0].pointer(pointer).context("no command")?;
    let words = at["command"].as_array().into_iter().chain(at["args"].as_array()).flatten();
    Ok(words.map(|word| word.as_str().unwrap_or_default().to_owned()).collect())
}

/// Runs a command as Argo CD's sidecar does: in the folder of the application, with what it sets in the environment,
/// and, where this process may do that, without any network.
fn as_argo(folder: &Path, words: &[String], environment: &[(&str, &str)]) -> Result<Output> {
    let alone = Command::new("unshare").args(["--net", "true"]).output().is_ok_and(|output| output.status.success());
    let mut command = if alone {
        let mut command = Command::new("unshare");
        command.args(["--net", "--"]).args(words);
        command
    } else {
        let (program, rest) = words.split_first().context("no command")?;
        let mut command = Command::new(program);
        command.args(rest);
        command
    };
    let own = Path::new(BINARY).parent().context("no folder")?.display().to_string();
    command.current_dir(folder).env_clear().env("PATH", format!("{own}:/usr/sbin:/usr/bin:/sbin:/bin"));
    Ok(command.envs(environment.iter().copied()).output()?)
}

/// The generate command of the plugin prints manifests and nothing else, with the parameters of the Application.
pub fn argo_generates() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let policy = EVERYTHING.replace("{name: data, size: 50Gi}", "{name: data, size: 50Gi, storagePolicy: fast}");
    write(folder.path(), &[("machines/web.yaml", &policy), ("around.yaml", AROUND)])?;
    let generate = argo_command("/spec/generate")?;
    let parameters = json!([
        {"name": "storage-policies", "map": {"fast": "ceph:ReadWriteMany:Block"}}, {"name": "secrets", "string": "omit"},
    ]);
    let parameters = parameters.to_string();
    let application = [
        ("ARGOCD_APP_NAME", "machines"),
        ("ARGOCD_APP_NAMESPACE", "prod"),
        ("ARGOCD_APP_REVISION", "0123abc"),
        ("ARGOCD_APP_SOURCE_PATH", "."),
        ("ARGOCD_APP_PARAMETERS", parameters.as_str()),
        ("PARAM_STORAGE_POLICIES_FAST", "ceph:ReadWriteMany:Block"),
        ("PARAM_SECRETS", "omit"),
    ];
    let output = as_argo(folder.path(), &generate, &application)?;
    ensure!(output.status.success(), "{}", text(&output.stderr));
    let objects = by_name(documents(&text(&output.stdout)));
    ensure!(objects["PersistentVolumeClaim/web-data"]["spec"]["storageClassName"] == "ceph");
    ensure!(objects["VirtualMachine/web-vm"]["metadata"]["namespace"] == "prod");
    ensure!(objects.contains_key("NetworkAttachmentDefinition/uplink"), "{:?}", objects.keys());
    ensure!(objects.keys().all(|name| !name.starts_with("Secret/")), "{:?}", objects.keys());
    let objects_of_machines = objects.clone();
    let args = ["-R", "-f", ".", "--pass-through", "-n", "prod", "--secrets=omit"];
    let policy = ["--storage-policy=fast=ceph:ReadWriteMany:Block"];
    ensure!(objects == by_name(rendered(folder.path(), &[&args[..], &policy[..]].concat())?));

    // The environment of the Application does the same, and a parameter wins over it.
    let environment = [
        ("ARGOCD_APP_NAMESPACE", "prod"),
        ("ARGOCD_ENV_NAMESPACE", "*"),
        ("ARGOCD_ENV_STORAGE_POLICY_FAST", "nvme"),
        ("ARGOCD_ENV_SECRETS", "only"),
        ("PARAM_SECRETS", "include"),
    ];
    let output = as_argo(folder.path(), &generate, &environment)?;
    let objects = by_name(documents(&text(&output.stdout)));
    ensure!(objects["PersistentVolumeClaim/web-data"]["spec"]["storageClassName"] == "nvme");
    ensure!(objects["VirtualMachine/web-vm"]["metadata"]["namespace"].is_null());
    ensure!(objects.contains_key("Secret/web-cloud-init"));

    // What a person writes into an Application is a value, never a command.
    let hostile = [
        ("PARAM_NAMESPACE", "x; touch pwned"),
        ("PARAM_NAMESPACE", "prod --no-keep-annotations"),
        ("PARAM_STORAGE_POLICIES_FAST", "$(touch pwned)"),
        ("ARGOCD_ENV_STORAGE_POLICY_FAST", "nvme --no-keep-annotations"),
    ];
    for parameter in hostile {
        let policy = ("ARGOCD_ENV_STORAGE_POLICY_FAST", "nvme");
        let output = as_argo(folder.path(), &generate, &[policy, parameter])?;
        ensure!(!output.status.success() && output.stdout.is_empty(), "{parameter:?}: {output:?}");
        ensure!(!folder.path().join("pwned").exists(), "{parameter:?}");
    }

    // What else lies in a repository is neither an object nor a failure.
    let around: Files = &[
        ("values.yaml", "replicas: 2\nimage: {tag: x}\n"),
        ("package.json", "{\"name\": \"a\", \"version\": \"1\"}\n"),
        (".github/workflows/ci.yaml", "on: push\njobs: {}\n"),
        (".web.yaml", EVERYTHING),
        ("app/Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"),
        ("app/templates/web.yaml", "{{ if .Values.x }}\nkind: Wukong\n{{ end }}\n"),
        ("overlays/kustomization.yaml", "resources: [../machines]\n"),
        ("overlays/web.yaml", EVERYTHING),
    ];
    write(folder.path(), around)?;
    let output = as_argo(folder.path(), &generate, &application)?;
    ensure!(output.status.success(), "{}", text(&output.stderr));
    ensure!(by_name(documents(&text(&output.stdout))) == objects_of_machines, "{}", text(&output.stdout));
    // Whoever looks for a machine that is not there finds the reason.
    for told in ["values.yaml", "package.json", ".web.yaml", "./app", "./overlays"] {
        ensure!(text(&output.stderr).contains(told), "{told}: {}", text(&output.stderr));
    }

    // An invalid file fails, and prints no half of it.
    write(folder.path(), &[("machines/web.yaml", &EVERYTHING.replace("cpu: 2", "cpu: 200"))])?;
    let output = as_argo(folder.path(), &generate, &application)?;
    ensure!(!output.status.success() && output.stdout.is_empty());
    ensure!(text(&output.stderr).contains("machines/web.yaml:6:8"), "{}", text(&output.stderr));
    Ok(())
}

/// Paths below a folder, and what the files hold.
type Files = &'static [(&'static str, &'static str)];

/// The plugin claims folders with Wukongs, and no application of another tool.
pub fn argo_discovers() -> Result<()> {
    const LINE: &str =
        "{\"apiVersion\":\"vm.novasphere.dev/v1alpha1\",\"kind\":\"Wukong\",\"metadata\":{\"name\":\"web\"}}";
    let discover = argo_command("/spec/discover/find")?;
    let cases: [(&str, Files, bool); 12] = [
        ("a machine", &[("web.yaml", EVERYTHING)], true),
        ("a machine below", &[("a/b/web.yml", EVERYTHING), ("c.yaml", AROUND)], true),
        ("JSON", &[("web.json", LINE)], true),
        ("an item", &[("web.yaml", "kind: List\nitems:\n- kind: \"Wukong\" # one\n")], true),
        ("other manifests", &[("a.yaml", AROUND)], false),
        (
            "a word",
            &[("a.yaml", "# kind: Wukong\nkind: WukongList2\nnote: a kind: Wukong\n"), ("README.md", EVERYTHING)],
            false,
        ),
        ("a chart", &[("Chart.yaml", "name: a\n"), ("templates/web.yaml", EVERYTHING)], false),
        ("a kustomization", &[("kustomization.yaml", "generators: [web.yaml]\n"), ("web.yaml", EVERYTHING)], false),
        ("a chart below", &[("app/Chart.yaml", "name: a\n"), ("app/templates/web.yaml", EVERYTHING)], false),
        (
            "a kustomization below",
            &[("a/b/Kustomization", "resources: [web.yaml]\n"), ("a/b/web.yaml", EVERYTHING)],
            false,
        ),
        ("a hidden folder", &[(".old/web.yaml", EVERYTHING)], false),
        ("nothing", &[], false),
    ];
    for (name, files, ours) in cases {
        let folder = tempfile::tempdir()?;
        write(folder.path(), files)?;
        let output = as_argo(folder.path(), &discover, &[])?;
        ensure!(output.status.success(), "{name}: {}", text(&output.stderr));
        ensure!(output.stdout.is_empty() != ours, "{name}: `{}`", text(&output.stdout));
    }
    Ok(())
}

/// Files that are rendered for an artifact are built as Flux does: a kustomization of all that is there, no plugins.
pub fn flux_builds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &[("machines/web.yaml", EVERYTHING)])?;
    let args = ["-R", "-f", "machines", "-n", "prod", "--secrets=omit"];
    let wanted = by_name(rendered(folder.path(), &args)?);
    let mut render = Command::new(BINARY);
    run(render.arg("render").args(args).args(["--output-dir", "rendered"]).current_dir(folder.path()).env_clear())?;
    let kustomize = built("kustomize", "kustomize")?;
    let rendered = folder.path().join("rendered");
    run(Command::new(&kustomize).args(["create", "--autodetect", "--recursive"]).current_dir(&rendered))?;
    let printed = run(Command::new(&kustomize).args(["build", "."]).current_dir(&rendered))?;
    ensure!(by_name(documents(&printed)) == wanted, "{printed}");
    ensure!(!wanted.is_empty() && wanted.keys().all(|name| !name.starts_with("Secret/")), "{:?}", wanted.keys());
    Ok(())
}
