//! TLS to the server. Rule: `sslmode` in the URL means what it means to `psql`, or is refused; nothing that asks for a
//! checked certificate gets an unchecked one.

use crate::error::OpenError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a URL asks for, in its own words.
#[derive(Clone, Default)]
pub(super) struct Asked {
    mode: Option<String>,
    roots: Option<String>,
}

/// What is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encryption {
    Off,
    /// Where the server offers it.
    Offered,
    /// Against those who listen; whoever answers is believed.
    Required,
    /// Against those who answer in the server's place too. Without a file, the machine's authorities vouch.
    Verified(Option<PathBuf>),
}

impl Asked {
    /// Takes it out of a URL: the driver knows not all of it.
    pub(super) fn taken_from(url: &str) -> (String, Self) {
        let mut asked = Self::default();
        let Some((address, parameters)) = url.split_once('?') else { return (url.to_owned(), asked) };
        let mut left = Vec::new();
        for parameter in parameters.split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => asked.mode = Some(mode.to_owned()),
                Some(("sslrootcert", roots)) => asked.roots = Some(roots.to_owned()),
                _ => left.push(parameter),
            }
        }
        (format!("{address}?{}", left.join("&")), asked)
    }

    /// What it means for a server at that address.
    ///
    /// # Errors
    /// [`OpenError::Address`] for what is not supported, or contradicts itself.
    pub(super) fn read(&self, config: &Config) -> Result<Encryption, OpenError> {
        let refuse = |reason: &str| Err(OpenError::Address { reason: format!("the URL of PostgreSQL: {reason}") });
        let encryption = match self.mode.as_deref() {
            // What does not leave this machine needs no envelope.
            None if self.roots.is_none() && config.get_hosts().iter().all(is_here) => Encryption::Off,
            None if self.roots.is_none() => Encryption::Offered,
            Some("disable") => Encryption::Off,
            Some("prefer") => Encryption::Offered,
            Some("require") => Encryption::Required,
            Some("verify-full") => match self.roots.as_deref().map(percent_decoded) {
                Some(None) => return refuse("sslrootcert cannot be read as a path"),
                roots => return Ok(Encryption::Verified(roots.flatten())),
            },
            None => return refuse("sslrootcert has an effect with sslmode=verify-full alone; add it"),
            Some(_) => {
                return refuse("sslmode can be disable, prefer, require or verify-full");
            }
        };
        match &self.roots {
            Some(_) => refuse("sslrootcert has an effect with sslmode=verify-full alone; change sslmode"),
            None => Ok(encryption),
        }
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Undoes what a URL does to a path; none when that gives no text.
fn percent_decoded(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [left.next()?, left.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

impl Encryption {
    /// For tokio-postgres.
    pub(super) const fn mode(&self) -> SslMode {
        match self {
            Self::Off => SslMode::Disable,
            Self::Offered => SslMode::Prefer,
            Self::Required | Self::Verified(_) => SslMode::Require,
        }
    }

    /// What makes a handshake.
    ///
    /// # Errors
    /// [`OpenError::Address`] when the file of authorities cannot be used.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, OpenError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let broken = |error: rustls::Error| OpenError::Address { reason: format!("TLS cannot be used: {error}") };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(broken)?;
        let config = match self {
            Self::Verified(file) => builder.with_root_certificates(authorities(file.as_deref())?),
            _ => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
        };
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }
}

/// Who vouches for a server: those of the file, or those of the machine.
fn authorities(file: Option<&Path>) -> Result<RootCertStore, OpenError> {
    let mut store = RootCertStore::empty();
    let Some(file) = file else {
        // One that cannot be read is one that nobody relies on; the handshake says so where somebody does.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(store);
    };
    let unusable = |error: &dyn std::fmt::Display| OpenError::Address {
        reason: format!("sslrootcert {} cannot be used: {error}", file.display()),
    };
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unusable(&error))? {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        store.add(certificate).map_err(|error| unusable(&error))?;
    }
    if store.is_empty() { Err(unusable(&"it holds no certificate")) } else { Ok(store) }
}

/// Believes every certificate, as `require` and `prefer` do; whoever shows one must still have its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Encryption, OpenError> {
        let (address, asked) = Asked::taken_from(url);
        asked.read(&address.parse().unwrap())
    }

    #[test]
    fn a_mode_means_what_it_means_elsewhere() {
        for (url, expected) in [
            ("postgres://db/work", Encryption::Offered),
            ("postgres://localhost/work", Encryption::Off),
            ("postgres://127.0.0.1/work?connect_timeout=3", Encryption::Off),
            ("postgres://localhost,db/work", Encryption::Offered),
            ("postgres://db/work?sslmode=disable", Encryption::Off),
            ("postgres://localhost/work?sslmode=prefer", Encryption::Offered),
            ("postgres://localhost/work?sslmode=require&connect_timeout=3", Encryption::Required),
            ("postgres://db/work?sslmode=verify-full", Encryption::Verified(None)),
            (
                "postgres://db/work?sslrootcert=%2Fetc%2Fa%20b.pem&sslmode=verify-full",
                Encryption::Verified(Some(PathBuf::from("/etc/a b.pem"))),
            ),
        ] {
            assert_eq!(read(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn what_would_promise_more_than_it_keeps_is_refused_in_one_line() {
        for parameters in [
            "sslmode=verify-ca",
            "sslmode=allow",
            "sslmode=",
            "sslmode=require&sslrootcert=/ca.pem",
            "sslrootcert=/ca.pem",
            "sslmode=verify-full&sslrootcert=%zz",
        ] {
            let refused = read(&format!("postgres://anna:sesame@db/work?{parameters}")).unwrap_err();
            let line = refused.to_string();
            assert!(line.contains("ssl") && !line.contains('\n') && !line.contains("sesame"), "{line}");
        }
        for file in ["/not/there.pem", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
            let line = Encryption::Verified(Some(file.into())).connector().err().unwrap().to_string();
            assert!(line.contains(file) && !line.contains('\n'), "{line}");
        }
    }
}
