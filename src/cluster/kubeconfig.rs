//! Finding, merging and reading kubeconfig files as kubectl does.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};

use super::Access;
use super::refused::clean;

/// What a kubeconfig says of one server and one person.
#[derive(Default)]
pub(super) struct Chosen {
    pub cluster: Cluster,
    pub user: AuthInfo,
    pub namespace: Option<String>,
}

/// The names in a kubeconfig.
#[derive(Debug, Default)]
pub struct Known {
    /// The contexts.
    pub contexts: Vec<String>,
    /// The clusters.
    pub clusters: Vec<String>,
    /// The users.
    pub users: Vec<String>,
}

/// The names in the kubeconfig that flags and environment choose.
///
/// # Errors
/// A file cannot be read.
pub fn known(access: &Access) -> Result<Known> {
    let kubeconfig = match &access.kubeconfig {
        Some(path) => read_named(path)?,
        None => read_all(&usual_places())?.unwrap_or_default(),
    };
    Ok(Known {
        contexts: kubeconfig.contexts.into_iter().map(|named| named.name).collect(),
        clusters: kubeconfig.clusters.into_iter().map(|named| named.name).collect(),
        users: kubeconfig.auth_infos.into_iter().map(|named| named.name).collect(),
    })
}

/// The files that are looked at in this environment when no flag names one.
pub(super) fn usual_places() -> Vec<PathBuf> {
    places(std::env::var_os("KUBECONFIG").as_deref(), std::env::home_dir().as_deref())
}

/// The files that are looked at when no flag names one. `variable` is `KUBECONFIG`.
fn places(variable: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for path in variable.map(std::env::split_paths).into_iter().flatten().filter(|path| !path.as_os_str().is_empty()) {
        if !places.contains(&path) {
            places.push(path);
        }
    }
    if places.is_empty() {
        places.extend(home.map(|home| home.join(".kube").join("config")));
    }
    places
}

/// Reads the file that a flag names, which must exist.
pub(super) fn read_named(path: &Path) -> Result<Kubeconfig> {
    match read(path)? {
        Some(kubeconfig) => Ok(kubeconfig),
        None => bail!("the kubeconfig `{}` does not exist", path.display()),
    }
}

/// Reads and merges files; the first to set a value wins, and missing files count as empty. Nothing if all together
/// say nothing.
pub(super) fn read_all(places: &[PathBuf]) -> Result<Option<Kubeconfig>> {
    let mut merged = Kubeconfig::default();
    for place in places {
        if let Some(next) = read(place)? {
            merged = merged.merge(next).map_err(|error| problem(place, &error))?;
        }
    }
    let empty = merged.clusters.is_empty() && merged.contexts.is_empty() && merged.auth_infos.is_empty();
    Ok((!empty).then_some(merged))
}

fn read(path: &Path) -> Result<Option<Kubeconfig>> {
    match Kubeconfig::read_from(path) {
        Ok(mut kubeconfig) => {
            // An empty name must not hide that of the next file.
            kubeconfig.current_context = kubeconfig.current_context.filter(|name| !name.is_empty());
            Ok(Some(kubeconfig))
        }
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(problem(path, &error)),
    }
}

/// Says what is wrong with a file. A YAML error shows the text around it, which may be a token: only its place is told.
fn problem(path: &Path, error: &KubeconfigError) -> anyhow::Error {
    let path = path.display();
    match error {
        KubeconfigError::ReadConfig(error, _) => anyhow!("the kubeconfig `{path}` cannot be read: {error}"),
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => anyhow!("the kubeconfig `{path}` is not valid: see line {}", place.line()),
            None => anyhow!("the kubeconfig `{path}` is not valid"),
        },
        other => anyhow!("the kubeconfig `{path}` cannot be used: {other}"),
    }
}

/// Picks the context, and its cluster and user, unless flags name others.
pub(super) fn choose(kubeconfig: &Kubeconfig, access: &Access) -> Result<Chosen> {
    let context = match access.context.as_deref().or(kubeconfig.current_context.as_deref()) {
        Some(name) => context(kubeconfig, name)?,
        None if access.cluster.is_some() || access.server.is_some() => Context::default(),
        None => {
            let contexts = exist(kubeconfig.contexts.iter().map(|named| named.name.as_str()));
            bail!("the kubeconfig has no current context, and `--context` names none; {contexts}")
        }
    };
    let cluster = match (access.cluster.as_deref(), context.cluster.as_str()) {
        (Some(name), _) => cluster(kubeconfig, name)?,
        (None, "") => Cluster::default(),
        // With an address of its own a run needs no cluster.
        (None, name) if access.server.is_some() => cluster(kubeconfig, name).unwrap_or_default(),
        (None, name) => cluster(kubeconfig, name)?,
    };
    let user = match (access.user.as_deref(), context.user.as_deref()) {
        (Some(name), _) => user(kubeconfig, name).ok_or_else(|| {
            let users = exist(kubeconfig.auth_infos.iter().map(|named| named.name.as_str()));
            anyhow!("the kubeconfig has no user `{}`; {users}", clean(name))
        })?,
        // As in kubectl, a context without a user is one without credentials.
        (None, name) => name.and_then(|name| user(kubeconfig, name)).unwrap_or_default(),
    };
    Ok(Chosen { cluster, user, namespace: context.namespace.filter(|namespace| !namespace.is_empty()) })
}

