//! Traces leave for a collector, and logs hold no personal data.

use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tests::{Authority, LIMIT, eventually};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    net::TcpListener,
};

use tokio_rustls::TlsAcceptor;

use crate::kit::{Dev, Installation, binary, finish};

type Posts = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that takes any POST and keeps its path and body.
struct Collector {
    url: String,
    posts: Posts,
}

impl Collector {
    async fn start() -> Self {
        Self::listen(None).await
    }

    /// A collector that only speaks TLS, with a certificate of `authority`.
    async fn start_tls(authority: &Authority) -> Self {
        let (certificate, key) = authority.issue("127.0.0.1");
        let certificate = CertificateDer::from_pem_file(certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::listen(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listen(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let posts = Posts::default();
        let kept = Arc::clone(&posts);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (tls, kept) = (tls.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    let Some(tls) = tls else { return answer(connection, kept).await };
                    if let Ok(connection) = tls.accept(connection).await {
                        answer(connection, kept).await;
                    }
                });
            }
        });
        Self { url, posts }
    }

    /// Whether an exported body holds all of these bytes somewhere.
    fn has(&self, parts: &[&[u8]]) -> bool {
        let posts = self.posts.lock().unwrap();
        let holds = |part: &[u8]| {
            posts.iter().any(|(_, body)| body.windows(part.len()).any(|window| window == part))
        };
        parts.iter().all(|part| holds(part))
    }
}

