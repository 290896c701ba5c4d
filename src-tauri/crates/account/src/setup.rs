//! How an account is set up on this machine, and where its client secret comes from.

use std::path::{Path, PathBuf};

use deskline_core::Secret;
use deskline_identity::{ClientAuth, Settings};
use deskline_platform::credentials::Vault;
use url::Url;

use crate::problem::AccountError;

/// The way a person signs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    /// In this computer's browser.
    #[default]
    Browser,
    /// With another device, by a code to type in.
    Device,
}

/// What the settings say.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The organisation's integration; without it only tokens that are handed in can be used.
    pub identity: Option<Settings>,
    /// Where to ask who somebody is.
    pub people_url: Option<Url>,
    /// The way to sign in if nobody chooses one.
    pub flow: Flow,
    /// A file with the client secret that only the administrator can write.
    pub client_secret_file: Option<PathBuf>,
    /// Extra trust anchors.
    pub ca_file: Option<PathBuf>,
    /// Proxy instead of the system's, or `direct`.
    pub proxy: Option<String>,
}

impl Setup {
    /// The integration with its secret: from the keyring, else from the administrator's file, never from the settings.
    ///
    /// # Errors
    /// [`AccountError`] if there is no integration, or no secret where one is needed.
    pub(crate) async fn registration(&self, vault: &Vault) -> Result<Settings, AccountError> {
        let settings = self.identity.clone().ok_or(AccountError::NotSetUp)?;
        if settings.client_auth == ClientAuth::None || settings.client_secret.is_some() {
            return Ok(settings);
        }
        let kept = match vault.client_secret().await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::info!(%error, "the keyring was not asked for the client secret");
                None
            }
        };
        let secret = match (kept, &self.client_secret_file) {
            (Some(secret), _) => secret,
            (None, Some(file)) => {
                let secret = read_secret(file)?;
                if let Err(error) = vault.set_client_secret(secret.clone()).await {
                    tracing::info!(%error, "the client secret stays in its file");
                }
                secret
            }
            (None, None) => {
                return Err(AccountError::NoSecret {
                    client_id: settings.client_id,
                });
            }
        };
        Ok(Settings {
            client_secret: Some(secret),
            ..settings
        })
    }
}

/// Reads the administrator's file; one that others may write proves nothing and is refused.
fn read_secret(file: &Path) -> Result<Secret, AccountError> {
    let unusable = |why: &str| AccountError::SecretFile {
        file: file.to_owned(),
        why: why.to_owned(),
    };
    let about = std::fs::metadata(file).map_err(|error| unusable(&error.to_string()))?;
    if !about.is_file() {
        return Err(unusable("it is no file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if about.permissions().mode() & 0o022 != 0 {
            return Err(unusable(
                "others than its owner may write it; take that right away (chmod go-w)",
            ));
        }
    }
    let text = std::fs::read_to_string(file).map_err(|error| unusable(&error.to_string()))?;
    match text.trim() {
        "" => Err(unusable("it is empty")),
        text if text.len() > 2_000 || !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(
            unusable("it must hold the secret alone, in plain characters"),
        ),
        text => Ok(Secret::new(text)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_secret_file_that_others_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret\n").unwrap();
        let mode = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for refused in [0o620, 0o602, 0o666] {
            mode(refused);
            let error = read_secret(&file).unwrap_err().to_string();
            assert!(
                error.contains("go-w") && error.contains("secret"),
                "{error}"
            );
            assert!(!error.contains("s3cret"), "{error}");
        }
        for fine in [0o600, 0o644] {
            mode(fine);
            assert_eq!(read_secret(&file).unwrap(), Secret::new("s3cret"));
        }
        std::fs::write(&file, " \n").unwrap();
        assert!(
            read_secret(&file)
                .unwrap_err()
                .to_string()
                .contains("empty")
        );
        assert!(read_secret(&folder.path().join("none")).is_err());
    }

    #[tokio::test]
    async fn a_secret_file_is_taken_into_the_keyring() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let url = || Url::parse("https://id.test/x").unwrap();
        let setup = Setup {
            identity: Some(Settings {
                client_id: "C1".to_owned(),
                client_secret: None,
                client_auth: ClientAuth::Basic,
                scopes: Vec::new(),
                authorize_url: url(),
                token_url: url(),
                device_authorize_url: url(),
                device_token_url: url(),
                revoke_url: None,
                issuer: None,
                redirect_ports: Vec::new(),
                self_contained: false,
            }),
            client_secret_file: Some(file.clone()),
            ..Setup::default()
        };
        let vault = Vault::for_this_run("p");
        let found = setup.registration(&vault).await.unwrap();
        assert_eq!(found.client_secret, Some(Secret::new("s3cret")));
        // The keyring has it now; the file may go.
        std::fs::remove_file(&file).unwrap();
        let found = setup.registration(&vault).await.unwrap();
        assert_eq!(found.client_secret, Some(Secret::new("s3cret")));
        let without = Setup {
            client_secret_file: None,
            ..setup
        };
        let error = without
            .registration(&Vault::for_this_run("p"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("C1"), "{error}");
    }
}
