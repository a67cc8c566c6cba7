//! How each component is started: its program, its environment, its flags. Data, without order or waiting.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::pki::Pki;
use crate::processes::free_ports;
use crate::programs::Programs;
use crate::versions::Set;

/// Where the API server writes down what it was asked.
pub(crate) const AUDIT_LOG: &str = "audit.log";

/// One program to run.
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// One argument a line; lines that start with `#` say why.
    args: String,
}

impl Component {
    pub(crate) fn args(&self) -> impl Iterator<Item = &str> {
        self.args.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    }
}

/// The ports of one cluster on 127.0.0.1.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    etcd: u16,
    etcd_peer: u16,
    pub(crate) api: u16,
    pub(crate) virt_api: u16,
    virt_controller: u16,
    pub(crate) cdi: u16,
    pub(crate) progress: u16,
    pub(crate) agents: u16,
}

impl Ports {
    pub(crate) fn free() -> Result<Self> {
        let [etcd, etcd_peer, api, virt_api, virt_controller, cdi, progress, agents] = free_ports()?;
        Ok(Self { etcd, etcd_peer, api, virt_api, virt_controller, cdi, progress, agents })
    }
}

/// What all components need to know.
pub(crate) struct Place<'a> {
    pub(crate) set: Set,
    pub(crate) programs: &'a Programs,
    pub(crate) folder: &'a Path,
    pub(crate) pki: &'a Pki,
    pub(crate) ports: Ports,
}

