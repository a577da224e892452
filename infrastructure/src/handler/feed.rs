//! The events of a handler in order, from one position on, without a gap and for ever.
//!
//! A pull consumer of its own for each epoch and each attempt, without acknowledgements: where to
//! begin is the checkpoint's business. When deliveries are no longer complete, a new consumer
//! begins after the last one seen. Not here: what is done with them.

mod channel;
mod files;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::FutureExt as _;
use kit::Position;
use tokio::{sync::Notify, task::JoinHandle, time};

use super::{
    backoff::Backoff,
    deliveries::{Deliveries, Delivery, Word},
    log::Log,
    options::HandlerOptions,
};
use channel::{Receiver, Sender, channel};

/// A consumer that has not looked as far as the leader's log went so long ago has stopped. What a
/// heartbeat says may be as old as the heartbeat before, so this is many of them.
const STALLED: Duration = Duration::from_secs(10);

/// Commits that go through the channel together if they have come together, by number and by bytes:
/// handing over each alone costs as much as reading it.
const CHUNK_MESSAGES: usize = 64;
const CHUNK_BYTES: usize = nats::limits::COMMIT_BYTES_MAX / 2;
/// Chunks that wait in the channel; more would only use memory.
const CHUNKS: usize = 8;
/// The same for whoever takes many at once: as many come while those before them are worked on.
const CHUNKS_AHEAD: usize = HandlerOptions::BATCH_MAX / CHUNK_MESSAGES;
/// Bytes of commits that wait in the channel: many small ones, or a few of the largest.
const WAITING_BYTES: usize = 32 * nats::limits::COMMIT_BYTES_MAX;

/// What a feed brings, in order.
#[derive(Debug)]
pub(crate) enum Item<T = Delivery> {
    /// One commit.
    Commit(T),
    /// There is nothing for this handler up to this position.
    Nothing(Position),
}

/// A running feed. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Feed<T = Delivery> {
    items: Receiver<Item<T>>,
    pumping: JoinHandle<()>,
    poke: Arc<Notify>,
}

impl Feed {
    /// Starts after `from`. `name` tells handler and epoch; `poke` asks for the end of the log now.
    pub(crate) fn start(log: Log, name: String, from: Position, poke: Arc<Notify>) -> Self {
        Self::with(log, name, from, poke, CHUNKS, |delivery| delivery)
    }
}

impl<T: Send + 'static> Feed<T> {
    /// The same for whoever takes many at once, with something made of each delivery beside them.
    pub(crate) fn ahead(
        log: Log,
        name: String,
        from: Position,
        poke: Arc<Notify>,
        make: impl Fn(Delivery) -> T + Send + Sync + 'static,
    ) -> Self {
        Self::with(log, name, from, poke, CHUNKS_AHEAD, make)
    }

    fn with(
        log: Log,
        name: String,
        from: Position,
        poke: Arc<Notify>,
        chunks: usize,
        make: impl Fn(Delivery) -> T + Send + Sync + 'static,
    ) -> Self {
        let (sender, items) = channel(chunks, WAITING_BYTES);
        let again = Arc::clone(&poke);
        let pump = Pump { log, name, attempts: 0, seen: from, told: from, make, sender, poke };
        Self { items, pumping: tokio::spawn(pump.run()), poke: again }
    }

    /// Asks for the end of the log now: the next item is a commit or says that there is none.
    pub(crate) fn look(&self) {
        self.poke.notify_one();
    }

    /// The next item. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Option<Item<T>> {
        self.items.next().await
    }

    /// The next item, if it is there already.
    pub(crate) fn ready(&mut self) -> Option<Item<T>> {
        self.items.ready()
    }
}

impl<T> Drop for Feed<T> {
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

struct Pump<T, F> {
    log: Log,
    name: String,
    attempts: u32,
    seen: Position,
    told: Position,
    make: F,
    sender: Sender<Item<T>>,
    poke: Arc<Notify>,
}

impl<T: Send, F: Fn(Delivery) -> T + Send + Sync> Pump<T, F> {
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
                word = deliveries.next() => {
                    let (chunk, bytes, rest) = self.chunk(word, &mut deliveries).await;
                    if chunk.iter().any(|item| matches!(item, Item::Commit(_))) {
                        goal = None;
                    }
                    match self.send(chunk, bytes).await.and(rest) {
                        Ok(Some(sealed)) => self.late(sealed).await,
                        rest => rest.map(drop),
                    }
                }
                () = self.poke.notified() => deliveries.look().await.map_err(End::Broken),
                _ = watch.tick() => self.overtaken(&mut goal, deliveries.reached).await,
            };
            if let Err(end) = heard {
                return end;
            }
        }
    }

    /// `first` and what has come with it, its bytes, and why there can be no more, if so, or which
    /// commit comes next that waits for its key: what stands before it does not wait with it.
    async fn chunk(
        &mut self,
        first: Result<Word, String>,
        deliveries: &mut Deliveries,
    ) -> (VecDeque<Item<T>>, usize, Result<Option<Delivery>, End>) {
        let (mut chunk, mut bytes, mut next) = (VecDeque::new(), 0, Some(first));
        while let Some(word) = next {
            match word {
                Ok(Word::Commit(delivery)) => {
                    let delivery = match self.log.opened(delivery).await {
                        Ok(delivery) => delivery,
                        Err((sealed, _)) => return (chunk, bytes, Ok(Some(sealed))),
                    };
                    (self.seen, self.told) = (delivery.position, delivery.position);
                    bytes += delivery.body.len();
                    chunk.push_back(Item::Commit((self.make)(delivery)));
                }
                Ok(Word::Nothing(end)) if end > self.told => {
                    // Nothing of this handler stands before, so a new consumer may begin after it.
                    (self.seen, self.told) = (end, end);
                    chunk.push_back(Item::Nothing(end));
                }
                Ok(Word::Nothing(_)) => {}
                Err(why) => return (chunk, bytes, Err(End::Broken(why))),
            }
            let full = chunk.len() >= CHUNK_MESSAGES || bytes >= CHUNK_BYTES;
            next = if full { None } else { deliveries.next().now_or_never() };
        }
        (chunk, bytes, Ok(None))
    }

    /// Hands over a commit as soon as its key is there.
    async fn late(&mut self, sealed: Delivery) -> Result<(), End> {
        let Some(delivery) = self.opened(sealed).await else { return Err(End::Done) };
        (self.seen, self.told) = (delivery.position, delivery.position);
        let bytes = delivery.body.len();
        self.send([Item::Commit((self.make)(delivery))].into(), bytes).await
    }

    /// The commit with what is sealed in it opened, however long the keys are away; none if nobody
    /// waits for it any more.
    async fn opened(&self, mut delivery: Delivery) -> Option<Delivery> {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            let why = match self.log.opened(delivery).await {
                Ok(opened) => return Some(opened),
                Err((sealed, why)) => {
                    delivery = sealed;
                    why
                }
            };
            let position = delivery.position;
            tracing::warn!(consumer = self.name, %position, "a commit waits for its key: {why}");
            if self.sender.is_closed() {
                return None;
            }
            time::sleep(backoff.next()).await;
        }
    }

    async fn send(&self, chunk: VecDeque<Item<T>>, bytes: usize) -> Result<(), End> {
        if !chunk.is_empty() && !self.sender.send(chunk, bytes).await {
            return Err(End::Done);
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
