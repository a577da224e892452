//! What was decided about a parked key, carried out: the events that wait for it in the log are
//! handled in order, and then the key is released. Not here: when; the runner gives the lane.

use std::sync::Arc;

use chrono::Utc;
use kit::Position;
use tokio::sync::Notify;

use super::{
    Failure,
    feed::{Feed, Item},
    hands::{Hands, Settled, Stretch},
    log::Log,
};
use crate::deadletter::{
    Action, Class, Cursor, Declined, Discarded, Drained, Head, Overridden, Record, Requested,
    Standing,
};

/// Commits after which a drain says how far it has come: at most so many are handled again after a
/// crash.
const PROGRESS_INTERVAL: u64 = 64;

/// How a drain went.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Commits that wait no more.
    pub(crate) handled: u64,
    pub(crate) result: Result<(), Failure>,
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
        let result = self.work(&mut handled).await;
        Outcome { handled, result }
    }

    async fn work(&self, handled: &mut u64) -> Result<(), Failure> {
        let Some(head) = self.hands.book.head(&self.key) else { return Ok(()) };
        if !self.decide(&head).await? {
            return Ok(());
        }
        self.reach("drain.begun").await;
        if self.frontier >= head.at.position && !self.handle(head.at, handled).await? {
            return Ok(());
        }
        self.reach("drain.before-release").await;
        let book = &self.hands.book;
        self.hands.write(book.release(&self.key, self.frontier)).await
    }

    /// Writes down what is to become of the event at the head; false if nothing is to be handled.
    async fn decide(&self, head: &Head) -> Result<bool, Failure> {
        let request = match &head.standing {
            Standing::Parked => return Ok(head.class == Class::Waiting),
            Standing::Draining => return Ok(true),
            Standing::Requested(request) => request,
        };
        let (handler, key) = (self.hands.duty.name, &self.key);
        let (action, who, why) = (request.action, &request.who, &request.why);
        tracing::info!(handler, key, ?action, who, why, "a dead letter is acted upon");
        let record = match decision(head, request, self.hands.book.epoch()) {
            Ok(None) => return Ok(true),
            Ok(Some(record)) => record,
            Err(reason) => {
                let (request, epoch) = (request.request, self.hands.book.epoch());
                let declined = Declined { request, reason, epoch, time: Utc::now() };
                let append = self.hands.book.append(&self.key, Record::Declined(declined));
                self.hands.write(append).await?;
                return Ok(false);
            }
        };
        self.hands.write(self.hands.book.append(&self.key, record)).await?;
        self.reach("drain.decided").await;
        Ok(true)
    }

    /// Handles everything from `head` to the frontier; false if the key stands still again.
    async fn handle(&self, head: Cursor, handled: &mut u64) -> Result<bool, Failure> {
        let poke = Arc::new(Notify::new());
        let before = Position(head.position.0.saturating_sub(1));
        let (duty, log) = (&self.hands.duty, self.log.of(&self.key));
        let name = format!("drain-{}-{}-{}", duty.name, duty.epoch, self.number);
        let mut feed = Feed::start(log, name, before, Arc::clone(&poke));
        let stretch = Stretch { from: head, until: None };
        loop {
            let item = tokio::select! {
                item = feed.next() => item,
                () = duty.stop.cancelled() => return Err(Failure::Interrupted),
            };
            let delivery = match item {
                None => return Err(Failure::Interrupted),
                Some(Item::Nothing(position)) if position >= self.frontier => return Ok(true),
                Some(Item::Nothing(_)) => continue,
                Some(Item::Commit(delivery)) if delivery.position > self.frontier => {
                    return Ok(true);
                }
                Some(Item::Commit(delivery)) => delivery,
            };
            if self.hands.settle(&delivery, stretch).await? == Settled::Waits {
                return Ok(false);
            }
            *handled += 1;
            self.reach("drain.handled").await;
            if delivery.position == self.frontier {
                return Ok(true);
            }
            if handled.is_multiple_of(PROGRESS_INTERVAL) {
                self.progress(delivery.position).await?;
            }
            // Behind the last one the end of the log is asked for at once.
            if delivery.pending == 0 {
                poke.notify_one();
            }
        }
    }

    async fn progress(&self, position: Position) -> Result<(), Failure> {
        let to = Cursor { position: position.next(), index: 0 };
        let drained = Drained { to, epoch: self.hands.book.epoch(), time: Utc::now() };
        self.hands.write(self.hands.book.append(&self.key, Record::Drained(drained))).await
    }

    async fn reach(&self, name: &'static str) {
        self.hands.duty.options.fail_points.reach(name).await;
    }
}

/// The record that makes a request a fact; none if it asks for nothing but another attempt.
fn decision(head: &Head, request: &Requested, epoch: u64) -> Result<Option<Record>, String> {
    let Requested { request: id, action, event, data, schema_version, who, why, .. } =
        request.clone();
    if action == Action::Retry {
        return Ok(None);
    }
    if event != head.event || head.at != event.at {
        return Err(format!("the event at {} is not the one that failed", event.at));
    }
    let time = Utc::now();
    match (action, data) {
        (Action::Override, Some(data)) if event.id.is_some() => {
            let request = id;
            Ok(Some(Record::Overridden(Overridden {
                event,
                data,
                schema_version,
                request,
                who,
                why,
                epoch,
                time,
            })))
        }
        (Action::Override, _) => {
            Err("there is no data to override, or none to override it with".to_owned())
        }
        (Action::Discard | Action::Retry, _) => {
            Ok(Some(Record::Discarded(Discarded { event, request: id, who, why, epoch, time })))
        }
    }
}
