//! What a gateway is made of: its own routes, those of contexts, and what stands before them.
//! Not here: listening.

use std::{fmt, sync::Arc};

use axum::Router;
use infrastructure::{client::Client, histories::Histories};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    edge,
    events::Places,
    health,
    limits::Limits,
    openapi::OpenApi,
    service::{self, Service},
};

/// The HTTP face of a service, before it listens.
pub struct Gateway {
    client: Client,
    histories: Histories,
    limits: Arc<Limits>,
    closed: Router,
    open: Router,
    guard: Option<Guard>,
    stop: CancellationToken,
}

type Guard = Box<dyn FnOnce(Router) -> Router + Send>;

impl Gateway {
    /// A gateway that asks the service over `client`, and reads states and events in `histories`.
    #[must_use]
    pub fn new(client: Client, histories: Histories) -> Self {
        Self {
            client,
            histories,
            limits: Arc::default(),
            closed: Router::new(),
            open: Router::new(),
            guard: None,
            stop: CancellationToken::new(),
        }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = Arc::new(limits);
        self
    }

    /// The same with the routes of one context, behind access control like all others. They need no
    /// fallback: what no route answers is answered here.
    #[must_use]
    pub fn with(mut self, routes: Router) -> Self {
        self.closed = self.closed.merge(routes);
        self
    }

    /// The same with routes that check by themselves who asks, such as a signed webhook.
    #[must_use]
    pub fn with_open(mut self, routes: Router) -> Self {
        self.open = self.open.merge(routes);
        self
    }

    /// The same with `/openapi.json`, for whoever is let in, and `/docs`, a page to read it with.
    #[must_use]
    pub fn described(self, api: &OpenApi) -> Self {
        self.with(api.routes()).with_open(OpenApi::page())
    }

    /// The same behind `guard`, which puts access control around all routes but health and those that
    /// are open. It sees a request before its body is read and before it takes a place at work, and
    /// leaves a [`Caller`](crate::Caller) and a [`Principal`](crate::access::Principal) among its
    /// extensions. Without a guard a gateway serves this machine alone.
    #[must_use]
    pub fn guarded(mut self, guard: impl FnOnce(Router) -> Router + Send + 'static) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    pub(crate) const fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    pub(crate) fn assemble(self) -> Assembled {
        let Self { client, histories, limits, closed, open, guard, stop } = self;
        let general = service::routes(Service {
            client: client.clone(),
            catalogue: histories.catalogue(),
            histories,
            limits: Arc::clone(&limits),
            streams: Places::new(limits.streams, limits.streams_each),
            reads: Semaphore::new(limits.histories),
            stop: stop.clone(),
        });
        let closed = edge::work(closed.merge(general), &limits);
        let closed = match guard {
            Some(guard) => guard(closed),
            None => closed,
        };
        // Guarded routes last: their fallback is the one that stays, so that what no route answers is
        // behind the guard, too.
        let all =
            health::routes(client, stop.clone()).merge(edge::work(open, &limits)).merge(closed);
        Assembled { router: edge::around(all, &limits), limits, stop }
    }
}

/// A gateway that is ready to listen.
pub(crate) struct Assembled {
    pub(crate) router: Router,
    pub(crate) limits: Arc<Limits>,
    pub(crate) stop: CancellationToken,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("guarded", &self.is_guarded()).finish_non_exhaustive()
    }
}
