//! Two generations of one projection, compared row by row at one position.
//! Not here: what follows from it.

mod side;

use std::{cmp::Ordering, time::Duration};

use kit::{Key, Position, tables::Table};

use self::side::{Side, Total};
use super::{
    generation::lineage,
    parked::owed,
    sql::Tx,
    store::{Store, Tables},
    tables::Declared,
};

/// Keys that are named; more do not help to find out why.
const NAMED_MAX: usize = 10;
/// How often two generations are looked at that have not come to one position yet.
const APART_INTERVAL: Duration = Duration::from_millis(20);

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) position: Position,
    /// Rows of each.
    pub(super) rows: (u64, u64),
    /// The hash of all rows in the order of their keys, whatever they are found by included.
    pub(super) digests: (String, String),
    /// The first keys whose rows differ, or that only one of them has.
    pub(super) differing: Vec<Key>,
}

impl Comparison {
    pub(super) fn is_equal(&self) -> bool {
        self.rows.0 == self.rows.1 && self.digests.0 == self.digests.1
    }
}

/// Compares the generations `left` and `right`, once they stand at one position, in one snapshot
/// of the store: both may be written to meanwhile.
pub(super) async fn compare(
    store: &Store,
    (projection, declared): (&str, Option<Declared>),
    (left, right): (i64, i64),
) -> sqlx::Result<Comparison> {
    let (mut tx, position) = loop {
        let mut tx = store.database.read().await?;
        let found = lineage(&mut tx, projection).await?.ok_or(sqlx::Error::RowNotFound)?;
        let place = |generation| found.row(generation).map(|row| row.position);
        match (place(left), place(right)) {
            (Some(at), Some(other)) if at == other => {
                // What one of them still owes for dead letters is no difference of the code.
                let debts = (
                    owed(&mut tx, projection, left).await?,
                    owed(&mut tx, projection, right).await?,
                );
                if debts.0 == debts.1 {
                    break (tx, at);
                }
            }
            (Some(_), Some(_)) => {}
            _ => return Err(sqlx::Error::RowNotFound),
        }
        drop(tx);
        tokio::time::sleep(APART_INTERVAL).await;
    };
    let words = store.database.words();
    let side = |number, table: Option<&'static Table>| {
        let tables = Tables::new(projection, number);
        table.map_or_else(|| Side::documents(&tables), |it| Side::table(&tables, it, words))
    };
    let mut found = Found::default();
    match declared {
        None => found.walk(&mut tx, (side(left, None), side(right, None))).await?,
        Some(Declared { tables, .. }) => {
            for table in tables {
                found.walk(&mut tx, (side(left, Some(table)), side(right, Some(table)))).await?;
            }
        }
    }
    let Found { totals: (left, right), differing } = found;
    Ok(Comparison {
        position,
        rows: (left.rows, right.rows),
        digests: (left.digest(), right.digest()),
        differing,
    })
}

#[derive(Default)]
struct Found {
    totals: (Total, Total),
    differing: Vec<Key>,
}

impl Found {
    /// Goes through two tables in the order of their keys.
    async fn walk(&mut self, tx: &mut Tx, mut sides: (Side, Side)) -> sqlx::Result<()> {
        loop {
            sides.0.fill(tx).await?;
            sides.1.fill(tx).await?;
            let order = match (sides.0.next_key(), sides.1.next_key()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(left), Some(right)) => left.cmp(right),
            };
            let rows = (
                (order != Ordering::Greater).then(|| sides.0.take()).flatten(),
                (order != Ordering::Less).then(|| sides.1.take()).flatten(),
            );
            rows.0.iter().for_each(|row| self.totals.0.add(row));
            rows.1.iter().for_each(|row| self.totals.1.add(row));
            if rows.0 != rows.1 && self.differing.len() < NAMED_MAX {
                self.differing.extend(rows.0.or(rows.1).map(|row| row.name()));
            }
        }
    }
}
