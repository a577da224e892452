//! When an aggregate is saved in a snapshot, and what is in it. Beside the path of the commands:
//! nobody waits for a snapshot, and without one the history is read.
//! Not here: the bucket.

use std::time::Duration;

use tokio::time::Instant;

use super::{engine::Engine, load::Loaded, weight::Weight, work::Work};
use crate::{
    aggregates::AnyAggregate,
    problem::Problem,
    receipts::{Receipts, SavedReceipts},
    sealing::{Held, Hold, Keys, Place},
    snapshot::Snapshot,
    store::StreamKey,
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
        match snapshot(loaded, &slot.key, slot.kind.as_ref()) {
            // Nobody could read it.
            Ok(None) => {}
            Ok(Some(snapshot)) => {
                *saves += 1;
                work.push(Work::Save { key: slot.key.clone(), snapshot });
            }
            Err(error) => tracing::warn!(stream = %slot.key, %error, "there is no snapshot"),
        }
    }
}

/// The aggregate as it is to be saved; none, if it is to be sealed under a key that is destroyed.
fn snapshot(
    loaded: &Loaded,
    key: &StreamKey,
    kind: &dyn AnyAggregate,
) -> Result<Option<Snapshot>, Problem> {
    let internal = |error: &dyn std::fmt::Display| Problem::internal(error.to_string());
    let receipts = serde_json::value::to_raw_value(&loaded.receipts.save());
    let clear = Snapshot {
        state_schema: kind.state_schema(),
        version: loaded.version,
        position: loaded.position,
        state: loaded.state.save()?,
        receipts: receipts.map_err(|error| internal(&error))?,
    };
    if !kind.is_sealed() {
        return Ok(Some(clear));
    }
    let Some(Held { hold: Hold::Key(data_key), .. }) = loaded.held.as_ref() else {
        return Ok(None);
    };
    // Receipts hold parts of hashes, which would tell whoever guesses what a command said.
    let both = serde_json::to_vec(&(&clear.state, &clear.receipts));
    let position = clear.position.to_string();
    let sealed = data_key
        .seal(&both.map_err(|error| internal(&error))?, &place(key, &position))
        .map_err(|error| internal(&error))?;
    let raw = |text: &str| serde_json::value::to_raw_value(text).map_err(|error| internal(&error));
    Ok(Some(Snapshot { state: raw(&sealed)?, receipts: raw("sealed")?, ..clear }))
}

/// `snapshot` of an aggregate that is sealed, opened; none, if it cannot be.
pub(super) async fn unsealed(
    snapshot: Snapshot,
    keys: Option<&Keys>,
    key: &StreamKey,
) -> Option<Snapshot> {
    let held = keys?.find(key).await.ok()?;
    let Hold::Key(data_key) = &held.hold else { return None };
    let sealed: String = serde_json::from_str(snapshot.state.get()).ok()?;
    let both = data_key.open(&sealed, &place(key, &snapshot.position.to_string())).ok()?;
    let (state, receipts) = serde_json::from_slice(&both).ok()?;
    Some(Snapshot { state, receipts, ..snapshot })
}

fn place<'a>(key: &'a StreamKey, position: &'a str) -> Place<'a> {
    let (aggregate, id) = (&*key.aggregate, key.id.as_str());
    Place { aggregate, id, holder: position, kind: "snapshot", field: "state" }
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
        held: None,
        weight: Weight::saved(snapshot.state.get().len()),
    })
}

#[cfg(test)]
mod tests;
