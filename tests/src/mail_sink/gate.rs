//! What protects a mail server: TLS, and a user's password.
//! Not here: what is said once the way is open.

use std::{io, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::Authority;

/// Whatever a conversation is led over.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// The only user, and how the password is taken.
#[derive(Debug, Clone)]
pub struct MailLogin {
    /// `PLAIN` or `LOGIN`.
    pub mechanism: &'static str,
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// What a mail has to come through.
#[derive(Clone, Default)]
pub struct MailGate {
    tls: Option<TlsAcceptor>,
    wraps: bool,
    pub(super) login: Option<MailLogin>,
}

impl std::fmt::Debug for MailGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tls, wraps, login } = self;
        write!(f, "MailGate({}, {wraps}, {login:?})", tls.is_some())
    }
}

impl MailGate {
    /// TLS when it is asked for, with a certificate of `authority` for `host`.
    ///
    /// # Panics
    /// When the certificate cannot be used.
    #[must_use]
    pub fn start_tls(authority: &Authority, host: &str) -> Self {
        let (certificate, key) = authority.issue(host);
        let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(key).expect("its key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the versions fit the provider")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate that fits its key");
        let tls = Some(TlsAcceptor::from(Arc::new(config)));
        Self { tls, wraps: false, login: None }
    }

    /// TLS from the first byte on.
    ///
    /// # Panics
    /// When the certificate cannot be used.
    #[must_use]
    pub fn tls(authority: &Authority, host: &str) -> Self {
        Self { wraps: true, ..Self::start_tls(authority, host) }
    }

    /// The same, for one user only.
    #[must_use]
    pub fn with_login(self, mechanism: &'static str, user: &str, password: &str) -> Self {
        let (user, password) = (user.to_owned(), password.to_owned());
        Self { login: Some(MailLogin { mechanism, user, password }), ..self }
    }

    /// Whether TLS is spoken from the first byte on.
    #[must_use]
    pub const fn is_wrapped(&self) -> bool {
        self.wraps
    }

    pub(super) const fn upgrades(&self) -> bool {
        self.tls.is_some() && !self.wraps
    }

    pub(super) async fn protect(&self, stream: Box<dyn Line>) -> io::Result<Box<dyn Line>> {
        let Some(tls) = &self.tls else { return Ok(stream) };
        Ok(Box::new(tls.accept(stream).await?))
    }

    /// The answer to EHLO: a login is offered where nobody listens.
    pub(super) fn hello(&self, is_protected: bool) -> String {
        let mut hello = "250-sink.test\r\n".to_owned();
        if self.upgrades() && !is_protected {
            hello.push_str("250-STARTTLS\r\n");
        } else if let Some(login) = &self.login {
            hello.push_str("250-AUTH ");
            hello.push_str(login.mechanism);
            hello.push_str("\r\n");
        }
        hello + "250 8BITMIME"
    }
}

pub(super) fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

pub(super) fn decoded(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// User and password of an initial response of PLAIN.
pub(super) fn plain(given: &str) -> Option<(String, String)> {
    let given = decoded(given)?;
    let mut parts = given.split('\0').skip(1).map(str::to_owned);
    parts.next().zip(parts.next())
}
