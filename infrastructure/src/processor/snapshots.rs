//! When an aggregate is saved in a snapshot, and what is in it. Beside the path of the commands:
//! nobody waits for a snapshot, and without one the history is read.
//! Not here: the bucket.

use std::time::Duration;

use tokio::time::Instant;

use super::{engine::Engine, load::Loaded, work::Work};
use crate::{
    aggregates::AnyAggregate,
    problem::Problem,
    receipts::{Receipts, SavedReceipts},
    snapshot::Snapshot,
};

/// How often one aggregate is saved at most: a hot one has a hundred versions in a millisecond.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// Most snapshots on their way at once.
const SAVES_MAX: usize = 8;

impl Engine {
    /// Saves the aggregate of `id`, which has just committed, if its snapshot is far behind.
    pub(super) fn save(&mut self, id: usize) {
        let Self { options, slots, work, saves, .. } = self;
        let Some(slot) = slots.get_mut(id) else { return };
        let Some(loaded) = &mut slot.loaded else { return };
        let behind = loaded.version.0 - loaded.saved.0;
        let early = loaded.saved_at.is_some_and(|last| last.elapsed() < SAVE_INTERVAL);
        let wanted = options.snapshots.is_some() && behind >= options.snapshot_every;
        if !wanted || early || *saves == SAVES_MAX {
            return;
        }
        loaded.saved = loaded.version;
        loaded.saved_at = Some(Instant::now());
        match snapshot(loaded, slot.kind.as_ref()) {
            Ok(snapshot) => {
                *saves += 1;
                work.push(Work::Save { key: slot.key.clone(), snapshot });
            }
            Err(error) => tracing::warn!(stream = %slot.key, %error, "there is no snapshot"),
        }
    }
}

fn snapshot(loaded: &Loaded, kind: &dyn AnyAggregate) -> Result<Snapshot, Problem> {
    let receipts = serde_json::value::to_raw_value(&loaded.receipts.save());
    Ok(Snapshot {
        state_schema: kind.state_schema(),
        version: loaded.version,
        position: loaded.position,
        state: loaded.state.save()?,
        receipts: receipts.map_err(|error| Problem::internal(error.to_string()))?,
    })
}

/// The aggregate as `snapshot` has it; none, if it cannot be read.
pub(super) fn restored(snapshot: &Snapshot, kind: &dyn AnyAggregate) -> Option<Loaded> {
    let saved: SavedReceipts = serde_json::from_str(snapshot.receipts.get()).ok()?;
    Some(Loaded {
        state: kind.restore(&snapshot.state)?,
        version: snapshot.version,
        position: snapshot.position,
        receipts: Receipts::restore(saved, |name| kind.event_name(name))?,
        saved: snapshot.version,
        saved_at: None,
    })
}

#[cfg(test)]
mod tests;
