//! Listening: a bounded number of connections, and an end that leaves no request without its answer.
//! Not here: what a request gets.

mod connection;
mod idle;
mod patient;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::idle::{Idle, Seat};
use crate::{
    limits::Limits,
    router::{Assembled, Gateway},
};

/// How long nothing is accepted after the system had no room for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a gateway does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, or is none of this machine's.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Others than this machine could ask, and nothing checks who asks.
    #[error("{0} can be reached from elsewhere, and nothing would check who asks")]
    Unguarded(SocketAddr),
}

/// An address that is taken and not yet answered on: who connects waits.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Takes `address`.
    ///
    /// # Errors
    /// If it cannot be listened on.
    pub async fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Address { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A gateway that answers.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Gateway {
    /// Begins to answer.
    ///
    /// # Errors
    /// [`ListenError::Unguarded`], if it is not guarded and others than this machine could ask.
    pub fn serve(self, listener: Listener) -> Result<Serving, ListenError> {
        let Listener { listener, address } = listener;
        if !self.is_guarded() && !address.ip().is_loopback() {
            return Err(ListenError::Unguarded(address));
        }
        let Assembled { router, limits, stop } = self.assemble();
        let desk = Desk::new(router, limits, stop.clone());
        Ok(Serving { address, stop, accepting: tokio::spawn(desk.run(listener)) })
    }
}

impl Serving {
    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Accepts nothing more, ends streams, and answers the requests that it has. The service behind it
    /// must still be there.
    pub async fn drain(self) {
        self.stop.cancel();
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the gateway ended badly");
        }
    }
}

struct Desk {
    router: Router,
    limits: Arc<Limits>,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    idle: Arc<Idle>,
    stop: CancellationToken,
    work: TaskTracker,
}

impl Desk {
    fn new(router: Router, limits: Arc<Limits>, stop: CancellationToken) -> Self {
        Self {
            router,
            places: Arc::new(Semaphore::new(limits.connections)),
            refusals: Arc::new(Semaphore::new(limits.turned_away)),
            idle: Arc::new(Idle::new(limits.connections)),
            limits,
            stop,
            work: TaskTracker::new(),
        }
    }

    async fn run(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.take(stream, peer).await,
                Err(error) => {
                    tracing::debug!(%error, "no connection was accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        self.work.close();
        self.work.wait().await;
    }

    async fn take(&self, stream: TcpStream, peer: SocketAddr) {
        let (router, limits, stop) =
            (self.router.clone(), Arc::clone(&self.limits), self.stop.clone());
        let idle = Arc::clone(&self.idle);
        // From its seat on it counts as idle, also for whoever comes before its task has begun.
        let seat = move || Seat::take(&idle, peer.ip());
        let converse = move |stream, seat, place| async move {
            connection::converse(stream, peer, router, (&limits, &stop), seat).await;
            drop(place);
        };
        let mut place = Box::pin(Arc::clone(&self.places).acquire_owned());
        let refusal = tokio::select! {
            // A place that is there goes before a refusal that is there.
            biased;
            () = self.stop.cancelled() => return,
            Ok(place) = &mut place => {
                self.work.spawn(converse(stream, seat(), place));
                return;
            }
            refusal = Arc::clone(&self.refusals).acquire_owned() => refusal,
        };
        let (idle, patience) = (Arc::clone(&self.idle), self.limits.room_timeout);
        self.work.spawn(async move {
            let Ok(Some(place)) = timeout(patience, idle.room(place)).await else {
                return connection::turn_away(stream).await;
            };
            drop(refusal);
            converse(stream, seat(), place).await;
        });
    }
}
