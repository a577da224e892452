//! Runs a policy or an effect for one epoch: commits in order per aggregate, several aggregates
//! at a time, the checkpoint behind the first that is not done. Keys that stand still are passed
//! over, and drained in their own lanes. Not here: handling one event.

mod keys;

use std::sync::{Arc, atomic::Ordering};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use kit::Position;
use tokio::time;

use super::{
    Failure,
    agenda::Agenda,
    backlog::Backlog,
    checkpoint::{Checkpoint, Flusher},
    deliveries::Delivery,
    drain,
    duty::{Duty, Ended},
    feed::{Feed, Item},
    hands::{Hands, Settled, Stretch},
    lanes::Lanes,
    log::{LAG_INTERVAL, Log},
    reactor::RunHandler,
    waits::Waits,
};
use crate::deadletter::{Book, Cursor};

/// Commits that are taken in together, so that telling how far all are, which costs as much as
/// handling one, is done once for them.
const TAKEN_TOGETHER: usize = 32;

/// What one epoch begins with.
pub(crate) struct Begun {
    pub(crate) log: Log,
    pub(crate) feed: Feed,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) book: Book,
    /// What comes to the queue of dead letters after the book was opened.
    pub(crate) letters: Feed,
    pub(crate) waits: Waits,
}

/// Something that has come to its end.
enum Ran {
    /// Commits of one key.
    Commits(Vec<Delivery>, Result<Settled, Failure>),
    Drain(String, drain::Outcome),
    Repair(Result<(), Failure>),
}

/// One epoch's work in progress.
struct Run {
    hands: Arc<Hands>,
    log: Log,
    lanes: Lanes,
    waits: Waits,
    running: FuturesUnordered<BoxFuture<'static, Ran>>,
    agenda: Agenda,
    drains: usize,
    drains_ever: u64,
    flusher: Flusher,
    /// What was handled before this epoch.
    begun: Position,
    /// Why no commit is begun, if too many wait.
    overfull: Option<String>,
    /// Somebody asked for events to be delivered again: the next epoch does that.
    reset: bool,
    backlog: Backlog,
}

/// Runs `reactor` until it is stopped, lost or halted.
pub(crate) async fn run(duty: Duty, reactor: Arc<dyn RunHandler>, begun: Begun) -> Ended {
    let Begun { log, feed, checkpoint, book, letters, waits } = begun;
    let patience = duty.options.lease_ttl;
    let begun = checkpoint.position;
    // How many are worked on at the same time is the duty's `places` to say.
    let (window, bytes) = (duty.options.window_max, duty.options.window_bytes_max);
    let flusher = checkpoint.flusher(duty.lost.clone());
    let (duty, book) = (Arc::new(duty), Arc::new(book));
    let reactor = reactor.renewed(&duty).unwrap_or(reactor);
    let mut run = Run {
        hands: Arc::new(Hands { duty, reactor, book, crowded: 0.into() }),
        log,
        lanes: Lanes::new(begun, window, window).with_bytes_max(bytes),
        waits,
        running: FuturesUnordered::new(),
        agenda: Agenda::default(),
        drains: 0,
        drains_ever: 0,
        flusher,
        begun,
        overfull: None,
        reset: false,
        backlog: Backlog::default(),
    };
    run.take_over();
    let ended = run.work(feed, letters).await;
    if ended != Ended::Lost {
        run.flusher.finish(patience).await;
    }
    ended
}