impl Place<'_> {
    fn file(&self, name: &str) -> String {
        self.pki.path(name).display().to_string()
    }

    fn kubeconfig(&self, identity: &str) -> String {
        self.folder.join(format!("{identity}.kubeconfig")).display().to_string()
    }

    pub(crate) fn etcd(&self) -> Component {
        let (client, peer) = (self.ports.etcd, self.ports.etcd_peer);
        self.kubernetes(
            "etcd",
            &format!(
                "--data-dir={data}
                --listen-client-urls=https://127.0.0.1:{client}
                --advertise-client-urls=https://127.0.0.1:{client}
                --cert-file={certificate}
                --key-file={key}
                --client-cert-auth
                --trusted-ca-file={authority}
                --listen-peer-urls=http://127.0.0.1:{peer}
                --initial-advertise-peer-urls=http://127.0.0.1:{peer}
                --initial-cluster=default=http://127.0.0.1:{peer}
                # What is lost with the power is of no interest here.
                --unsafe-no-fsync",
                data = self.folder.join("etcd").display(),
                certificate = self.file("server.crt"),
                key = self.file("server.key"),
                authority = self.file("ca.crt"),
            ),
        )
    }

    pub(crate) fn api_server(&self) -> Component {
        let Ports { etcd, api, .. } = self.ports;
        let authority = self.file("ca.crt");
        self.kubernetes(
            "kube-apiserver",
            &format!(
                "--etcd-servers=https://127.0.0.1:{etcd}
                --etcd-cafile={authority}
                --etcd-certfile={front}
                --etcd-keyfile={front_key}
                --bind-address=127.0.0.1
                --secure-port={api}
                --tls-cert-file={certificate}
                --tls-private-key-file={key}
                --client-ca-file={authority}
                --token-auth-file={tokens}
                --authorization-mode=RBAC
                --service-account-issuer=https://kubernetes.default.svc
                --service-account-key-file={accounts}
                --service-account-signing-key-file={accounts_key}
                --service-cluster-ip-range=10.0.0.0/24
                --allow-privileged
                --audit-policy-file={policy}
                --audit-log-path={audit}
                # virt-api reads these settings of aggregated APIs, and trusts only such a client.
                --requestheader-client-ca-file={authority}
                --requestheader-allowed-names=front-proxy
                --requestheader-extra-headers-prefix=X-Remote-Extra-
                --requestheader-group-headers=X-Remote-Group
                --requestheader-username-headers=X-Remote-User
                --proxy-client-cert-file={front}
                --proxy-client-key-file={front_key}",
                certificate = self.file("server.crt"),
                key = self.file("server.key"),
                tokens = self.file("tokens.csv"),
                policy = self.folder.join("audit.yaml").display(),
                audit = self.folder.join(AUDIT_LOG).display(),
                accounts = self.file("service-accounts.pub"),
                accounts_key = self.file("service-accounts.key"),
                front = self.file("front-proxy.crt"),
                front_key = self.file("front-proxy.key"),
            ),
        )
    }

    pub(crate) fn controller_manager(&self) -> Component {
        self.kubernetes(
            "kube-controller-manager",
            &format!(
                "--kubeconfig={}
                --service-account-private-key-file={}
                --root-ca-file={}
                --leader-elect=false
                --use-service-account-credentials
                --secure-port=0
                --flex-volume-plugin-dir=flex-volume
                --node-monitor-period=2s
                --node-monitor-grace-period=40s",
                self.kubeconfig("admin"),
                self.file("service-accounts.key"),
                self.file("ca.crt"),
            ),
        )
    }

    pub(crate) fn scheduler(&self) -> Component {
        let kubeconfig = self.kubeconfig("admin");
        // KubeVirt 1.5 tests the conditions of a pod when it changes them, without the field that Kubernetes 1.35 added: of
        // a pod that finds no node it would tell nothing any more. The two are not made for each other in that.
        let older = match self.set {
            Set::Default => "",
            Set::Other => "--emulated-version=1.34\n--feature-gates=PodObservedGenerationTracking=false",
        };
        self.kubernetes(
            "kube-scheduler",
            &format!("--kubeconfig={kubeconfig}\n--leader-elect=false\n--secure-port=0\n{older}"),
        )
    }

    fn kubernetes(&self, name: &'static str, args: &str) -> Component {
        let program = self.programs.path("kubernetes", "kubernetes");
        Component { name, program, environment: vec![], args: format!("{name}\n{args}") }
    }

    pub(crate) fn virt_api(&self) -> Component {
        let (certificate, key) = (self.file("server.crt"), self.file("server.key"));
        self.kubevirt(
            "virt-api",
            &format!(
                "--kubeconfig={}
                --port={}
                --console-server-port={}
                --tls-cert-file={certificate}
                --tls-key-file={key}
                --handler-cert-file={certificate}
                --handler-key-file={key}",
                self.kubeconfig("virt-api"),
                self.ports.virt_api,
                self.ports.agents
            ),
        )
    }

    pub(crate) fn virt_controller(&self) -> Component {
        self.kubevirt(
            "virt-controller",
            &format!(
                "--kubeconfig={}
                --port={}
                --prom-cert-file={}
                --prom-key-file={}",
                self.kubeconfig("virt-controller"),
                self.ports.virt_controller,
                self.file("server.crt"),
                self.file("server.key"),
            ),
        )
    }

    fn kubevirt(&self, name: &'static str, args: &str) -> Component {
        let environment = vec![("POD_NAMESPACE", "kubevirt".to_owned())];
        let program = self.programs.path("virt", "kubevirt");
        Component { name, program, environment, args: format!("{name}\n--listen=127.0.0.1\n{args}") }
    }

    pub(crate) fn cdi(&self) -> Component {
        Component {
            name: "cdi",
            program: self.programs.path("virt", "cdi"),
            environment: vec![("PROGRESS_ADDRESS", format!("127.0.0.1:{}", self.ports.progress))],
            args: format!(
                "--kubeconfig={}
                --port={}
                --cert={}
                --key={}",
                self.kubeconfig("admin"),
                self.ports.cdi,
                self.file("server.crt"),
                self.file("server.key"),
            ),
        }
    }

    pub(crate) fn local_path(&self) -> Component {
        Component {
            name: "local-path-provisioner",
            program: self.programs.path("local-path", "local-path-provisioner"),
            environment: vec![("POD_NAMESPACE", "local-path-storage".to_owned())],
            args: format!(
                "start
                --kubeconfig={}
                --namespace=local-path-storage
                --service-account-name=default
                --config=local-path.json
                --configmap-name=local-path-config",
                self.kubeconfig("admin"),
            ),
        }
    }
}

/// Prometheus, which a test starts beside the cluster, with a folder of its own.
pub(crate) fn prometheus(port: u16) -> Component {
    Component {
        name: "prometheus",
        program: PathBuf::from("prometheus"),
        environment: vec![],
        args: format!(
            "--config.file=prometheus.yml
            --storage.tsdb.path=data
            --web.listen-address=127.0.0.1:{port}
            --log.level=warn"
        ),
    }
}
