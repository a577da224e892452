//! Design requests over HTTP: payments with Stripe, applications, and a face for supabase-js.
//! Not here: the rules; every route sends commands and asks queries as any caller would.

mod applications;
mod described;
mod faults;
mod inbox;
mod payments;
mod price;
mod rest;
mod service;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::Method,
    middleware::{Next, from_fn},
    response::Response,
};
use gateway::Fault;
use infrastructure::client::Client;

pub use described::described;
pub use inbox::{Inbox, RECONCILED_BY, receipt};
pub use payments::Payments;
pub use rest::formed;

/// `/api/design-applications` and what is below `/rest/v1`.
pub fn routes(client: Client) -> Router {
    let service = Arc::new(service::Service::new(client));
    let routes = rest::routes(Arc::clone(&service)).merge(applications::routes(service));
    routes.route_layer(from_fn(only_json))
}

/// Refuses what is posted as something else than JSON, as `/v1/commands` does.
async fn only_json(request: Request, next: Next) -> Result<Response, Fault> {
    if request.method() == Method::POST {
        gateway::is_json(request.headers())?;
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::StatusCode, routing::any};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn only_json_is_posted() {
        let routes = Router::new().route("/", any(async || {})).route_layer(from_fn(only_json));
        let ask = async |method, kind: &str| {
            let request = Request::builder().method(method).header("content-type", kind);
            routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
        };
        for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
            assert_eq!(ask(Method::POST, kind).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
            assert_eq!(ask(Method::GET, kind).await, StatusCode::OK);
        }
        assert_eq!(ask(Method::POST, "application/json; charset=utf-8").await, StatusCode::OK);
    }
}
