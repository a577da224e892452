//! The events of a handler in order, from one position on, without a gap and for ever.
//!
//! A pull consumer of its own for each epoch and each attempt, without acknowledgements: where to
//! begin is the checkpoint's business. When deliveries are no longer complete, a new consumer
//! begins after the last one seen. Not here: what is done with them.

use std::{sync::Arc, time::Duration};

use kit::Position;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time,
};

use super::{
    backoff::Backoff,
    deliveries::{BATCH_MESSAGES, Deliveries, Delivery, Word},
    log::Log,
};

/// A consumer that has not looked as far as the leader's log went so long ago has stopped. What a
/// heartbeat says may be as old as the heartbeat before, so this is many of them.
const STALLED: Duration = Duration::from_secs(10);

/// What a feed brings, in order.
#[derive(Debug)]
pub(crate) enum Item {
    /// One commit.
    Commit(Delivery),
    /// There is nothing for this handler up to this position.
    Nothing(Position),
}

/// A running feed. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Feed {
    items: mpsc::Receiver<Item>,
    pumping: JoinHandle<()>,
    poke: Arc<Notify>,
}

impl Feed {
    /// Starts after `from`. `name` tells handler and epoch; `poke` asks for the end of the log now.
    pub(crate) fn start(log: Log, name: String, from: Position, poke: Arc<Notify>) -> Self {
        let (sender, items) = mpsc::channel(BATCH_MESSAGES);
        let pump =
            Pump { log, name, attempts: 0, seen: from, told: from, sender, poke: poke.clone() };
        Self { items, pumping: tokio::spawn(pump.run()), poke }
    }

    /// Asks for the end of the log now: the next item is a commit or says that there is none.
    pub(crate) fn look(&self) {
        self.poke.notify_one();
    }

    /// The next item. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Option<Item> {
        self.items.recv().await
    }

    /// The next item, if it is there already.
    pub(crate) fn ready(&mut self) -> Option<Item> {
        self.items.try_recv().ok()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.pumping.abort();
    }
}

/// Why one consumer's deliveries ended.
enum End {
    /// Nobody takes items any more.
    Done,
    /// Deliveries are no longer complete, in words.
    Broken(String),
}

struct Pump {
    log: Log,
    name: String,
    attempts: u32,
    seen: Position,
    told: Position,
    sender: mpsc::Sender<Item>,
    poke: Arc<Notify>,
}

impl Pump {
    async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            self.attempts += 1;
            let before = self.seen;
            let consumer = format!("{}-{}", self.name, self.attempts);
            let opened = Deliveries::open(&self.log, consumer.clone(), self.seen).await;
            let end = match opened {
                Ok(deliveries) => self.pump(deliveries).await,
                Err(why) => End::Broken(why),
            };
            let End::Broken(why) = end else { return };
            tracing::info!(%consumer, position = %self.seen, "deliveries begin again: {why}");
            if self.seen > before {
                backoff.reset();
            }
            time::sleep(backoff.next()).await;
        }
    }

    async fn pump(&mut self, mut deliveries: Deliveries) -> End {
        let mut watch = time::interval(STALLED);
        watch.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut goal = None;
        loop {
            let heard = tokio::select! {
                biased;
                word = deliveries.next() => match word {
                    Ok(Word::Commit(delivery)) => {
                        goal = None;
                        (self.seen, self.told) = (delivery.position, delivery.position);
                        self.sender.send(Item::Commit(delivery)).await.map_err(|_| End::Done)
                    }
                    Ok(Word::Nothing(end)) => self.tell(end).await,
                    Err(why) => Err(End::Broken(why)),
                },
                () = self.poke.notified() => deliveries.look().await.map_err(End::Broken),
                _ = watch.tick() => self.overtaken(&mut goal, deliveries.reached).await,
            };
            if let Err(end) = heard {
                return end;
            }
        }
    }

    /// Says that there is nothing up to `end`.
    async fn tell(&mut self, end: Position) -> Result<(), End> {
        if end > self.told {
            // Nothing of this handler stands before `end`, so a new consumer may begin after it.
            (self.seen, self.told) = (end, end);
            self.sender.send(Item::Nothing(end)).await.map_err(|_| End::Done)?;
        }
        if self.sender.is_closed() { Err(End::Done) } else { Ok(()) }
    }

    /// Whether the consumer has still not `reached` what was the end of the log a while ago: the
    /// replica that it reads from has stopped. That is no fact about the log, only a reason to
    /// begin again elsewhere.
    async fn overtaken(&self, goal: &mut Option<Position>, reached: Position) -> Result<(), End> {
        match self.log.last().await {
            Ok(last) => match goal.replace(last) {
                Some(goal) if goal > reached => Err(End::Broken(format!(
                    "the log went up to {goal}, the consumer has come to {reached}"
                ))),
                _ => Ok(()),
            },
            Err(error) => {
                tracing::debug!(%error, "the end of the log is not known");
                Ok(())
            }
        }
    }
}
