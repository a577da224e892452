//! How much a request may say before its body. Beyond what the parser of HTTP holds it answers by itself,
//! without a body; these bounds are below that, so that who passes them is told in the usual form.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use hyper::{HeaderMap, Uri};

use crate::problem::Fault;

/// Longest path with its parameters, in bytes.
const TARGET_BYTES_MAX: usize = 16 * 1024;
/// Names and values of all headers, in bytes.
const HEADERS_BYTES_MAX: usize = 32 * 1024;

pub(super) async fn within_bounds(request: Request, next: Next) -> Response {
    match check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    }
}

fn check(target: &Uri, headers: &HeaderMap) -> Result<(), Fault> {
    let query = target.query().map_or(0, str::len);
    if target.path().len() + query > TARGET_BYTES_MAX {
        let detail = format!("it has more than the {TARGET_BYTES_MAX} bytes that are allowed");
        return Err(Fault::uri_too_long(detail));
    }
    let sizes = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if sizes.sum::<usize>() > HEADERS_BYTES_MAX {
        let detail = format!("they have more than the {HEADERS_BYTES_MAX} bytes that are allowed");
        return Err(Fault::headers_too_large(detail));
    }
    Ok(())
}
