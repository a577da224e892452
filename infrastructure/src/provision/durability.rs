//! What an acknowledged write is worth, as far as the server lets us read it.
//! Not here: changing it.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A local page that takes longer than this is not worth a start-up message.
const READ_LIMIT: Duration = Duration::from_secs(3);
/// The page is a few kilobytes; what is larger is something else.
const PAGE_BYTES_MAX: u64 = 1024 * 1024;

/// When the server syncs its files. JetStream acknowledges before fsync unless it syncs always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// Before it acknowledges.
    Synced,
    /// This often.
    Interval(Duration),
    /// The server does not tell.
    Unreadable,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synced => f.write_str("an acknowledged write is on disk (sync_interval: always)"),
            Self::Interval(interval) => write!(
                f,
                "JetStream acknowledges before fsync; a power cut can lose the acknowledged writes \
                 of {} s on each server that it hits (sync_interval: {0}s)",
                interval.as_secs()
            ),
            Self::Unreadable => f.write_str(
                "sync_interval is not readable from here; JetStream acknowledges before fsync \
                 unless it is `always`",
            ),
        }
    }
}

impl Durability {
    /// Asks a server's monitoring address, `http://host:port`.
    pub async fn read(monitoring: Option<&str>) -> Self {
        let Some(address) = monitoring.and_then(|url| url.strip_prefix("http://")) else {
            return Self::Unreadable;
        };
        match timeout(READ_LIMIT, page(address.trim_end_matches('/'))).await {
            Ok(Ok(page)) => Self::of(&page).unwrap_or(Self::Unreadable),
            Ok(Err(_)) | Err(_) => Self::Unreadable,
        }
    }

    fn of(page: &[u8]) -> Option<Self> {
        let start = page.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let varz: Varz = serde_json::from_slice(page.get(start..)?).ok()?;
        let JetStream { sync_always, sync_interval } = varz.jetstream.config?;
        Some(if sync_always {
            Self::Synced
        } else {
            Self::Interval(Duration::from_nanos(sync_interval))
        })
    }
}

/// HTTP/1.0, so that the body comes in one piece and the server closes.
async fn page(address: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET /varz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut page = Vec::new();
    stream.take(PAGE_BYTES_MAX).read_to_end(&mut page).await?;
    Ok(page)
}

#[derive(Deserialize)]
struct Varz {
    jetstream: JetStreamPart,
}

#[derive(Deserialize)]
struct JetStreamPart {
    config: Option<JetStream>,
}

#[derive(Deserialize)]
struct JetStream {
    #[serde(default)]
    sync_always: bool,
    #[serde(default)]
    sync_interval: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sync_mode_is_read_from_the_monitoring_page() {
        let page = |config: &str| format!("HTTP/1.0 200 OK\r\n\r\n{{\"jetstream\":{config}}}");
        let always = page(r#"{"config":{"sync_interval":120000000000,"sync_always":true}}"#);
        assert_eq!(Durability::of(always.as_bytes()), Some(Durability::Synced));
        let lazy = page(r#"{"config":{"sync_interval":120000000000}}"#);
        let expected = Durability::Interval(Duration::from_secs(120));
        assert_eq!(Durability::of(lazy.as_bytes()), Some(expected));
        assert_eq!(Durability::of(page("{}").as_bytes()), None);
        assert_eq!(Durability::of(b"not a page"), None);
    }
}
