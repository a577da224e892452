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

use axum::Router;
use infrastructure::client::Client;

pub use described::described;
pub use inbox::{Inbox, RECONCILED_BY, receipt};
pub use payments::Payments;
pub use rest::formed;

/// `/api/design-applications` and what is below `/rest/v1`.
pub fn routes(client: Client) -> Router {
    let service = Arc::new(service::Service::new(client));
    rest::routes(Arc::clone(&service)).merge(applications::routes(service))
}
