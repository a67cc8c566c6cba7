//! What flags change in what a kubeconfig says.

use super::*;

const KUBECONFIG: &str = "
current-context: a
clusters:
- name: one
  cluster: {server: 'https://one.example:6443/k8s', tls-server-name: inner, certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBRUMKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=}
users:
- name: me
  user: {client-certificate-data: Yw==, client-key-data: aw==, as: boss, as-groups: [g], as-user-extra: {k: [v]}}
contexts:
- {name: a, context: {cluster: one, user: me, namespace: prod}}
";

fn with(change: impl FnOnce(&mut Access)) -> Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, KUBECONFIG).unwrap();
    let mut access = Access { kubeconfig: Some(path), ..Access::default() };
    change(&mut access);
    config(&access)
}

#[test]
fn a_kubeconfig_is_taken_as_it_is() {
    let config = with(|_| ()).unwrap();
    assert_eq!(config.cluster_url.to_string(), "https://one.example:6443/k8s");
    assert_eq!(config.default_namespace, "prod");
    assert_eq!(config.root_cert, Some(vec![vec![0, 1, 2]]));
    assert_eq!(config.tls_server_name.as_deref(), Some("inner"));
    assert!(!config.default_retry && !config.accept_invalid_certs);
    assert_eq!(config.auth_info.impersonate.as_deref(), Some("boss"));
    assert_eq!(config.auth_info.impersonate_user_extra.unwrap()["k"], ["v"]);
}

#[test]
fn another_server_is_not_asked_for_the_old_name() {
    let config = with(|access| access.server = Some("https://two".to_owned())).unwrap();
    assert_eq!((config.cluster_url.host(), config.tls_server_name), (Some("two"), None));
    assert!(config.root_cert.is_some());
}

#[test]
fn an_insecure_run_drops_the_authority() {
    let config = with(|access| access.insecure_skip_tls_verify = true).unwrap();
    assert!(config.accept_invalid_certs);
    assert_eq!(config.root_cert, Some(Vec::new()));
    let missing = with(|access| access.certificate_authority = Some("/nowhere/ca.crt".into())).unwrap_err();
    assert!(format!("{missing:#}").contains("/nowhere/ca.crt"), "{missing:#}");
}

#[test]
fn a_token_replaces_the_credentials_but_not_who_is_played() {
    let user = with(|access| access.token = Some("t".to_owned())).unwrap().auth_info;
    assert!(user.token.is_some() && user.client_certificate_data.is_none() && user.client_key_data.is_none());
    assert_eq!(user.impersonate.as_deref(), Some("boss"));
    let user = with(|access| access.token = Some(String::new())).unwrap().auth_info;
    assert!(user.token.is_none() && user.client_certificate_data.is_some());
}

#[test]
fn certificates_of_flags_replace_those_of_the_file() {
    let user = with(|access| {
        access.client_certificate = Some("/c".into());
        access.client_key = Some("/k".into());
    });
    let user = user.unwrap().auth_info;
    assert_eq!((user.client_certificate.as_deref(), user.client_key.as_deref()), (Some("/c"), Some("/k")));
    assert!(user.client_certificate_data.is_none() && user.client_key_data.is_none());
}

#[test]
fn who_is_played() {
    let user = with(|access| {
        access.impersonate = Some("alice".to_owned());
        access.impersonate_groups = vec!["x".to_owned()];
        access.impersonate_uid = Some("u".to_owned());
    });
    let user = user.unwrap().auth_info;
    assert_eq!(user.impersonate.as_deref(), Some("alice"));
    assert_eq!(user.impersonate_groups.unwrap(), ["x"]);
    assert_eq!(user.impersonate_uid.as_deref(), Some("u"));
    let mut nobody = AuthInfo::default();
    let access = Access { impersonate_uid: Some("u".to_owned()), ..Access::default() };
    assert!(override_user(&access, &mut nobody).unwrap_err().to_string().contains("--as USER"));
}

#[test]
fn addresses_without_a_scheme() {
    let build = |server: &str, insecure| {
        let cluster =
            Cluster { server: Some(server.to_owned()), insecure_skip_tls_verify: Some(insecure), ..Cluster::default() };
        build(Chosen { cluster, ..Chosen::default() }).map(|config| config.cluster_url.to_string())
    };
    assert_eq!(build("localhost:8080", false).unwrap(), "http://localhost:8080/");
    assert_eq!(build("localhost:6443", true).unwrap(), "https://localhost:6443/");
    assert!(build("ftp://h", false).is_err());
    let told = build("https://u:hunter2@ h", false).unwrap_err().to_string();
    assert!(told.contains("is not a URL") && !told.contains("hunter2"), "{told}");
}

#[test]
fn a_token_file_may_end_with_a_line_break() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let user = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut user = AuthInfo { token_file: Some(file.display().to_string()), ..AuthInfo::default() };
        trim_token(&mut user);
        user
    };
    assert!(user("t\n").token.is_some());
    assert!(user("t").token.is_none());
}

#[test]
fn debug_hides_the_token() {
    let access = Access {
        token: Some("hunter2".to_owned()),
        server: Some("https://u:hunter2@h".to_owned()),
        ..Access::default()
    };
    let shown = format!("{access:?} {access:#?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}
