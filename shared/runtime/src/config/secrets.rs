//! Secrets: given by the operator, or made at the first start. Rule: 32 bytes, mode 0600, never printed, and a
//! secret that cannot be understood stops the start instead of being replaced.

use super::layers::Setting;
use crate::start_error::StartError;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub(super) const TOO_SHORT: &str =
    "is not a secret: give 32 random bytes as base64 or hex (openssl rand -hex 32), or 32 characters or more";

/// The secret itself, or what the file that the other setting names holds.
pub(super) fn given(direct: &Setting, file: &Setting) -> Result<Option<SecretString>, StartError> {
    match (direct.given(), file.given()) {
        (Some(_), Some(_)) => {
            Err(StartError::new(format!("both {} and {} are set: remove one", direct.name(), file.name())))
        }
        (Some(text), None) => Ok(Some(SecretString::from(text))),
        (None, Some(path)) => {
            // The path is not quoted: it may be the secret itself, in the wrong variable.
            let unreadable =
                |error| StartError::new(format!("the file that {} names cannot be read: {error}", file.name()));
            let text = fs::read_to_string(path).map_err(unreadable)?;
            match text.trim() {
                "" => Err(file.refuse("is an empty file")),
                text => Ok(Some(SecretString::from(text))),
            }
        }
        (None, None) => Ok(None),
    }
}

/// A [`given`] secret that [`bytes_of`] understands.
pub(super) fn key(direct: &Setting, file: &Setting) -> Result<Option<SecretString>, StartError> {
    let Some(text) = given(direct, file)? else { return Ok(None) };
    if bytes_of(&text).is_none() {
        let setting = if direct.given().is_some() { direct } else { file };
        return Err(setting.refuse(TOO_SHORT));
    }
    Ok(Some(text))
}

/// 32 bytes in base64 or hex are taken as they are; longer text is hashed; shorter text is no secret.
pub(super) fn bytes_of(text: &SecretString) -> Option<[u8; 32]> {
    let text = text.expose_secret().trim();
    let encoded = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| <[u8; 32]>::try_from(engine.decode(text).ok()?).ok());
    let hashed = || digest::digest(&digest::SHA256, text.as_bytes()).as_ref().try_into().ok();
    from_hex(text).or(encoded).or_else(|| if text.chars().count() >= 32 { hashed() } else { None })
}

/// The secret of that name in `directory`, made when it is missing.
pub(super) fn stored(directory: &Path, name: &str) -> Result<[u8; 32], StartError> {
    let path = directory.join(name);
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        StartError::new(format!("cannot {what} the secret {}: {error}; make its directory writable", path.display()))
    };
    match fs::read_to_string(&path) {
        Ok(text) => from_hex(text.trim()).ok_or_else(|| {
            StartError::new(format!("{} must hold 64 hex digits: restore it from a backup", path.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut secret = [0; 32];
            aws_lc_rs::rand::fill(&mut secret).map_err(|error| failed("make", &error))?;
            write_new(directory, &path, &secret).map_err(|error| failed("write", &error))?;
            Ok(secret)
        }
        Err(error) => Err(failed("read", &error)),
    }
}

/// Under another name first, so that a crash leaves either no secret or a whole one.
fn write_new(directory: &Path, path: &Path, secret: &[u8; 32]) -> io::Result<()> {
    make_private_directory(directory)?;
    let draft = path.with_extension("draft");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(to_hex(secret).as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(directory)?.sync_all()
}

fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn to_hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_of_32_bytes_are_taken_as_they_are_and_long_text_is_hashed() {
        let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 7 % 256).unwrap());
        for text in [to_hex(&bytes), STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)] {
            assert_eq!(bytes_of(&text.into()), Some(bytes));
        }
        let words = "correct horse battery staple and more";
        let hashed = bytes_of(&words.into()).unwrap();
        assert_eq!(digest::digest(&digest::SHA256, words.as_bytes()).as_ref(), hashed);
        assert_eq!(bytes_of(&"x".repeat(31).into()), None);
    }

    #[test]
    fn a_stored_secret_is_made_once_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = directory.path().join("secrets");
        let first = stored(&secrets, "keys").unwrap();
        assert_eq!(stored(&secrets, "keys").unwrap(), first);
        assert_ne!(stored(&secrets, "seal").unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&secrets.join("keys")), mode(&secrets)), (0o600, 0o700));
        }
        assert_eq!(fs::read_dir(&secrets).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn a_broken_stored_secret_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("keys"), "half").unwrap();
        let error = stored(directory.path(), "keys").unwrap_err().to_string();
        assert!(error.ends_with("must hold 64 hex digits: restore it from a backup"), "{error}");
        assert_eq!(fs::read_to_string(directory.path().join("keys")).unwrap(), "half");
    }
}
