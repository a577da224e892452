//! Where a set of keys is read from. Not here: when.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, Url, header::ACCEPT, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{fs, time::timeout};

use super::{
    Pace,
    key_set::{BadSet, KeySet},
};
use crate::access::file::Issuer;

/// Largest set in bytes.
const BYTES_MAX: usize = 256 * 1024;
/// How long one reading may take.
const READING: Duration = Duration::from_secs(5);
/// An issuer announces new keys before it signs with them; whoever forges key ids makes us ask
/// twice a minute and no more.
const ADDRESS: Pace = Pace { age: Duration::from_secs(600), pause: Duration::from_secs(30) };
/// A file costs nothing to look at.
const FILE: Pace = Pace { age: Duration::from_secs(2), pause: Duration::from_secs(1) };

/// The path of a file, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::access) enum Location {
    File(PathBuf),
    Address(Url),
}

#[derive(Debug)]
pub(super) struct Source {
    location: Option<Location>,
    http: Option<Client>,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("{0}")]
    Away(String),
    #[error("it answers {0}")]
    Status(u16),
    #[error("it has more than {BYTES_MAX} bytes")]
    Large,
    #[error(transparent)]
    Bad(#[from] BadSet),
}

impl Issuer {
    /// Where the keys are; nowhere, if the text is an address that is not taken. What goes through a
    /// network comes by https: who changes it on its way makes tokens.
    pub(in crate::access) fn location(&self) -> Option<Location> {
        let Some((scheme, _)) = self.jwks.split_once("://") else {
            return Some(Location::File(PathBuf::from(&self.jwks)));
        };
        let url: Url = self.jwks.parse().ok()?;
        let host = url.host_str()?.trim_matches(['[', ']']);
        let is_here = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        (scheme == "https" || scheme == "http" && is_here).then_some(Location::Address(url))
    }
}

impl Issuer {
    /// Takes the path of a file of keys as one from `folder` on.
    pub(in crate::access) fn settle(&mut self, folder: &Path) {
        if let Some(Location::File(path)) = self.location() {
            self.jwks = folder.join(path).to_string_lossy().into_owned();
        }
    }
}

impl Source {
    pub(super) fn new(issuer: &Issuer) -> Self {
        let location = issuer.location();
        let http = match location {
            Some(Location::Address(_)) => client()
                .inspect_err(|error| tracing::error!(%error, "no keys of an issuer can be fetched"))
                .ok(),
            Some(Location::File(_)) | None => None,
        };
        Self { location, http }
    }

    pub(super) const fn age(&self) -> Duration {
        self.pace().age
    }

    pub(super) const fn pause(&self) -> Duration {
        self.pace().pause
    }

    const fn pace(&self) -> Pace {
        match self.location {
            Some(Location::Address(_)) => ADDRESS,
            Some(Location::File(_)) | None => FILE,
        }
    }

    pub(super) async fn read(&self) -> Result<KeySet, Unread> {
        let text = timeout(READING, self.text()).await;
        let text = text.map_err(|_| Unread::Away(format!("no answer within {READING:?}")))??;
        Ok(KeySet::read(&text)?)
    }

    async fn text(&self) -> Result<Vec<u8>, Unread> {
        match &self.location {
            Some(Location::File(path)) => {
                let away = |error: std::io::Error| Unread::Away(error.to_string());
                let size = fs::metadata(path).await.map_err(away)?.len();
                if usize::try_from(size).is_ok_and(|size| size <= BYTES_MAX) {
                    return fs::read(path).await.map_err(away);
                }
                Err(Unread::Large)
            }
            Some(Location::Address(url)) => self.fetch(url).await,
            None => Err(Unread::Away("it is neither a file nor an https address".to_owned())),
        }
    }

    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, Unread> {
        let away = |error: reqwest::Error| Unread::Away(error.without_url().to_string());
        let none = || Unread::Away("TLS could not be set up".to_owned());
        let http = self.http.as_ref().ok_or_else(none)?;
        let request = http.get(url.clone()).header(ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(away)?;
        if !answer.status().is_success() {
            return Err(Unread::Status(answer.status().as_u16()));
        }
        let mut text = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(away)? {
            if text.len() + part.len() > BYTES_MAX {
                return Err(Unread::Large);
            }
            text.extend_from_slice(&part);
        }
        Ok(text)
    }
}

/// A client that trusts whom the system trusts, and follows no redirects: they could lead off https.
fn client() -> Result<Client, Box<dyn std::error::Error>> {
    let mut roots = RootCertStore::empty();
    // Some of a system's certificates may be odd; those that are not are enough.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // Named, because rustls refuses to choose where several are built in.
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none()).build()?)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(Location::File(path)) => path.display().fmt(f),
            // Without what may be a password.
            Some(Location::Address(url)) => {
                write!(f, "{}{}", url.origin().ascii_serialization(), url.path())
            }
            None => f.write_str("nowhere"),
        }
    }
}
