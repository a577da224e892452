//! The beginning of an epoch: the checkpoint is taken over, what was asked for is done, and what waits
//! is counted. Not here: contending, and what an epoch ends with.

use std::sync::{Arc, Mutex};

use futures::{StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};
use kit::Position;

use super::{
    super::{
        cell::Cell,
        checkpoint::{Checkpoint, CheckpointError},
        duty::{Duty, Ended},
        feed::Feed,
        log::{Log, LogAway},
        runner::{self, Begun},
        waits::Waits,
    },
    Supervisor, Work,
};
use crate::{
    deadletter::{Book, BookError, Reset},
    fail_points,
    readmodel::{self, Conductor, Desk, Letters, TakeOverError},
};

/// Counts of waiting commits that are asked for at the same time.
const COUNTS_AT_ONCE: usize = 16;
/// How often the commits of one key are counted at most, if others come meanwhile.
const LOOKS_MAX: u32 = 3;

/// Why an epoch's work did not begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    #[error("a later owner has come")]
    Fenced,
    #[error("{0}")]
    Unfit(String),
    #[error("{0}")]
    Away(String),
}

impl Supervisor {
    async fn end(&self) -> Result<Position, BeginError> {
        self.log.last().await.map_err(|error| BeginError::Away(error.to_string()))
    }

    /// Takes the checkpoint over and starts the deliveries after it.
    pub(super) async fn begin(&self, duty: &Duty) -> Result<BoxFuture<'static, Ended>, BeginError> {
        let last = self.end().await?;
        let feed = |from| {
            self.gauge.progress(from, last.0.saturating_sub(from), None);
            let name = format!("{}-{}-{}", self.info.kind, self.info.name, duty.epoch);
            Feed::start(self.log.clone(), name, Position(from), Arc::clone(&self.poke))
        };
        let duty = duty.clone();
        match &self.work {
            Work::React(reactor) => {
                let cell = Cell::new(&self.shared.checkpoints, self.info.name);
                let mut checkpoint = Checkpoint::take_over(cell, duty.epoch, self.since).await?;
                fail_points::pass("takeover.checkpoint");
                let (book, letters) = self.book(&duty).await?;
                while let Some(reset) = book.reset() {
                    rewind(&duty, &mut checkpoint, &book, &reset).await?;
                }
                // A former owner may have handled what came after the end was asked for.
                let last = self.end().await?;
                if checkpoint.position > last {
                    let at = checkpoint.position;
                    return Err(BeginError::Unfit(format!(
                        "log-behind: its checkpoint is at {at}, past the end of the log at {last}"
                    )));
                }
                let waits = counted(&book, &duty, &self.log).await?;
                let feed = feed(checkpoint.position.0);
                let log = self.log.clone();
                let begun = Begun { log, feed, checkpoint, book, letters, waits };
                Ok(Box::pin(runner::run(duty, Arc::clone(reactor), begun)))
            }
            Work::Project(projection, store) => {
                let taken = store.take_over(&**projection, duty.epoch, last).await;
                if let Err(TakeOverError::Behind(at)) = &taken
                    && self.end().await? >= *at
                {
                    let why = "a former owner has folded what came meanwhile";
                    return Err(BeginError::Away(why.to_owned()));
                }
                let (holder, lineage) = taken?;
                let (registry, name) = (&self.shared.registry, self.info.name);
                let requests = readmodel::request_cell(registry, name);
                let reports = readmodel::report_cell(registry, name);
                let (book, incoming) = self.book(&duty).await?;
                let waits = Mutex::new(counted(&book, &duty, &self.log).await?);
                let letters = Arc::new(Letters { book, waits });
                let conductor = Conductor {
                    _listening: letters.follow(incoming, duty.lost.clone()),
                    letters,
                    duty,
                    info: self.info,
                    desk: Desk::new(requests, reports, projection.version()),
                    projection: Arc::clone(projection),
                    holder,
                    log: self.log.clone(),
                    poke: Arc::clone(&self.poke),
                };
                Ok(Box::pin(conductor.run(lineage)))
            }
        }
    }

    /// Opens the handler's dead letters. Only after the checkpoint was taken over: see [`Book`].
    async fn book(&self, duty: &Duty) -> Result<(Book, Feed), BeginError> {
        let (queue, instance) = (self.shared.letters.clone(), &duty.options.instance);
        Ok(Book::open(queue, duty.name, duty.epoch, instance, duty.gauge.clone()).await?)
    }
}

/// Goes back to where somebody asked for. The checkpoint says whether that is done, so that a crash
/// at any point neither loses the request nor follows it twice.
async fn rewind(
    duty: &Duty,
    checkpoint: &mut Checkpoint,
    book: &Book,
    reset: &Reset,
) -> Result<(), BeginError> {
    duty.options.fail_points.reach("reset.before").await;
    let stood = checkpoint.reset(reset).await?;
    duty.options.fail_points.reach("reset.moved").await;
    book.rewound(reset, stood).await?;
    duty.options.fail_points.reach("reset.told").await;
    let (handler, at, who, why) = (duty.name, checkpoint.position, &reset.who, &reset.why);
    tracing::warn!(handler, from = %stood, to = %at, who, why, "events are delivered again");
    Ok(())
}

/// Counts what waits behind the keys that stand still.
async fn counted(book: &Book, duty: &Duty, log: &Log) -> Result<Waits, BeginError> {
    duty.options.fail_points.reach("begin.counts").await;
    let mut waits = Waits::new(duty.options.waiting_key_max, duty.options.waiting_max);
    let counts = stream::iter(book.heads()).map(async |(key, head)| {
        let (count, end) = behind(book, log, &key, head.at.position).await?;
        Ok::<_, BeginError>((key, count, end))
    });
    let counts: Vec<_> = counts.buffer_unordered(COUNTS_AT_ONCE).try_collect().await?;
    for (key, count, end) in counts {
        waits.found(&key, count, end);
    }
    Ok(waits)
}

/// How many commits of `key` stand from `head` on, and which is the last of them. Where commits come
/// faster than they are counted the number is a little too small: it is for people and for limits,
/// never for order.
async fn behind(
    book: &Book,
    log: &Log,
    key: &str,
    head: Position,
) -> Result<(u64, Position), BeginError> {
    let away = |error: LogAway| BeginError::Away(error.to_string());
    let mut end = log.last_of(key).await.map_err(away)?;
    let mut looks = 0;
    loop {
        let count = book.behind(key, head).await? + 1;
        let last = log.last_of(key).await.map_err(away)?;
        looks += 1;
        if last == end || looks == LOOKS_MAX {
            return Ok((count, last));
        }
        end = last;
    }
}

impl From<BookError> for BeginError {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Fenced => Self::Fenced,
            BookError::Unwritable(why) => Self::Unfit(why),
            BookError::Away(why) => Self::Away(why),
        }
    }
}

impl From<CheckpointError> for BeginError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Fenced => Self::Fenced,
            CheckpointError::Cell(error) => Self::Away(error.to_string()),
        }
    }
}

impl From<TakeOverError> for BeginError {
    fn from(error: TakeOverError) -> Self {
        match error {
            TakeOverError::Fenced => Self::Fenced,
            behind @ TakeOverError::Behind(_) => Self::Unfit(behind.to_string()),
            TakeOverError::Unfit(why) => Self::Unfit(why),
            TakeOverError::Sql(error) => Self::Away(error.to_string()),
        }
    }
}
