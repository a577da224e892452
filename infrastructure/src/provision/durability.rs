//! What an acknowledged write is worth, as far as the server lets us read it.
//! Not here: changing it.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::varz::Varz;

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
        Self::of(Varz::read(monitoring).await)
    }

    fn of(varz: Option<Varz>) -> Self {
        match varz.and_then(|varz| varz.jetstream.config) {
            None => Self::Unreadable,
            Some(config) if config.sync_always => Self::Synced,
            Some(config) => Self::Interval(Duration::from_nanos(config.sync_interval)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sync_mode_is_read_from_the_monitoring_page() {
        let page = |config: &str| format!("HTTP/1.0 200 OK\r\n\r\n{{\"jetstream\":{config}}}");
        let read = |page: &str| Durability::of(Varz::of(page.as_bytes()));
        let always = page(r#"{"config":{"sync_interval":120000000000,"sync_always":true}}"#);
        assert_eq!(read(&always), Durability::Synced);
        let lazy = page(r#"{"config":{"sync_interval":120000000000}}"#);
        assert_eq!(read(&lazy), Durability::Interval(Duration::from_secs(120)));
        assert_eq!(read(&page("{}")), Durability::Unreadable);
        assert_eq!(read("not a page"), Durability::Unreadable);
    }
}
