//! A server's monitoring page, as far as it is read here.

use std::time::Duration;

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A local page that takes longer than this is not worth a start-up message.
const READ_LIMIT: Duration = Duration::from_secs(3);
/// The page is a few kilobytes; what is larger is something else.
const PAGE_BYTES_MAX: u64 = 1024 * 1024;

/// `/varz`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Varz {
    pub(crate) jetstream: JetStream,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct JetStream {
    pub(crate) config: Option<Config>,
    pub(crate) stats: Option<Stats>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) sync_always: bool,
    #[serde(default)]
    pub(crate) sync_interval: u64,
    /// The most bytes that the server stores in files; what it may have, if it was not told.
    #[serde(default)]
    pub(crate) max_storage: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Stats {
    /// Bytes in files, of all accounts.
    #[serde(default)]
    pub(crate) storage: u64,
}

impl Varz {
    /// Asks a server's monitoring address, `http://host:port`.
    pub(crate) async fn read(monitoring: Option<&str>) -> Option<Self> {
        let address = monitoring?.strip_prefix("http://")?;
        let page = timeout(READ_LIMIT, page(address.trim_end_matches('/'))).await;
        Self::of(&page.ok()?.ok()?)
    }

    pub(super) fn of(page: &[u8]) -> Option<Self> {
        let start = page.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        serde_json::from_slice(page.get(start..)?).ok()
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
