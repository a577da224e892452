//! How often each event is in the rows: for each stretch of the log a count and a sum of marks,
//! changed in the transaction that changes the rows. An event that is left out or taken in twice
//! shows in them, whatever the order in which events come. Not here: what they should be.

use std::collections::BTreeMap;

use kit::{EventId, Position};
use sqlx::AssertSqlSafe;

use super::{
    generation::Generation,
    sql::{Param, Tx},
    store::Store,
};
use crate::deadletter::Cursor;

/// Positions in one stretch. Stored: another number would be another meaning of every row.
pub(super) const SPAN: u64 = 1_000;
/// Marks and their sums have so many bits: two of them add up without an overflow in SQL.
const MASK: u64 = (1 << 62) - 1;
/// Stretches in one statement; a batch rarely touches more than two.
const ROWS_MAX: usize = 100;

/// That the rows have an event: it was folded, touches no document, or was discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: Cursor,
    value: u64,
}

impl Mark {
    /// The mark of the event `id`; of a whole commit, if it cannot be read. What is stored adds up
    /// marks, so an event's is the same for ever.
    pub(super) fn of(at: Cursor, id: Option<EventId>) -> Self {
        let (high, low) = id.map_or((0, 0), |id| id.as_u64_pair());
        let words = [at.position.0, at.index as u64, high, low];
        let value = words.into_iter().fold(0, |hash, word| mixed(hash ^ word));
        Self { at, value: value & MASK }
    }
}

/// A bijection in which each bit of the result depends on each bit of `word` (`SplitMix64`).
const fn mixed(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// What some events amount to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) sum: u64,
}

impl Tally {
    pub(super) fn add(&mut self, mark: Mark) {
        self.events += 1;
        self.sum = (self.sum + mark.value) & MASK;
    }

    /// What is left of these events without those of `less`.
    pub(super) const fn without(self, less: Self) -> Self {
        let events = self.events.saturating_sub(less.events);
        Self { events, sum: self.sum.wrapping_sub(less.sum) & MASK }
    }
}

/// The stretch that holds `position`.
pub(super) const fn stretch_of(position: Position) -> u64 {
    position.0 / SPAN
}

/// Notes that `generation` has the events of `marks`.
pub(super) async fn add(
    tx: &mut Tx,
    generation: &Generation,
    marks: impl Iterator<Item = Mark>,
) -> sqlx::Result<()> {
    let mut tallies: BTreeMap<u64, Tally> = BTreeMap::new();
    for mark in marks {
        tallies.entry(stretch_of(mark.at.position)).or_default().add(mark);
    }
    let tallies: Vec<_> = tallies.into_iter().collect();
    for some in tallies.chunks(ROWS_MAX) {
        let mut params = vec![Param::Text(generation.projection), Param::Int(generation.number)];
        let mut values = Vec::with_capacity(some.len());
        for (stretch, Tally { events, sum }) in some {
            let at = params.len();
            values.push(format!("($1, $2, ${}, ${}, ${})", at + 1, at + 2, at + 3));
            params.extend([stretch, events, sum].map(|word| Param::Int(word.cast_signed())));
        }
        let upsert = format!(
            "INSERT INTO stretches (projection, generation, stretch, events, sum) VALUES {}
             ON CONFLICT (projection, generation, stretch) DO UPDATE SET
             events = stretches.events + excluded.events,
             sum = (stretches.sum + excluded.sum) & {MASK}",
            values.join(", ")
        );
        tx.execute(AssertSqlSafe(upsert), &params).await?;
    }
    Ok(())
}

/// How many events `generation` has.
pub(super) async fn events(store: &Store, generation: &Generation) -> sqlx::Result<u64> {
    let select = "SELECT CAST(coalesce(sum(events), 0) AS BIGINT) FROM stretches
         WHERE projection = $1 AND generation = $2";
    let place = [Param::Text(generation.projection), Param::Int(generation.number)];
    let row: Option<(i64,)> = store.database.read().await?.first(select, &place).await?;
    Ok(row.map_or(0, |(events,)| events.cast_unsigned()))
}

/// Notes for each generation of `projection` that is counted from now on where it stands now.
pub(super) async fn begin(tx: &mut Tx, projection: &str) -> sqlx::Result<()> {
    let insert = "INSERT INTO counted_from (projection, generation, position)
         SELECT projection, generation, position FROM checkpoints WHERE projection = $1
         ON CONFLICT DO NOTHING";
    tx.execute(insert, &[Param::Text(projection)]).await?;
    Ok(())
}

/// Forgets the counts of a generation that is deleted.
pub(super) async fn forget(tx: &mut Tx, projection: &str, generation: i64) -> sqlx::Result<()> {
    let place = [Param::Text(projection), Param::Int(generation)];
    for delete in [
        "DELETE FROM stretches WHERE projection = $1 AND generation = $2",
        "DELETE FROM counted_from WHERE projection = $1 AND generation = $2",
    ] {
        tx.execute(delete, &place).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_mark_is_what_it_was_when_it_was_stored() {
        let at = Cursor { position: Position(4_711), index: 2 };
        let id = Uuid::from_u128(0x0192_f3a1_7b00_7000_8000_0000_0000_0001);
        assert_eq!(
            (Mark::of(at, Some(id)).value, Mark::of(at, None).value),
            (2_277_293_357_571_283_891, 2_007_151_006_599_442_402)
        );
    }

    #[test]
    fn a_tally_does_not_depend_on_the_order_and_never_overflows() {
        let mark = |position| Mark::of(Cursor { position: Position(position), index: 0 }, None);
        let tally = |positions: &mut dyn Iterator<Item = u64>| {
            let mut tally = Tally::default();
            positions.for_each(|position| tally.add(mark(position)));
            tally
        };
        let forward = tally(&mut (0..1_000));
        assert_eq!(forward, tally(&mut (0..1_000).rev()));
        assert!(forward.sum <= MASK && forward != tally(&mut (1..1_001)));
    }
}
