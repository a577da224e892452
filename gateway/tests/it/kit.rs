//! A service with its gateway, and the two ways to ask it: a real HTTP client, and bytes on a socket.

use std::time::Duration;

use axum::Router;
use domain::person::Person;
use gateway::{Gateway, Limits, Listener, Serving};
use infrastructure::{
    client::Client,
    composition::Composition,
    connection::ConnectOptions,
    histories::Histories,
    provision::ProvisionOptions,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::scenario::secret;
use projections::People;
use reqwest::{Body, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tests::{LIMIT, Server};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

pub(crate) const CREATE: &str =
    r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;

pub(crate) fn composition() -> Composition {
    Composition::new().aggregate::<Person>().projection(People)
}

/// A server, an instance on it, and a gateway in front of them.
pub(crate) struct Stand {
    pub(crate) serving: Serving,
    pub(crate) http: reqwest::Client,
    pub(crate) runtime: Runtime,
    pub(crate) server: Server,
    _folder: TempDir,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        Self::start_as(|gateway| gateway).await
    }

    pub(crate) async fn with(routes: Router) -> Self {
        Self::start_as(|gateway| gateway.with(routes)).await
    }

    pub(crate) async fn start_as(change: impl FnOnce(Gateway) -> Gateway) -> Self {
        let server = Server::start().await;
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::start(RuntimeOptions {
            connect: ConnectOptions::new(server.url()),
            provision: ProvisionOptions::default(),
            composition: composition(),
            roles: Roles::default(),
            secret: secret(),
            master_keys: None,
            store: folder.path().join("rows").into(),
            instance: "one".to_owned(),
        });
        let runtime = runtime.await.unwrap();
        let serving = serve(&server, change).await;
        Self { serving, http: http(), runtime, server, _folder: folder }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(self.serving.url() + path).send().await.unwrap()
    }

    /// A command as a caller sends it, to be given more headers.
    pub(crate) fn command(&self, id: &str, name: &str, body: impl Into<Body>) -> RequestBuilder {
        let url = format!("{}/v1/commands/person/{id}/{name}", self.serving.url());
        self.http.post(url).header("content-type", "application/json").body(body)
    }

    /// Creates the person `id`.
    pub(crate) async fn create(&self, id: &str) -> Value {
        json(self.command(id, "create-person", CREATE).send().await.unwrap()).await
    }

    /// Tags the person `id`.
    pub(crate) async fn tag(&self, id: &str, tag: &str) -> Value {
        let body = format!(r#"{{"tag":"{tag}"}}"#);
        json(self.command(id, "tag", body).send().await.unwrap()).await
    }

    /// Where the log ends.
    pub(crate) async fn end(&self) -> u64 {
        let connection = self.server.client().await;
        Histories::open(connection, composition().aggregates())
            .await
            .unwrap()
            .end()
            .await
            .unwrap()
            .0
    }

    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(&self.serving).await
    }
}

/// A client as anybody has one.
pub(crate) fn http() -> reqwest::Client {
    // Only the first test installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Another gateway on `server`.
pub(crate) async fn serve(server: &Server, change: impl FnOnce(Gateway) -> Gateway) -> Serving {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let gateway = gateway(server).await;
    change(gateway).serve(listener).unwrap()
}

pub(crate) async fn gateway(server: &Server) -> Gateway {
    let connection = server.client().await;
    let histories = Histories::open(connection.clone(), composition().aggregates()).await.unwrap();
    Gateway::new(Client::new(connection), histories)
}

/// The answer's problem, once it is known to be one.
pub(crate) async fn problem(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(kind, "application/problem+json", "{status} {text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&body["status"], &body["request_id"]), (&status.into(), &id.into()), "{text}");
    (status, body)
}

/// The answer's body, once it is known to be none of a problem.
pub(crate) async fn json(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// The status and the code of the answer's problem.
pub(crate) async fn code(response: Response) -> (u16, String) {
    let (status, body) = problem(response).await;
    (status, body["code"].as_str().unwrap().to_owned())
}

/// A connection without a client library on it.
pub(crate) struct Socket(pub(crate) TcpStream);

impl Socket {
    pub(crate) async fn open(serving: &Serving) -> Self {
        let address = serving.url().replace("http://", "");
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        // A reset is an end, too.
        let _ = timeout(LIMIT, self.0.read_to_end(&mut bytes)).await.expect("it ends in time");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads until `text` has come.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        let reading = async {
            while !String::from_utf8_lossy(&all).contains(text) {
                assert_ne!(self.0.read_buf(&mut all).await.unwrap(), 0, "it ended without {text}");
            }
        };
        timeout(LIMIT, reading).await.expect("it comes in time");
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// Limits under which a client that does not read is soon cut off.
pub(crate) fn hasty_writer() -> Limits {
    Limits { write_timeout: Duration::from_secs(3), ..Limits::default() }
}
