//! Bodies are taken in whole before a request gets a place at work, so that a client that trickles
//! holds nothing but its own connection, and that not for long.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt as _;
use hyper::{
    body::Body as _,
    header::{CONNECTION, EXPECT, HeaderValue},
};
use infrastructure::problem::Problem;
use tokio::time::timeout;

use crate::{limits::Limits, problem::Fault};

/// What is read and thrown away of a body that is too large: clients mostly look at an answer only
/// once they have sent everything.
const DISCARD_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How long that may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn take_in(
    State(limits): State<Arc<Limits>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, mut body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, Body::empty())).await;
    }
    let limit = limits.body_bytes;
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let read = if announced > limit {
        Err(too_large(limit))
    } else {
        let read = timeout(limits.body_timeout, read(&mut body, limit)).await;
        read.unwrap_or_else(|_| Err(slow(limits.body_timeout)))
    };
    match read {
        Ok(bytes) => next.run(Request::from_parts(parts, bytes.into())).await,
        Err(fault) => {
            // Who waits to be told to go on has sent nothing yet.
            if fault.0.status == 413 && !parts.headers.contains_key(EXPECT) {
                let _ = timeout(DISCARD_TIMEOUT, discard(body)).await;
            }
            let mut response = fault.into_response();
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

async fn read(body: &mut Body, limit: usize) -> Result<Bytes, Fault> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fault(Problem::invalid("the body ends early")))?;
        if let Ok(data) = frame.into_data() {
            if all.len() + data.len() > limit {
                return Err(too_large(limit));
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(all.into())
}

async fn discard(mut body: Body) {
    let mut left = DISCARD_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        left = left.saturating_sub(size);
        if left == 0 {
            break;
        }
    }
}

fn too_large(limit: usize) -> Fault {
    Fault(Problem::too_large(format!("the body has more than the {limit} bytes that are allowed")))
}

fn slow(limit: Duration) -> Fault {
    Fault::request_timeout(format!("the body took longer than {limit:?}"))
}
