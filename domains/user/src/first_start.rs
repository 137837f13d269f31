//! What a process makes when it finds nothing: a signing key and an administrator. Rule: what exists is never
//! replaced, and a made password is shown once, to whoever started the process.

use crate::app::{FirstAdminError, ensure_signing_key, make_first_admin};
use crate::crypto::{FreshKey, Passwords, Sealer, StoredKey, random};
use crate::domain::{Email, NewUser, Password, Timezone, Username};
use crate::issuer::Issuer;
use crate::store::users;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::user::Role;
use db::{Context, Db, DbError};
use runtime::{Deps, StartError};
use secrecy::{ExposeSecret, SecretString};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use web::FieldRule;

const USERNAME: &str = "admin";

/// Signs with the stored keys, after the first was made where there was none.
pub(crate) async fn issuer(deps: &Deps, secret: &[u8]) -> Result<Issuer, StartError> {
    let failed = |error: &dyn std::error::Error| StartError::new(format!("cannot use the signing keys: {error}"));
    let sealer = sealer(secret)?;
    let fresh = FreshKey::generate(&sealer).map_err(|error| failed(&error))?;
    let keys = stored(&deps.db, &fresh).await.map_err(|error| failed(&error))?;
    Issuer::open(&keys, sealer, deps.public_url.clone()).map_err(|error| failed(&error))
}

/// What opens the private parts of the signing keys.
pub(crate) fn sealer(secret: &[u8]) -> Result<Sealer, StartError> {
    Sealer::new(secret, "signing keys").map_err(|error| StartError::new(error.to_string()))
}

async fn stored(db: &Db, fresh: &FreshKey) -> Result<Vec<StoredKey>, DbError> {
    match db.write(&Context::default(), fresh, ensure_signing_key).await {
        // Another process made the active key between our look and our insert.
        Err(DbError::Unique { .. }) => db.write(&Context::default(), fresh, ensure_signing_key).await,
        keys => keys,
    }
}

/// Makes the first administrator where there is none; the line for the operator.
pub(crate) async fn admin(deps: &Deps, passwords: &Passwords) -> Result<Option<String>, StartError> {
    let failed = |error: DbError| StartError::new(format!("cannot look for an administrator: {error}"));
    if users::any_admin(deps.db.reader()).await.map_err(failed)? {
        return Ok(None);
    }
    let Some(chosen) = ChosenPassword::of(deps)? else {
        return Ok(Some(
            "there is no administrator, and nowhere to put a password: make one with `cleave users create-admin`"
                .to_owned(),
        ));
    };
    let new = new_admin(deps, passwords, &chosen.password).await?;
    // On disk before it is in force: a crash between the two leaves a file too many, not an account nobody can use.
    let draft = chosen.file.as_ref().map(|path| Draft::write(path, deps, &chosen.password)).transpose()?;
    match deps.db.write(&Context::default(), &new, make_first_admin).await {
        Ok(()) => {
            draft.map_or(Ok(()), Draft::keep)?;
            Ok(Some(chosen.notice()))
        }
        Err(FirstAdminError::Exists) => {
            draft.map_or(Ok(()), Draft::discard)?;
            // Another process was faster, or somebody who is no administrator has one of the two names.
            let made = users::any_admin(deps.db.reader()).await.map_err(failed)?;
            Ok((!made).then(|| {
                format!(
                    "there is no administrator, and somebody has the username {USERNAME} or the address {}: make one \
                     with `cleave users create-admin`",
                    deps.config.admin_email
                )
            }))
        }
        Err(FirstAdminError::Db(error)) => {
            // Where nobody knows whether the account was made, the password may be in force.
            let unknown = matches!(error, DbError::Unknown(_));
            draft.map_or(Ok(()), if unknown { Draft::keep } else { Draft::discard })?;
            Err(StartError::new(format!("cannot make the first administrator: {error}")))
        }
    }
}

async fn new_admin(deps: &Deps, passwords: &Passwords, password: &Password) -> Result<NewUser, StartError> {
    let email = &deps.config.admin_email;
    Ok(NewUser {
        username: Username::parse(USERNAME).map_err(|rule| StartError::new(rule.detail()))?,
        email: Email::parse(email)
            .map_err(|rule| StartError::new(format!("CLEAVE_ADMIN_EMAIL={email} {}", rule.detail())))?,
        display_name: None,
        timezone: Timezone::default(),
        role: Role::Admin,
        password_hash: passwords
            .hash(password)
            .await
            .map_err(|error| StartError::new(format!("cannot hash the administrator's password: {error}")))?,
    })
}

/// Where the first administrator's password comes from and where it is told.
struct ChosenPassword {
    password: Password,
    made: bool,
    file: Option<PathBuf>,
}

impl ChosenPassword {
    /// None where nobody could be told.
    fn of(deps: &Deps) -> Result<Option<Self>, StartError> {
        if let Some(given) = &deps.config.admin_password {
            let password = Password::parse(given.clone(), &[USERNAME, &deps.config.admin_email])
                .map_err(|rule| StartError::new(format!("CLEAVE_ADMIN_PASSWORD {}: set another one", rule.detail())))?;
            return Ok(Some(Self { password, made: false, file: None }));
        }
        let file = match (deps.config.terminal, &deps.data_dir) {
            (true, _) => None,
            (false, Some(directory)) => Some(directory.join("admin-password")),
            (false, None) => return Ok(None),
        };
        let secret = random().map_err(|error| StartError::new(format!("cannot make a password: {error}")))?;
        let text: String = URL_SAFE_NO_PAD.encode(secret).chars().take(24).collect();
        let password =
            Password::parse(SecretString::from(text), &[USERNAME]).map_err(|rule| StartError::new(rule.detail()))?;
        Ok(Some(Self { password, made: true, file }))
    }

    fn notice(&self) -> String {
        match (&self.file, self.made) {
            (Some(path), _) => format!("first administrator: {USERNAME}, password in {}", path.display()),
            (None, true) => {
                format!(
                    "first administrator: {USERNAME}, password {} (shown only now)",
                    self.password.secret().expose_secret()
                )
            }
            (None, false) => format!("first administrator: {USERNAME}, password from CLEAVE_ADMIN_PASSWORD"),
        }
    }
}

/// The file of a password that is not in force yet, under a name of its own: replicas may share a directory, and only
/// the one that makes the account may say what the password is.
struct Draft {
    at: PathBuf,
    path: PathBuf,
}

impl Draft {
    fn write(path: &Path, deps: &Deps, password: &Password) -> Result<Self, StartError> {
        let draft = Self { at: path.with_extension(deps.db.new_id().to_string()), path: path.to_owned() };
        let written = write_private(&draft.at, password.secret().expose_secret());
        written.map_err(|error| unwritable(path, &error))?;
        Ok(draft)
    }

    fn keep(self) -> Result<(), StartError> {
        fs::rename(&self.at, &self.path).map_err(|error| unwritable(&self.path, &error))
    }

    fn discard(self) -> Result<(), StartError> {
        fs::remove_file(&self.at).map_err(|error| unwritable(&self.path, &error))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> StartError {
    StartError::new(format!(
        "cannot write {}: {error}; make the data directory writable or set CLEAVE_ADMIN_PASSWORD",
        path.display()
    ))
}

/// Never readable by others, not even for a moment.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
