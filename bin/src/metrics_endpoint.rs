//! `GET /metrics` for Prometheus, on a listener of its own with room for a few.
//! Not here: what is measured.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CONTENT_TYPE, HeaderName},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{Encoder as _, Registry, TEXT_FORMAT, TextEncoder};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::exit::Advised;

/// Requests at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 16;
/// How long one request may take, so that a slow reader holds no place for ever.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long nothing is accepted after the system had no room for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The port that Prometheus exporters of OpenTelemetry have by custom.
const PORT: u16 = 9464;

/// A running endpoint.
#[derive(Debug)]
pub struct MetricsEndpoint {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl MetricsEndpoint {
    /// Listens on `address`.
    ///
    /// # Errors
    /// If it cannot be listened on.
    pub async fn open(address: SocketAddr, registry: Registry) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            Advised::usage(format!("cannot listen on {address} for metrics"), "Name another one.")
        })?;
        Self::on(listener, registry)
    }

    /// Listens on this machine alone: at the customary port, or at any if that is taken.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn open_locally(registry: Registry) -> Result<Self> {
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        };
        Self::on(listener, registry)
    }

    fn on(listener: TcpListener, registry: Registry) -> Result<Self> {
        let (address, stop) = (listener.local_addr()?, CancellationToken::new());
        let serving = tokio::spawn(serve(listener, registry, stop.clone()));
        Ok(Self { address, stop, serving })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// Accepts nothing more and answers what it has.
    pub async fn close(self) {
        self.stop.cancel();
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the metrics endpoint ended badly");
        }
    }
}

async fn serve(listener: TcpListener, registry: Registry, stop: CancellationToken) {
    let (places, work) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), TaskTracker::new());
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                listener.accept().await.map(|(stream, _)| (stream, place))
            } => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let answering = answer_one(stream, registry.clone());
                work.spawn(async move {
                    if !matches!(timeout(REQUEST_TIMEOUT, answering).await, Ok(Ok(()))) {
                        tracing::debug!("a request for metrics was not answered");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "no request for metrics was accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    work.close();
    work.wait().await;
}

/// One request on each connection: who asks every few seconds may as well connect again.
async fn answer_one(stream: TcpStream, registry: Registry) -> hyper::Result<()> {
    let answer = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&request, &registry);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIMEOUT).keep_alive(false);
    protocol.serve_connection(TokioIo::new(stream), answer).await
}

fn answer(request: &Request<Incoming>, registry: &Registry) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, (CONTENT_TYPE, "text/plain"), "see /metrics\n".into());
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, (ALLOW, "GET, HEAD"), Vec::new());
    }
    let mut text = Vec::new();
    match TextEncoder::new().encode(&registry.gather(), &mut text) {
        Ok(()) => plain(StatusCode::OK, (CONTENT_TYPE, TEXT_FORMAT), text),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            plain(status, (CONTENT_TYPE, "text/plain"), Vec::new())
        }
    }
}

fn plain(
    status: StatusCode,
    (name, value): (HeaderName, &'static str),
    body: Vec<u8>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
    response
}
