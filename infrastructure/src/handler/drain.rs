//! What was decided about a parked key, carried out: the events that wait for it in the log are
//! handled in order, and then the key is released. Not here: when; the runner gives the lane.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use kit::Position;
use tokio::sync::Notify;

use super::{
    Failure,
    deliveries::Delivery,
    feed::{Feed, Item},
    hands::{Hands, Settled, Stretch},
    log::Log,
};
use crate::deadletter::{Cursor, Drained, Head, Record};

/// Commits after which a drain says how far it has come: at most so many are handled again after a
/// crash.
const PROGRESS_INTERVAL: u64 = 64;

/// How a drain went.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Commits that wait no more.
    pub(crate) handled: u64,
    /// How long to wait before it goes on, if it only gave its lane back.
    pub(crate) rests: Option<Duration>,
    pub(crate) result: Result<(), Failure>,
}

/// How far a drain has come.
enum Way {
    /// Through.
    Through,
    /// To an event at which the key stands still again.
    Parked,
}

/// A drain of one key.
pub(crate) struct Drain {
    pub(crate) hands: Arc<Hands>,
    pub(crate) log: Log,
    pub(crate) key: String,
    /// Commits of the key up to here are the drain's; later ones come to the lane by themselves.
    pub(crate) frontier: Position,
    /// Names the consumer; no two of one epoch are equal.
    pub(crate) number: u64,
}

impl Drain {
    pub(crate) async fn run(self) -> Outcome {
        let mut handled = 0;
        match self.work(&mut handled).await {
            Err(Failure::Rests { at, after, reason }) => {
                tracing::info!(handler = self.hands.duty.name, key = self.key, "rests: {reason}");
                let result = self.came_to(at).await;
                Outcome { handled, rests: Some(after), result }
            }
            result => Outcome { handled, rests: None, result },
        }
    }

    async fn work(&self, handled: &mut u64) -> Result<(), Failure> {
        let Some(head) = self.hands.book.head(&self.key) else { return Ok(()) };
        self.reach("drain.begun").await;
        let decided = self.hands.book.decide(&self.key, &head);
        if !self.hands.write(decided).await? {
            return Ok(());
        }
        self.reach("drain.decided").await;
        if self.frontier >= head.at.position {
            match self.handle(&head, handled).await? {
                Way::Through => {}
                Way::Parked => return Ok(()),
            }
        }
        self.reach("drain.before-release").await;
        let book = &self.hands.book;
        self.hands.write(book.release(&self.key, self.frontier)).await
    }

    /// Handles everything from `head` to the frontier.
    async fn handle(&self, head: &Head, handled: &mut u64) -> Result<Way, Failure> {
        let poke = Arc::new(Notify::new());
        let before = Position(head.at.position.0.saturating_sub(1));
        let (duty, log) = (&self.hands.duty, self.log.of(&self.key));
        let name = format!("drain-{}-{}-{}", duty.name, duty.epoch, self.number);
        let mut feed = Feed::start(log, name, before, Arc::clone(&poke));
        let asked = head.asked.filter(|_| head.at == head.event.at);
        let stretch = Stretch { from: head.at, until: None, drained: true, asked };
        let mut told = 0;
        loop {
            let item = tokio::select! {
                item = feed.next() => item,
                () = duty.stop.cancelled() => return Err(Failure::Interrupted),
            };
            let (run, through) = self.gather(item.ok_or(Failure::Interrupted)?, &mut feed);
            let settled = self.hands.settle(&run, stretch).await?;
            *handled += match settled {
                Settled::Done => run.len() as u64,
                Settled::Waits(from) | Settled::Stopped(from) => from as u64,
            };
            match settled {
                Settled::Done => {}
                Settled::Waits(_) => return Ok(Way::Parked),
                Settled::Stopped(_) => return Err(Failure::Interrupted),
            }
            if run.is_empty() && !through {
                continue;
            }
            self.reach("drain.handled").await;
            if through {
                return Ok(Way::Through);
            }
            let Some(last) = run.last() else { continue };
            if *handled - told >= PROGRESS_INTERVAL {
                told = *handled;
                self.came_to(Cursor { position: last.position.next(), index: 0 }).await?;
            }
            // Behind the last one the end of the log is asked for at once.
            if last.pending == 0 {
                poke.notify_one();
            }
        }
    }

    /// The commits that came and can be handled together, and whether they are the last.
    fn gather(&self, first: Item, feed: &mut Feed) -> (Vec<Delivery>, bool) {
        let (mut run, mut item) = (Vec::new(), Some(first));
        while let Some(next) = item {
            match next {
                Item::Nothing(position) if position >= self.frontier => return (run, true),
                Item::Commit(delivery) if delivery.position > self.frontier => return (run, true),
                Item::Nothing(_) => {}
                Item::Commit(delivery) => {
                    let last = delivery.position == self.frontier;
                    run.push(delivery);
                    if last {
                        return (run, true);
                    }
                }
            }
            let more = run.len() < self.hands.reactor.run_max();
            item = more.then(|| feed.ready()).flatten();
        }
        (run, false)
    }

    /// Records that everything before `to` is handled, unless that is known.
    async fn came_to(&self, to: Cursor) -> Result<(), Failure> {
        if self.hands.book.at(&self.key).is_none_or(|at| at >= to) {
            return Ok(());
        }
        let drained = Drained { to, epoch: self.hands.book.epoch(), time: Utc::now() };
        self.hands.write(self.hands.book.append(&self.key, Record::Drained(drained))).await
    }

    async fn reach(&self, name: &'static str) {
        self.hands.duty.options.fail_points.reach(name).await;
    }
}
