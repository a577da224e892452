//! Connections to NATS: who we are, how we are checked, and what is logged about the line.
//! Not here: what travels on it.

use std::{io, path::PathBuf, time::Duration};

use async_nats::{Client, Event};
use kit::excerpt;

/// The first wait before connecting again; doubled each time.
const RECONNECT_WAIT_MIN: Duration = Duration::from_millis(50);
/// The longest wait before connecting again: a restarted server is found soon after it is back.
const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(4);

/// How to reach a server, and as whom.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// `nats://host:port`, several separated by commas.
    pub url: String,
    /// The connection's name in the server's monitoring.
    pub name: Option<String>,
    /// A credentials file (JWT and seed).
    pub credentials: Option<PathBuf>,
    /// A file that holds an nkey seed.
    pub nkey: Option<PathBuf>,
    /// User and password.
    pub user: Option<(String, String)>,
    /// The prefix of reply subjects that the server's permissions grant, `_INBOX` if none.
    pub inbox: Option<String>,
    /// A file of certificates to trust.
    pub tls_ca: Option<PathBuf>,
    /// Our own certificate and its key.
    pub tls_identity: Option<(PathBuf, PathBuf)>,
    /// Refuse a connection without TLS.
    pub tls_required: bool,
}

impl ConnectOptions {
    /// A connection that needs no more than an address.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// The address to show: without user and password.
    #[must_use]
    pub fn address(&self) -> String {
        let shown = self.servers().map(|server| {
            let (scheme, rest) = server
                .split_once("://")
                .map_or((None, server), |(scheme, rest)| (Some(scheme), rest));
            let host = excerpt(rest.rsplit('@').next().unwrap_or_default());
            scheme
                .map_or_else(|| host.to_string(), |scheme| format!("{}://{host}", excerpt(scheme)))
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    fn servers(&self) -> impl Iterator<Item = &str> {
        self.url.split(',').map(str::trim)
    }
}

impl std::fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither the address nor the user: both may hold a password.
        f.debug_struct("ConnectOptions").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file of credentials cannot be read.
    #[error("read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The server cannot be reached, or refuses us.
    #[error("cannot connect to NATS at {address}: {source}")]
    Refused {
        /// The address that was tried, without what may be a password.
        address: String,
        /// Why not.
        source: async_nats::ConnectError,
    },
}

/// Connects, or says why not. Once connected, the client reconnects for ever.
///
/// # Errors
/// When a file cannot be read, or the server cannot be reached or refuses us.
pub async fn connect(options: &ConnectOptions) -> Result<Client, ConnectError> {
    let mut connection = async_nats::ConnectOptions::new()
        .name(options.name.as_deref().unwrap_or("headwater"))
        .require_tls(options.tls_required)
        .max_reconnects(None)
        .reconnect_delay_callback(reconnect_wait)
        .event_callback(|event| async move { log(&event) });
    if let Some(inbox) = &options.inbox {
        connection = connection.custom_inbox_prefix(inbox);
    }
    if let Some((user, password)) = &options.user {
        connection = connection.user_and_password(user.clone(), password.clone());
    }
    if let Some(path) = &options.nkey {
        let seed = tokio::fs::read_to_string(path)
            .await
            .map_err(|source| ConnectError::File { path: path.clone(), source })?;
        connection = connection.nkey(seed.trim().to_owned());
    }
    if let Some(path) = &options.credentials {
        connection = connection
            .credentials_file(path)
            .await
            .map_err(|source| ConnectError::File { path: path.clone(), source })?;
    }
    // The client reads these files when it connects, and does not say which one is missing.
    let certificates =
        options.tls_identity.iter().flat_map(|(certificate, key)| [certificate, key]);
    for path in options.tls_ca.iter().chain(certificates) {
        let read = tokio::fs::read(path).await;
        read.map_err(|source| ConnectError::File { path: path.clone(), source })?;
    }
    if let Some(path) = &options.tls_ca {
        connection = connection.add_root_certificates(path.clone());
    }
    if let Some((certificate, key)) = &options.tls_identity {
        connection = connection.add_client_certificate(certificate.clone(), key.clone());
    }
    let servers: Vec<&str> = options.servers().collect();
    connection
        .connect(servers)
        .await
        .map_err(|source| ConnectError::Refused { address: options.address(), source })
}

/// Doubles from the first wait to the longest, and stays there.
fn reconnect_wait(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    RECONNECT_WAIT_MIN.saturating_mul(1 << doublings).min(RECONNECT_WAIT_MAX)
}

fn log(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("disconnected from NATS, connecting again"),
        Event::LameDuckMode => tracing::warn!("the NATS server is about to end"),
        Event::SlowConsumer(subscription) => {
            tracing::error!(nats.subscription = subscription, "slow consumer: messages dropped");
        }
        Event::ServerError(error) => tracing::error!(%error, "the NATS server refuses"),
        Event::ClientError(error) => tracing::warn!(%error, "the NATS client reports"),
        Event::Draining | Event::Closed => tracing::debug!(%event, "the connection to NATS ends"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_before_connecting_again_grows_and_is_bounded() {
        let waits: Vec<_> = (0..12).map(reconnect_wait).collect();
        assert!(waits.is_sorted());
        assert_eq!(waits.first(), Some(&RECONNECT_WAIT_MIN));
        assert_eq!(reconnect_wait(usize::MAX), RECONNECT_WAIT_MAX);
    }

    #[test]
    fn a_password_is_not_printed() {
        let user = Some(("ada".to_owned(), "secret".to_owned()));
        let options = ConnectOptions { user, ..ConnectOptions::new("nats://u:secret@host") };
        assert!(!format!("{options:?}").contains("secret"));
        assert_eq!(options.address(), "nats://host");
        let several = ConnectOptions::new("nats://u:p@/w@one:4222, two, token@three");
        assert_eq!(several.address(), "nats://one:4222, two, three");
    }
}
