//! Why no credentials could be had, told without the credentials.

use kube::client::AuthError;
use kube::config::AuthInfo;

use super::refused::clean;

/// What is needed to tell which plugin failed.
#[derive(Clone, Default)]
pub(super) struct Login {
    command: Option<String>,
    hint: Option<String>,
}

impl Login {
    pub(super) fn of(user: &AuthInfo) -> Self {
        let exec = user.exec.as_ref();
        Self {
            command: exec.and_then(|exec| exec.command.as_deref()).map(clean),
            hint: exec.and_then(|exec| exec.install_hint.as_deref()).map(clean),
        }
    }

    /// One sentence. What a plugin printed on its standard output, and what it was started with, may be secret.
    pub(super) fn explain(&self, error: &AuthError) -> String {
        let plugin = match &self.command {
            Some(command) => format!("the login plugin `{command}` of the kubeconfig"),
            None => "the login command of the kubeconfig".to_owned(),
        };
        match error {
            AuthError::AuthExecStart(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let hint = self.hint.as_deref().unwrap_or("install it, or add its directory to `PATH`");
                format!("{plugin} was not found; {hint}")
            }
            AuthError::AuthExecStart(error) => format!("{plugin} could not be started: {error}"),
            AuthError::AuthExecRun { out, .. } => {
                let said = clean(last_line(&String::from_utf8_lossy(&out.stderr)));
                let said = if said.is_empty() { "run it by hand to see why".to_owned() } else { said };
                format!("{plugin} failed with {}: {said}", out.status)
            }
            AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed | AuthError::ParseTokenKey(_) => {
                format!("{plugin} did not answer with credentials")
            }
            AuthError::MalformedTokenExpirationDate(_) => {
                format!("{plugin} answered with an expiry date that is none")
            }
            AuthError::MissingCommand => "the kubeconfig has a login plugin without a command".to_owned(),
            AuthError::UnrefreshableTokenResponse => format!("{plugin} answered without a token the second time"),
            AuthError::ReadTokenFile(error, path) => {
                format!("the token file `{}` cannot be read: {error}", path.display())
            }
            AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
                "the token or password holds a character that no header may hold".to_owned()
            }
            AuthError::Oidc(_) => {
                "the OIDC login of the kubeconfig has expired and could not be renewed; log in again".to_owned()
            }
            AuthError::AuthExec(told) => clean(told),
            _ => "the credentials of the kubeconfig cannot be used".to_owned(),
        }
    }
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default()
}
