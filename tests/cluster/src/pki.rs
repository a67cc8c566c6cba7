//! Certificates, keys and tokens of one cluster, made anew for each run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use sha2::{Digest as _, Sha256};

/// Who talks to the API server with a token. KubeVirt's webhooks let only its own service accounts change a machine that
/// runs, so its components carry their names (kubevirt 1.7, vmi-mutator.go and vmi-update-admitter.go).
#[derive(Clone, Copy)]
pub(crate) enum Identity {
    Admin,
    VirtApi,
    VirtController,
    VirtHandler,
}

impl Identity {
    pub(crate) const ALL: [Self; 4] = [Self::Admin, Self::VirtApi, Self::VirtController, Self::VirtHandler];

    /// The name of its kubeconfig file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::VirtApi => "virt-api",
            Self::VirtController => "virt-controller",
            Self::VirtHandler => "virt-handler",
        }
    }

    fn user(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::VirtApi => "system:serviceaccount:kubevirt:kubevirt-apiserver",
            Self::VirtController => "system:serviceaccount:kubevirt:kubevirt-controller",
            Self::VirtHandler => "system:serviceaccount:kubevirt:kubevirt-handler",
        }
    }
}

/// The folder with all of them.
#[derive(Clone)]
pub(crate) struct Pki {
    folder: PathBuf,
    tokens: Vec<String>,
    /// The certificate that signed all others, as PEM.
    pub(crate) authority: String,
}

impl Pki {
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let write = |name: &str, text: &str| fs::write(folder.join(name), text);

        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "wukong-tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = params.self_signed(&key)?.pem();
        write("ca.crt", &authority)?;
        let issuer = Issuer::new(params, key);

        // etcd uses the certificate of its server for a client of its own as well.
        let (server, client) = (ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth);
        let own = [
            ("server", "server", vec![server.clone(), client.clone()]),
            ("front-proxy", "front-proxy", vec![client]),
            // The name by which virt-api knows a virt-handler. Source: KubeVirt, pkg/util/tls.
            ("virt-handler", "kubevirt.io:system:node:virt-handler", vec![server]),
        ];
        for (name, common_name, usages) in own {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
            params.distinguished_name.push(DnType::CommonName, common_name);
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
            params.extended_key_usages = usages;
            write(&format!("{name}.crt"), &params.signed_by(&key, &issuer)?.pem())?;
            write(&format!("{name}.key"), &key.serialize_pem())?;
        }

        let service_accounts = KeyPair::generate()?;
        write("service-accounts.key", &service_accounts.serialize_pem())?;
        write("service-accounts.pub", &service_accounts.public_key_pem())?;

        let tokens = Identity::ALL.iter().map(|_| random()).collect::<Result<Vec<_>>>()?;
        let row = |(identity, token): (&Identity, &String)| {
            let user = identity.user();
            format!("{token},{user},{user},\"system:masters\"\n")
        };
        write("tokens.csv", &Identity::ALL.iter().zip(&tokens).map(row).collect::<String>())?;
        Ok(Self { folder: folder.to_owned(), tokens, authority })
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    pub(crate) fn token(&self, identity: Identity) -> &str {
        &self.tokens[identity as usize]
    }
}

/// A secret of 256 bits. A fresh key is as random as anything here.
fn random() -> Result<String> {
    let digest = Sha256::digest(KeyPair::generate()?.serialize_der());
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