impl Run {
    async fn work(&mut self, mut feed: Feed, mut letters: Feed) -> Ended {
        let duty = Arc::clone(&self.hands.duty);
        let mut halted = None;
        let mut look = time::interval(LAG_INTERVAL);
        look.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            let stopping = duty.stop.is_cancelled();
            if !stopping {
                self.begin_drains();
                self.begin_commits();
            }
            self.show();
            if stopping && self.running.is_empty() {
                let ended = if self.reset { Ended::Reset } else { Ended::Stopped };
                return halted.map_or(ended, Ended::Halted);
            }
            let takes = !stopping && !self.lanes.is_full() && !self.stands_still();
            tokio::select! {
                biased;
                () = duty.lost.cancelled() => return Ended::Lost,
                Some(ran) = self.running.next() => {
                    let mut ran = Some(ran);
                    // With what has ended meanwhile.
                    while let Some(one) = ran {
                        // What already runs may finish; it stays open, and so does the checkpoint.
                        if let Err(failure) = self.ran(one) && failure != Failure::Interrupted {
                            halted.get_or_insert(failure.to_string());
                            duty.stop.cancel();
                        }
                        ran = self.running.next().now_or_never().flatten();
                    }
                }
                () = self.agenda.rested(), if !stopping => {}
                () = duty.stop.cancelled(), if !stopping => {}
                found = self.backlog.found() => {
                    self.backlog.looked(found, self.lanes.highest());
                }
                _ = look.tick(), if !stopping && !takes => {
                    let name = format!("lag-{}-{}", duty.name, duty.epoch);
                    self.backlog.look(&self.log, self.lanes.highest(), name);
                }
                letter = letters.next(), if !stopping => match letter {
                    Some(letter) => if !self.follow(&letter) { return Ended::Lost },
                    None => return Ended::Lost,
                },
                item = feed.next(), if takes => {
                    let Some(item) = item else { return Ended::Lost };
                    self.take(item);
                    // What has come with it is begun with it.
                    for _ in 1..TAKEN_TOGETHER {
                        if self.lanes.is_full() {
                            break;
                        }
                        let Some(item) = feed.ready() else { break };
                        self.take(item);
                    }
                }
            }
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Commit(delivery) => {
                self.backlog.came(&delivery);
                self.lanes.push(delivery);
            }
            Item::Nothing(position) => {
                self.backlog.is_over();
                self.lanes.reached(position);
            }
        }
    }

    /// Whether no commit may be begun because there is no room for what may fail.
    fn stands_still(&self) -> bool {
        self.overfull.is_some() || self.hands.crowded.load(Ordering::Relaxed) > 0
    }

    fn begin_commits(&mut self) {
        while !self.stands_still()
            && let Some(run) = self.lanes.take_run(self.hands.reactor.run_max())
        {
            let Some(first) = run.first() else { continue };
            let at = Cursor { position: first.position, index: 0 };
            let until = self.hands.book.at(&first.subject);
            if until.is_some_and(|until| at >= until) {
                self.pass(run);
                continue;
            }
            let stretch = Stretch { from: at, until, drained: false, asked: None };
            let hands = Arc::clone(&self.hands);
            let settle = async move {
                let settled = hands.settle(&run, stretch).await;
                Ran::Commits(run, settled)
            };
            self.running.push(settle.boxed());
        }
    }

    fn ran(&mut self, ran: Ran) -> Result<(), Failure> {
        match ran {
            Ran::Repair(result) => result,
            Ran::Commits(run, settled) => {
                let settled = settled?;
                for (at, delivery) in run.iter().enumerate() {
                    match settled {
                        // It stays open, and so does its lane.
                        Settled::Stopped(from) if at >= from => return Ok(()),
                        Settled::Waits(from) if at >= from => {
                            self.waits.pass(&delivery.subject, delivery.position);
                        }
                        _ => {}
                    }
                    self.lanes.behind_us(delivery.position);
                }
                let Some(first) = run.first() else { return Ok(()) };
                if settled != Settled::Done {
                    self.rest(&first.subject);
                }
                self.lanes.ended(&first.subject);
                Ok(())
            }
            Ran::Drain(key, outcome) => {
                self.drains = self.drains.saturating_sub(1);
                self.lanes.free(&key);
                self.waits.handled(&key, outcome.handled);
                if self.hands.book.at(&key).is_none() {
                    self.waits.released(&key);
                }
                if self.overfull.take().is_some() {
                    self.hands.duty.gauge.relieved();
                }
                outcome.result?;
                match outcome.rests {
                    Some(after) => self.agenda.rest(&key, after),
                    None => self.rest(&key),
                }
                Ok(())
            }
        }
    }

    /// Counts what stands behind the last commit that was taken in.
    fn show(&self) {
        let (Position(done), open) = (self.lanes.watermark(), self.lanes.open() as u64);
        let (hands, waiting) = (&self.hands, self.waits.total());
        self.flusher.reached(Position(done));
        hands.duty.pressure.set_full(self.lanes.is_full());
        hands.reactor.holds(self.lanes.behind());
        let oldest = self.lanes.oldest().or_else(|| self.backlog.oldest());
        hands.duty.gauge.in_hand(self.lanes.highest().0, self.lanes.opened());
        hands.duty.gauge.progress(done, self.backlog.pending() + open, oldest);
        hands.duty.gauge.parked(hands.book.parked() as u64, waiting);
    }
}
