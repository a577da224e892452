//! Connections that have a place and no request at work: when there is no place left, they make room.
//! Not here: ending them.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The place of a seat whose connection has a request at work.
const AT_WORK: u64 = 0;

/// The idle connections of one gateway.
#[derive(Debug)]
pub(super) struct Idle {
    /// How many connections there may be.
    places: usize,
    waiting: Mutex<Waiting>,
    /// Told whenever there is one more.
    rested: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Who has waited longest comes first.
    connections: BTreeMap<u64, (IpAddr, CancellationToken)>,
    /// The place that was given last.
    last: u64,
    /// How many have a request at work.
    at_work: usize,
}

/// What there is for one more connection.
#[derive(Debug, PartialEq, Eq)]
enum Room {
    /// An idle one was asked to leave for it.
    Made,
    /// All that are idle were asked before, or have a place and not begun.
    Expected,
    /// All are at work.
    None,
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
    /// None of at most `places` connections.
    pub(super) fn new(places: usize) -> Self {
        Self { places, waiting: Mutex::default(), rested: Notify::new() }
    }

    /// A place as soon as `place` has it, for which at most one connection is asked to leave; none if all
    /// are at work.
    pub(super) async fn room<P, E>(&self, place: impl Future<Output = Result<P, E>>) -> Option<P> {
        let mut place = pin!(place);
        loop {
            let rested = self.rested.notified();
            if let Poll::Ready(place) = futures::poll!(&mut place) {
                return place.ok();
            }
            match self.make_room() {
                Room::Made => return place.await.ok(),
                Room::Expected => tokio::select! {
                    place = &mut place => return place.ok(),
                    () = rested => {}
                },
                Room::None => return None,
            }
        }
    }

    /// Asks one connection to leave: of the address that has most of them, the one that has waited
    /// longest, so that who takes all places takes them from itself.
    fn make_room(&self) -> Room {
        let mut waiting = self.waiting();
        if waiting.at_work >= self.places {
            return Room::None;
        }
        let mut each: HashMap<IpAddr, usize> = HashMap::new();
        for (peer, _) in waiting.connections.values() {
            *each.entry(*peer).or_default() += 1;
        }
        let most = each.values().max();
        let oldest = waiting.connections.iter().find(|(_, (peer, _))| each.get(peer) == most);
        let Some((&place, (_, leave))) = oldest else { return Room::Expected };
        leave.cancel();
        waiting.connections.remove(&place);
        Room::Made
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The seat of a connection from `peer`.
    pub(super) fn take(idle: &Arc<Idle>, peer: IpAddr) -> Arc<Self> {
        let (idle, leave) = (Arc::clone(idle), CancellationToken::new());
        let seat = Self { idle, peer, leave, place: AtomicU64::new(AT_WORK) };
        seat.rest(&mut seat.idle.waiting());
        seat.idle.rested.notify_waiters();
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
        let mut waiting = self.idle.waiting();
        self.rise(&mut waiting);
        waiting.at_work += 1;
        AtWork(Arc::clone(self))
    }

    fn rest(&self, waiting: &mut Waiting) {
        waiting.last += 1;
        let place = waiting.last;
        // Who was asked to leave is not asked again.
        if !self.leave.is_cancelled() {
            waiting.connections.insert(place, (self.peer, self.leave.clone()));
        }
        self.place.store(place, Ordering::Relaxed);
    }

    fn rise(&self, waiting: &mut Waiting) {
        let place = self.place.swap(AT_WORK, Ordering::Relaxed);
        waiting.connections.remove(&place);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.rise(&mut self.idle.waiting());
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
        let idle = &self.0.idle;
        let mut waiting = idle.waiting();
        waiting.at_work -= 1;
        self.0.rest(&mut waiting);
        drop(waiting);
        idle.rested.notify_waiters();
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
    use std::future::pending;

    use super::*;

    fn seat(idle: &Arc<Idle>, peer: u8) -> Arc<Seat> {
        Seat::take(idle, [10, 0, 0, peer].into())
    }

    #[test]
    fn whoever_has_most_idle_connections_loses_the_oldest() {
        let idle = Arc::new(Idle::new(5));
        let seats = [1, 2, 2, 1, 2].map(|peer| seat(&idle, peer));
        let left = || seats.each_ref().map(|seat| seat.leave().is_cancelled());
        assert_eq!(idle.make_room(), Room::Made);
        assert_eq!(left(), [false, true, false, false, false]);
        // Now both have two.
        assert_eq!(idle.make_room(), Room::Made);
        assert_eq!(left(), [true, true, false, false, false]);
    }

    #[test]
    fn what_is_at_work_stays_and_is_the_youngest_afterwards() {
        let idle = Arc::new(Idle::new(2));
        let (first, second) = (seat(&idle, 1), seat(&idle, 1));
        let (one, other) = (first.work(), second.work());
        assert!(first.is_at_work());
        assert_eq!(idle.make_room(), Room::None);
        drop(other);
        drop(one);
        assert_eq!(idle.make_room(), Room::Made);
        assert_eq!((first.leave().is_cancelled(), second.leave().is_cancelled()), (false, true));
    }

    #[test]
    fn who_is_gone_is_forgotten_whatever_goes_first() {
        let idle = Arc::new(Idle::new(2));
        let gone = seat(&idle, 1);
        let work = gone.work();
        drop(gone);
        drop(work);
        drop(seat(&idle, 2));
        assert!(idle.waiting().connections.is_empty());
    }

    #[test]
    fn who_was_asked_to_leave_is_room_unless_it_is_at_work_and_is_not_asked_again() {
        let idle = Arc::new(Idle::new(1));
        assert_eq!(idle.make_room(), Room::Expected, "a place that was given and not taken");
        let leaving = seat(&idle, 1);
        assert_eq!(idle.make_room(), Room::Made);
        assert_eq!(idle.make_room(), Room::Expected);
        let work = leaving.work();
        assert_eq!(idle.make_room(), Room::None);
        drop(work);
        assert_eq!(idle.make_room(), Room::Expected);
    }

    #[tokio::test]
    async fn whoever_waits_behind_others_asks_the_next_that_rests() {
        let idle = Arc::new(Idle::new(1));
        let mut waits = pin!(idle.room(pending::<Result<(), ()>>()));
        assert!(futures::poll!(waits.as_mut()).is_pending());
        let next = seat(&idle, 1);
        assert!(futures::poll!(waits.as_mut()).is_pending());
        assert!(next.leave().is_cancelled());
        // One is enough for it.
        let other = seat(&idle, 1);
        assert!(futures::poll!(waits.as_mut()).is_pending());
        assert!(!other.leave().is_cancelled());
    }
}