async fn answer(connection: impl AsyncRead + AsyncWrite + Unpin, kept: Posts) {
    let mut connection = BufReader::new(connection);
    loop {
        let (mut path, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some(rest) = line.strip_prefix("POST ") {
                path = rest.split(' ').next().unwrap().to_owned();
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.unwrap();
        kept.lock().unwrap().push((path, body));
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn spans_are_exported_under_the_callers_trace() {
    let collector = Collector::start().await;
    let data = tempfile::tempdir().unwrap();
    let environment =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let dev = Dev::start_with(data.path(), &environment).await;
    let mut installation = Installation { dev, data };
    let trace = [
        0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47,
        0x36,
    ];
    let client = async_nats::connect(&installation.dev.url).await.unwrap();
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
    let subject = "command.person.ada.create-person";
    client.request_with_headers(subject, headers, body.into()).await.unwrap();

    eventually("a span of the caller's trace is exported", LIMIT, async || {
        collector.has(&[b"service.name", b"headwater", &trace]).then_some(())
    })
    .await;
    assert!(collector.posts.lock().unwrap().iter().all(|(path, _)| path == "/v1/traces"));
    // Every event of the conversation carries the trace, the policy's too.
    let followed = eventually("the policy's event is there", LIMIT, async || {
        let events = installation.run(&["events", "onboarding", "ada", "--json"]).await;
        (events.code == Some(0)).then(|| events.json())
    })
    .await;
    let traceparent = followed[0]["traceparent"].as_str().unwrap();
    assert!(traceparent.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{traceparent}");
    assert_eq!(installation.dev.stop(Signal::TERM).await, Some(0));
}

#[tokio::test]
async fn logs_are_json_lines_without_personal_data() {
    let data = tempfile::tempdir().unwrap();
    let mut command = binary().await;
    command.args([
        "dev",
        "--nats-port",
        "0",
        "--log-format",
        "json",
        "--log",
        "debug,async_nats=info",
    ]);
    command.args(["--json", "--data"]).arg(data.path());
    let mut child = command.spawn().unwrap();
    // From the first line on: whose log nobody reads stands still as soon as the pipe is full.
    let mut log = child.stderr.take().unwrap();
    let reading = tokio::spawn(async move {
        let mut text = String::new();
        log.read_to_string(&mut text).await.unwrap();
        text
    });
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).await.unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let client = async_nats::connect(ready["nats"].as_str().unwrap()).await.unwrap();
    for (command, body) in [
        ("create-person", r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#),
        ("create-person", r#"{"name":{"given":["Lovelace"]},"nonsense":"Lovelace"}"#),
        ("add-contact", r#"{"contact_id":"home","kind":"email","value":"lovelace@example.org"}"#),
        ("request-contact-verification", r#"{"contact_id":"home"}"#),
    ] {
        client.request(format!("command.person.ada.{command}"), body.into()).await.unwrap();
    }
    // What handlers and the service cannot read may hold anything.
    let foreign = [
        r#"{"name":"Lovelace"}"#.to_owned(),
        r#"[{"specversion":"1.0","id":"Lovelace","type":"Lovelace","data":"Lovelace"}]"#.to_owned(),
        "Lovelace".to_owned(),
    ];
    let context = async_nats::jetstream::new(client.clone());
    for (number, body) in foreign.into_iter().enumerate() {
        let subject = format!("event.person.broken-{number}");
        context.publish(subject, body.into()).await.unwrap().await.unwrap();
        let subject = format!("command.person.broken-{number}.tag");
        let answer = client.request(subject, r#"{"tag":"vip"}"#.into()).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        assert_eq!(problem["code"], "corrupt", "{problem}");
        assert!(!problem.to_string().contains("Lovelace"), "{problem}");
    }
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert!(child.wait().await.unwrap().success());
    let text = reading.await.unwrap();
    assert!(text.lines().count() > 3, "{text}");
    for line in text.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    assert!(!text.to_lowercase().contains("lovelace"), "{text}");
}

#[tokio::test]
async fn spans_are_exported_over_https_to_whom_is_trusted() {
    let authority = Authority::new();
    let collector = Collector::start_tls(&authority).await;
    let data = tempfile::tempdir().unwrap();
    let start = async |trusted: &Authority| {
        let trusted = trusted.path();
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", trusted.to_str().unwrap()),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ];
        let dev = Dev::start_with(data.path(), &environment).await;
        let client = async_nats::connect(&dev.url).await.unwrap();
        let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
        client.request("command.person.ada.create-person", body.into()).await.unwrap();
        dev
    };
    // Its spans have nowhere to go, and nothing else suffers. The end tries to export them.
    assert_eq!(start(&Authority::new()).await.stop(Signal::TERM).await, Some(0));
    assert!(collector.posts.lock().unwrap().is_empty(), "nobody else is spoken to");

    let mut dev = start(&authority).await;
    eventually("a span is exported", LIMIT, async || {
        collector.has(&[b"service.name", b"headwater"]).then_some(())
    })
    .await;
    assert_eq!(dev.stop(Signal::TERM).await, Some(0));
    let posts = collector.posts.lock().unwrap();
    assert!(posts.iter().any(|(path, _)| path == "/v1/traces"));
    assert!(posts.iter().any(|(path, _)| path == "/v1/metrics"), "the last ones at the end");
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, absent) = (folder.path().join("empty.pem"), folder.path().join("absent.pem"));
    std::fs::write(&empty, "").unwrap();
    for path in [&empty, &absent] {
        let mut command = binary().await;
        command.args(["charts"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:1");
        command.env("OTEL_EXPORTER_OTLP_CERTIFICATE", path);
        let refused = finish(command, "").await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(path.to_str().unwrap()), "{refused:?}");
    }
}

#[tokio::test]
async fn metrics_are_pushed_to_a_collector() {
    let collector = Collector::start().await;
    let data = tempfile::tempdir().unwrap();
    let environment =
        [("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*format!("{}/v1/metrics", collector.url))];
    let dev = Dev::start_with(data.path(), &environment).await;
    let mut installation = Installation { dev, data };
    installation.create("ada").await;
    assert_eq!(installation.dev.stop(Signal::TERM).await, Some(0));
    assert!(collector.has(&[b"commands.answered", b"handlers.state", b"onboarding-driver"]));
    let posts = collector.posts.lock().unwrap();
    assert!(posts.iter().all(|(path, _)| path == "/v1/metrics"), "no traces were asked for");
}
