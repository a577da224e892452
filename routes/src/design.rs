//! Design requests over HTTP: payments with Stripe, applications, and a face for supabase-js.
//! Not here: the rules; every route sends commands and asks queries as any caller would.

mod applications;
pub mod described;
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
    http::{
        HeaderName, Method,
        header::{IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE},
    },
    middleware::{Next, from_fn},
    response::Response,
};
use gateway::Fault;
use infrastructure::{client::Client, histories::Histories, problem::Problem};

pub use inbox::{Inbox, RECONCILED_BY, receipt};
pub use payments::Payments;
pub use rest::formed;

/// What would make a change depend on where a request stands.
const CONDITIONS: [HeaderName; 3] = [IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE];

/// `/api/design-applications` and what is below `/rest/v1`.
pub fn routes(client: Client, histories: Histories) -> Router {
    let service = Arc::new(service::Service::new(client, histories));
    let routes = rest::routes(Arc::clone(&service)).merge(applications::routes(service));
    routes.route_layer(from_fn(only_json))
}

/// Refuses what is posted as something else than JSON, as `/v1/commands` does, and on a condition: what
/// is posted here is several commands or none, and nobody would check it.
async fn only_json(request: Request, next: Next) -> Result<Response, Fault> {
    if request.method() == Method::POST {
        gateway::is_json(request.headers())?;
        if let Some(name) = CONDITIONS.iter().find(|name| request.headers().contains_key(*name)) {
            let why = format!("header {name}: conditions are checked at /v1/commands only");
            return Err(Problem::invalid(why).into());
        }
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

    #[tokio::test]
    async fn a_condition_that_nobody_checks_is_refused() {
        let routes = Router::new().route("/", any(async || {})).route_layer(from_fn(only_json));
        for (name, method, status) in [
            ("if-match", Method::POST, StatusCode::BAD_REQUEST),
            ("if-none-match", Method::POST, StatusCode::BAD_REQUEST),
            ("if-none-match", Method::GET, StatusCode::OK),
        ] {
            let request =
                Request::builder().method(method).header("content-type", "application/json");
            let request = request.header(name, "\"1\"").body(Body::empty()).unwrap();
            assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), status, "{name}");
        }
    }
}
