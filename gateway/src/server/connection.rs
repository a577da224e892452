//! One connection: HTTP/1.1 until it ends, or until this server does.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use infrastructure::problem::Problem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{idle::Seat, patient::Patient};
use crate::limits::Limits;

/// Largest head of a request in bytes that is parsed at all.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a connection that is to leave may take to read the end of its last answer. What it began to
/// say is not waited for.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a caller that is turned away may take to hear it.
const TURN_AWAY_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    (limits, stop): (&Limits, &CancellationToken),
    seat: Arc<Seat>,
) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let worker = Arc::clone(&seat);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let (work, answer) = (worker.work(), router.clone().oneshot(request));
        async move { answer.await.map(|answer| answer.map(|body| work.through(body))) }
    });
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
    protocol.max_buf_size(HEAD_BYTES_MAX);
    let stream = Patient::new(stream, limits.write_timeout);
    let unsent = stream.unsent();
    let mut connection = pin!(protocol.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        // Who has said something by the time that it gets its place is heard before it has to leave it.
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = seat.leave().cancelled() => {
            connection.as_mut().graceful_shutdown();
            loop {
                // Who is owed nothing goes at once: many may have to.
                let owed = seat.is_at_work() || unsent.load(Ordering::Relaxed);
                let patience = if owed { LEAVE_TIMEOUT } else { Duration::ZERO };
                match timeout(patience, connection.as_mut()).await {
                    Ok(ended) => break ended,
                    Err(_) if seat.is_at_work() => {}
                    Err(_) if !owed && unsent.load(Ordering::Relaxed) => {}
                    Err(_) => return,
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// Says `busy` to whoever is on the other side, whatever it wants.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let problem = Problem::busy("too many connections are open here");
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
         Retry-After: 1\r\nConnection: close\r\n\r\n{body}",
        nats::headers::PROBLEM_JSON,
        body.len()
    );
    let _ = timeout(TURN_AWAY_TIMEOUT, async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // Closing on what was not read would take the answer back.
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    })
    .await;
}
