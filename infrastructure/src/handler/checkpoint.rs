//! How far a policy or effect has come: a key of the bucket `CHECKPOINTS`.
//!
//! Every write names the epoch and replaces exactly the revision before it. A take-over writes
//! first, so the former owner's next write fails: that is the fence. Not here: the checkpoints of
//! projections, which are rows beside the documents.

use std::time::Duration;

use kit::Position;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    backoff::Backoff,
    cell::{Cell, CellError},
};
use crate::{deadletter::Reset, fail_points};

/// Shortest time between two writes of one checkpoint: what is lost with it is done again, and
/// the commands have the same ids.
const FLUSH_INTERVAL: Duration = Duration::from_millis(20);

/// What the bucket holds for one handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckpointRecord {
    /// The commit up to which everything is handled.
    pub(crate) position: Position,
    /// The epoch of the owner that wrote it.
    pub(crate) epoch: u64,
    /// The last reset that moved it back: with it stands whether one is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reset: Option<ResetMark>,
}

/// A reset that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResetMark {
    /// The request for it.
    pub(crate) request: Uuid,
    /// Where the checkpoint stood before.
    pub(crate) checkpoint: Position,
}

/// Why a checkpoint is not ours to move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CheckpointError {
    /// A later owner has written.
    #[error("a later owner has moved the checkpoint")]
    Fenced,
    /// The bucket does not answer, or holds something else.
    #[error(transparent)]
    Cell(CellError),
}

/// A checkpoint in the hands of one epoch.
pub(crate) struct Checkpoint {
    cell: Cell<CheckpointRecord>,
    epoch: u64,
    revision: u64,
    reset: Option<ResetMark>,
    pub(crate) position: Position,
}

impl Checkpoint {
    /// Puts `epoch` on the checkpoint, which begins at `first` if there is none.
    pub(crate) async fn take_over(
        cell: Cell<CheckpointRecord>,
        epoch: u64,
        first: Position,
    ) -> Result<Self, CheckpointError> {
        loop {
            let (found, revision) = cell.read().await.map_err(CheckpointError::Cell)?;
            if found.is_some_and(|record| record.epoch > epoch) {
                return Err(CheckpointError::Fenced);
            }
            let position = found.map_or(first, |record| record.position);
            let reset = found.and_then(|record| record.reset);
            match cell.write(&CheckpointRecord { position, epoch, reset }, revision).await {
                Ok(revision) => return Ok(Self { cell, epoch, revision, reset, position }),
                Err(CellError::Conflict) => {}
                Err(error) => return Err(CheckpointError::Cell(error)),
            }
        }
    }

    /// Moves to `position`; never back.
    pub(crate) async fn advance(&mut self, position: Position) -> Result<(), CheckpointError> {
        while position > self.position {
            self.write(position, self.reset).await?;
        }
        Ok(())
    }

    /// Moves back as `reset` asks, unless that was done before; never forward. Answers where it
    /// stood.
    pub(crate) async fn reset(&mut self, reset: &Reset) -> Result<Position, CheckpointError> {
        loop {
            if let Some(done) = self.reset.filter(|done| done.request == reset.request) {
                return Ok(done.checkpoint);
            }
            let before = Position(reset.from.0.saturating_sub(1));
            let done = ResetMark { request: reset.request, checkpoint: self.position };
            self.write(self.position.min(before), Some(done)).await?;
        }
    }

    async fn write(
        &mut self,
        position: Position,
        reset: Option<ResetMark>,
    ) -> Result<(), CheckpointError> {
        let record = CheckpointRecord { position, epoch: self.epoch, reset };
        fail_points::pass("checkpoint.before");
        let written = self.cell.write(&record, self.revision).await;
        fail_points::pass("checkpoint.after");
        match written {
            Ok(revision) => {
                (self.revision, self.position, self.reset) = (revision, position, reset);
                Ok(())
            }
            Err(CellError::Conflict) => self.adopt().await,
            Err(error) => Err(CheckpointError::Cell(error)),
        }
    }

    /// Takes the revision of an own write whose answer was lost.
    async fn adopt(&mut self) -> Result<(), CheckpointError> {
        let (found, revision) = self.cell.read().await.map_err(CheckpointError::Cell)?;
        let ours = found.filter(|record| record.epoch == self.epoch);
        let record = ours.ok_or(CheckpointError::Fenced)?;
        (self.revision, self.position, self.reset) = (revision, record.position, record.reset);
        Ok(())
    }

    /// Writes in a task of its own, always the newest position, until the flusher is finished.
    /// Cancels `fenced` when a later owner has written.
    pub(crate) fn flusher(self, fenced: CancellationToken) -> Flusher {
        let (target, targets) = watch::channel(self.position);
        Flusher { target, writing: tokio::spawn(self.follow(targets, fenced)) }
    }

    async fn follow(mut self, mut targets: watch::Receiver<Position>, fenced: CancellationToken) {
        let mut backoff = Backoff::new(FLUSH_INTERVAL, Duration::from_secs(1));
        loop {
            let open = targets.changed().await.is_ok();
            let target = *targets.borrow_and_update();
            while let Err(error) = self.advance(target).await {
                if error == CheckpointError::Fenced {
                    tracing::warn!(epoch = self.epoch, "fenced: {error}");
                    return fenced.cancel();
                }
                tracing::warn!(%error, "the checkpoint was not written");
                time::sleep(backoff.next()).await;
            }
            backoff.reset();
            if !open {
                return;
            }
            time::sleep(FLUSH_INTERVAL).await;
        }
    }
}

/// The background writer of one checkpoint.
pub(crate) struct Flusher {
    target: watch::Sender<Position>,
    writing: JoinHandle<()>,
}

impl Flusher {
    /// Asks for `position` to be written soon.
    pub(crate) fn reached(&self, position: Position) {
        self.target.send_if_modified(|target| {
            let further = position > *target;
            *target = position.max(*target);
            further
        });
    }

    /// Waits until the last position is written, for as long as `patience`.
    pub(crate) async fn finish(self, patience: Duration) {
        let Self { target, mut writing } = self;
        drop(target);
        if time::timeout(patience, &mut writing).await.is_err() {
            writing.abort();
        }
    }
}
