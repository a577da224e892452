//! A stand-in for Stripe: its API as far as the service speaks it, over real TCP, with idempotency
//! keys that are kept for a day, and events that are signed and sent as a test wants.
//! Not here: what its objects do; that is in `book`.

mod api;
mod book;
mod webhook;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::TimeDelta;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use book::Book;
pub use book::StripeEvent;
pub use webhook::{Delivery, Endpoint};

/// What happens to a request instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StripeFailure {
    /// This status, and nothing is done.
    Answer(u16),
    /// This status with so many seconds in `Retry-After`, and nothing is done.
    Later(u16, u64),
    /// Something breaks while it is done: 500, which is kept under the idempotency key.
    Breaks,
    /// No answer, and nothing is done.
    Hang,
    /// The connection ends, and nothing is done.
    Cut,
    /// It is done, and the connection ends before the answer.
    Lost,
}

#[derive(Debug)]
struct Shared {
    book: Mutex<Book>,
    failure: Mutex<Option<(StripeFailure, usize)>>,
    requests: Mutex<Vec<String>>,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// What is to go wrong with the request that has just come.
    fn mishap(&self) -> Option<StripeFailure> {
        let mut failure = lock(&self.failure);
        let (what, left) = (*failure)?;
        *failure = (left > 1).then(|| (what, left - 1));
        Some(what)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running stand-in; it ends with this value.
#[derive(Debug)]
pub struct FakeStripe {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl FakeStripe {
    /// The key that it takes.
    pub const KEY: &'static str = "sk_test_fake";

    /// Starts one that knows nothing yet.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port is known");
        let shared = Arc::new(Shared {
            book: Mutex::new(Book::new()),
            failure: Mutex::default(),
            requests: Mutex::default(),
        });
        let of = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            // Dropping the set ends the connections.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let of = Arc::clone(&of);
                connections.spawn(async move {
                    let service = service_fn(move |request| api::answer(Arc::clone(&of), request));
                    // A test may cut it at any time.
                    let connection =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    let _ = connection.await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, shared, accepting }
    }

    /// The address of its API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the next `times` requests fail.
    pub fn fail(&self, failure: StripeFailure, times: usize) {
        *lock(&self.shared.failure) = Some((failure, times));
    }

    /// From now on it answers again.
    pub fn recover(&self) {
        *lock(&self.shared.failure) = None;
    }

    /// Method and path of every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.requests).clone()
    }

    /// Puts its clock forward: a day later it has forgotten idempotency keys.
    pub fn advance(&self, by: TimeDelta) {
        self.shared.book().advance(by);
    }

    /// Ids of all payment intents so far, in the order in which they were made.
    #[must_use]
    pub fn intents(&self) -> Vec<String> {
        self.shared.book().intents()
    }

    /// Somebody pays `intent`.
    ///
    /// # Panics
    /// When Stripe would not have it.
    pub fn pay(&self, intent: &str) -> StripeEvent {
        self.shared.book().pay(intent).expect("it can be paid")
    }

    /// Somebody tries to pay `intent`, and the bank says no, with `code`.
    ///
    /// # Panics
    /// When Stripe would not have it.
    pub fn decline(&self, intent: &str, code: &str) -> StripeEvent {
        self.shared.book().decline(intent, code).expect("it can be tried")
    }

    /// Somebody pays `intent` in a way that takes days.
    ///
    /// # Panics
    /// When Stripe would not have it.
    pub fn process(&self, intent: &str) -> StripeEvent {
        self.shared.book().process(intent).expect("it can be tried")
    }

    /// `intent` is cancelled.
    ///
    /// # Panics
    /// When Stripe would not have it.
    pub fn cancel(&self, intent: &str) -> StripeEvent {
        self.shared.book().cancel(intent).expect("it can be cancelled")
    }

    /// An event about something else.
    pub fn happen(&self, kind: &str) -> StripeEvent {
        self.shared.book().happen(kind)
    }

    /// From now on payments have no balance transaction until they are settled, or have one at once.
    pub fn settle_later(&self, is_later: bool) {
        self.shared.book().settle_later(is_later);
    }

    /// Every payment so far gets its balance transaction.
    pub fn settle(&self) {
        self.shared.book().settle();
    }

    /// Every event so far, the oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<StripeEvent> {
        self.shared.book().events()
    }
}

impl Drop for FakeStripe {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
