//! Connections that have a place and no request at work: when there is no place left, they make room.
//! Not here: ending them.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::CancellationToken;

/// The place of a seat whose connection has a request at work.
const AT_WORK: u64 = 0;

/// The idle connections of one gateway.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Who has waited longest comes first.
    connections: BTreeMap<u64, (IpAddr, CancellationToken)>,
    /// The place that was given last.
    last: u64,
}

/// A connection's part in this, for as long as it is there. It begins idle.
#[derive(Debug)]
pub(super) struct Seat {
    idle: Arc<Idle>,
    peer: IpAddr,
    leave: CancellationToken,
    /// Where it waits.
    place: AtomicU64,
}

/// A request at work, until its answer is handed over.
#[derive(Debug)]
pub(super) struct AtWork(Arc<Seat>);

/// A body that keeps its request at work.
struct Watched {
    body: Body,
    _work: AtWork,
}

impl Idle {
    /// Asks one connection to leave: of the address that has most of them, the one that has waited
    /// longest, so that who takes all places takes them from itself. False if all are at work.
    pub(super) fn make_room(&self) -> bool {
        let mut waiting = self.waiting();
        let mut each: HashMap<IpAddr, usize> = HashMap::new();
        for (peer, _) in waiting.connections.values() {
            *each.entry(*peer).or_default() += 1;
        }
        let most = each.values().max();
        let oldest = waiting.connections.iter().find(|(_, (peer, _))| each.get(peer) == most);
        let Some((&place, (_, leave))) = oldest else { return false };
        leave.cancel();
        waiting.connections.remove(&place);
        true
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The seat of a connection from `peer`.
    pub(super) fn take(idle: &Arc<Idle>, peer: IpAddr) -> Arc<Self> {
        let (idle, leave) = (Arc::clone(idle), CancellationToken::new());
        let seat = Self { idle, peer, leave, place: AtomicU64::new(AT_WORK) };
        seat.rest();
        Arc::new(seat)
    }

    /// Cancelled when the connection is to make room.
    pub(super) const fn leave(&self) -> &CancellationToken {
        &self.leave
    }

    /// Whether a request is at work.
    pub(super) fn is_at_work(&self) -> bool {
        self.place.load(Ordering::Relaxed) == AT_WORK
    }

    /// A request begins.
    pub(super) fn work(self: &Arc<Self>) -> AtWork {
        self.rise();
        AtWork(Arc::clone(self))
    }

    fn rest(&self) {
        let mut waiting = self.idle.waiting();
        waiting.last += 1;
        let place = waiting.last;
        waiting.connections.insert(place, (self.peer, self.leave.clone()));
        self.place.store(place, Ordering::Relaxed);
    }

    fn rise(&self) {
        let place = self.place.swap(AT_WORK, Ordering::Relaxed);
        self.idle.waiting().connections.remove(&place);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.rise();
    }
}

impl AtWork {
    /// The same body; what is at work is so until it is handed over, or given up.
    pub(super) fn through(self, body: Body) -> Body {
        Body::new(Watched { body, _work: self })
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.rest();
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(idle: &Arc<Idle>, peer: u8) -> Arc<Seat> {
        Seat::take(idle, [10, 0, 0, peer].into())
    }

    #[test]
    fn whoever_has_most_idle_connections_loses_the_oldest() {
        let idle = Arc::new(Idle::default());
        let seats = [1, 2, 2, 1, 2].map(|peer| seat(&idle, peer));
        let left = || seats.each_ref().map(|seat| seat.leave().is_cancelled());
        assert!(idle.make_room());
        assert_eq!(left(), [false, true, false, false, false]);
        // Now both have two.
        assert!(idle.make_room());
        assert_eq!(left(), [true, true, false, false, false]);
    }

    #[test]
    fn what_is_at_work_stays_and_is_the_youngest_afterwards() {
        let idle = Arc::new(Idle::default());
        let (first, second) = (seat(&idle, 1), seat(&idle, 1));
        let (one, other) = (first.work(), second.work());
        assert!(first.is_at_work() && !idle.make_room());
        drop(other);
        drop(one);
        assert!(idle.make_room());
        assert_eq!((first.leave().is_cancelled(), second.leave().is_cancelled()), (false, true));
    }

    #[test]
    fn who_is_gone_is_forgotten_whatever_goes_first() {
        let idle = Arc::new(Idle::default());
        let gone = seat(&idle, 1);
        let work = gone.work();
        drop(gone);
        drop(work);
        drop(seat(&idle, 2));
        assert!(idle.waiting().connections.is_empty());
    }
}
