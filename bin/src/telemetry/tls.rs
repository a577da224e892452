//! Whom to trust when the collector is asked over https.
//! Not here: what is sent.

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// The specification's default for one export.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client that trusts `roots`. It takes a TLS configuration even if only http is spoken.
///
/// # Errors
/// If TLS cannot be set up.
pub(super) fn client(roots: RootCertStore) -> Result<reqwest::Client> {
    // Named, because rustls refuses to choose where several are built in.
    let provider = Arc::new(ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).timeout(TIMEOUT);
    Ok(client.build()?)
}

/// Whom to trust: the certificates in the file that the first set variable of `names` says, or else
/// the system's.
///
/// # Errors
/// If there are none, or they cannot be read.
pub(super) fn trusted(names: [&'static str; 2]) -> Result<RootCertStore> {
    let configured = |name: &&str| env::var_os(name).filter(|value| !value.is_empty());
    let mut roots = RootCertStore::empty();
    match names.iter().find_map(|name| Some((name, configured(name)?))) {
        Some((name, path)) => {
            let path = PathBuf::from(path);
            let unread = || format!("{name}: cannot read certificates in {}", path.display());
            for certificate in CertificateDer::pem_file_iter(&path).with_context(unread)? {
                roots.add(certificate.with_context(unread)?).with_context(unread)?;
            }
            if roots.is_empty() {
                bail!("{name}: there is no certificate in {}", path.display());
            }
        }
        None => {
            // Some of a system's certificates may be odd; those that are not are enough.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                bail!("this system trusts no certificates; name some with {}", names[1]);
            }
        }
    }
    Ok(roots)
}
