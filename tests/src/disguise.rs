//! A TCP proxy that makes a real server say that it is an older one.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A proxy in front of one server; it ends with this value.
#[derive(Debug)]
pub struct Disguise {
    address: String,
    accepting: JoinHandle<()>,
}

impl Disguise {
    /// Listens on a free port, and replaces the number or text that follows `field` in whatever the
    /// server at `host:port` says: `"version":`, for example.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(server: &str, field: &'static str, value: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        let server = server.to_owned();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(disguised(client, server.clone(), field, value));
            }
        });
        Self { address, accepting }
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

impl Drop for Disguise {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn disguised(client: TcpStream, server: String, field: &str, value: &str) {
    let Ok(server) = TcpStream::connect(&server).await else { return };
    let (mut from_client, mut into_client) = client.into_split();
    let (from_server, mut into_server) = server.into_split();
    let told = async {
        let (mut from_server, mut line) = (BufReader::new(from_server), Vec::new());
        // Frames end with a line; a field that is replaced never spans two of them.
        while from_server.read_until(b'\n', &mut line).await.is_ok_and(|count| count > 0) {
            let line = replaced(std::mem::take(&mut line), field, value);
            if into_client.write_all(&line).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = copy(&mut from_client, &mut into_server) => {}
        () = told => {}
    }
}

/// `line` with another value of `field`, if it has the field. Only the greeting may change its
/// length; elsewhere the value must be as long as the one it replaces, or the frame is broken.
fn replaced(line: Vec<u8>, field: &str, value: &str) -> Vec<u8> {
    let Ok(text) = str::from_utf8(&line) else { return line };
    let Some((before, after)) = text.split_once(field) else { return line };
    let Some(end) = after.find([',', '}']) else { return line };
    let after = after.get(end..).unwrap_or_default();
    format!("{before}{field}{value}{after}").into_bytes()
}