fn context(kubeconfig: &Kubeconfig, name: &str) -> Result<Context> {
    let found = kubeconfig.contexts.iter().find(|named| named.name == name).and_then(|named| named.context.clone());
    found.ok_or_else(|| {
        let contexts = exist(kubeconfig.contexts.iter().map(|named| named.name.as_str()));
        anyhow!("the kubeconfig has no context `{}`; {contexts}", clean(name))
    })
}

fn cluster(kubeconfig: &Kubeconfig, name: &str) -> Result<Cluster> {
    let found = kubeconfig.clusters.iter().find(|named| named.name == name).and_then(|named| named.cluster.clone());
    found.ok_or_else(|| {
        let clusters = exist(kubeconfig.clusters.iter().map(|named| named.name.as_str()));
        anyhow!("the kubeconfig has no cluster `{}`; {clusters}", clean(name))
    })
}

fn user(kubeconfig: &Kubeconfig, name: &str) -> Option<AuthInfo> {
    kubeconfig.auth_infos.iter().find(|named| named.name == name).and_then(|named| named.auth_info.clone())
}

fn exist<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{}`", clean(name))).collect();
    match names.len() {
        0 => "there is none".to_owned(),
        1..=20 => format!("these exist: {}", names.join(", ")),
        more => format!("these exist: {}, and {} more", names[..20].join(", "), more - 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "
current-context: ''
clusters: [{name: one, cluster: {server: 'https://one', certificate-authority: ca.crt}}]
users: [{name: me, user: {token: first}}]
contexts: [{name: a, context: {cluster: one, user: me, namespace: prod}}]
";
    const SECOND: &str = "
current-context: b
clusters: [{name: one, cluster: {server: 'https://other'}}, {name: two, cluster: {server: 'https://two'}}]
contexts: [{name: b, context: {cluster: two, user: gone}}, {name: c, context: {cluster: lost}}]
";

    fn merged(folder: &Path) -> Kubeconfig {
        std::fs::write(folder.join("first"), FIRST).unwrap();
        std::fs::write(folder.join("second"), SECOND).unwrap();
        let places = [folder.join("missing"), folder.join("first"), folder.join("second")];
        read_all(&places).unwrap().unwrap()
    }

    #[test]
    fn places_follow_the_variable() {
        let paths = |variable: Option<&str>| places(variable.map(OsStr::new), Some(Path::new("/home/me")));
        assert_eq!(paths(None), [PathBuf::from("/home/me/.kube/config")]);
        assert_eq!(paths(Some("")), [PathBuf::from("/home/me/.kube/config")]);
        assert_eq!(paths(Some("/a::/b:/a")), [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert!(places(None, None).is_empty());
    }

    #[test]
    fn the_first_file_wins_and_missing_files_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = merged(folder.path());
        let chosen = choose(&kubeconfig, &Access::default()).unwrap();
        assert_eq!(chosen.cluster.server.unwrap(), "https://two");
        let chosen = choose(&kubeconfig, &Access { context: Some("a".into()), ..Access::default() }).unwrap();
        assert_eq!(chosen.cluster.server.unwrap(), "https://one");
        assert_eq!(chosen.namespace.unwrap(), "prod");
        assert_eq!(chosen.cluster.certificate_authority.unwrap(), folder.path().join("ca.crt").display().to_string());
        assert!(chosen.user.token.is_some());
        assert!(read_all(&[folder.path().join("missing")]).unwrap().is_none());
    }

    #[test]
    fn what_is_missing_is_told_with_what_exists() {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = merged(folder.path());
        let told = |access: &Access| choose(&kubeconfig, access).map(|_| ()).unwrap_err().to_string();
        let named = |context: &str| Access { context: Some(context.into()), ..Access::default() };
        assert_eq!(told(&named("x")), "the kubeconfig has no context `x`; these exist: `a`, `b`, `c`");
        assert_eq!(told(&named("c")), "the kubeconfig has no cluster `lost`; these exist: `one`, `two`");
        let access = Access { user: Some("x".into()), ..Access::default() };
        assert_eq!(told(&access), "the kubeconfig has no user `x`; these exist: `me`");
        let bare = Kubeconfig { current_context: None, ..kubeconfig.clone() };
        assert!(choose(&bare, &Access::default()).is_err());
        assert!(choose(&bare, &Access { cluster: Some("two".into()), ..Access::default() }).is_ok());
    }

    #[test]
    fn a_broken_file_is_told_by_its_place_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, "users:\n- name: me\n  user: {token: [hunter2]}\n").unwrap();
        let told = read_named(&path).unwrap_err();
        let told = format!("{told:#} {told:?}");
        assert!(told.contains("see line 3") && !told.contains("hunter2"), "{told}");
        assert!(read_named(&folder.path().join("none")).unwrap_err().to_string().contains("does not exist"));
    }
}
