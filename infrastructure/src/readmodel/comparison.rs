//! Two generations of one projection, compared row by row at one position.
//! Not here: what follows from it.

mod side;

use std::{
    cmp::Ordering,
    time::{Duration, Instant},
};

use kit::{Key, Position, tables::Table};

use self::side::{Side, Total};
use super::{
    generation::lineage,
    parked::owed,
    sql::{Tx, Words},
    store::{Store, Tables},
    tables::Declared,
};

/// Keys that are named; more do not help to find out why.
const NAMED_MAX: usize = 10;
/// How often two generations are looked at that have not come to one position yet.
const APART_INTERVAL: Duration = Duration::from_millis(20);

/// How long generations may differ in what they owe before they are compared as they are: what both
/// can fold, both have folded by then.
const OWING_MAX: Duration = Duration::from_secs(5);

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
    let mut owing: Option<Instant> = None;
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
                let since = *owing.get_or_insert_with(Instant::now);
                if debts.0 == debts.1 || since.elapsed() > OWING_MAX {
                    break (tx, at);
                }
            }
            (Some(_), Some(_)) => {}
            _ => return Err(sqlx::Error::RowNotFound),
        }
        drop(tx);
        tokio::time::sleep(APART_INTERVAL).await;
    };
    let place = |number| Place::new(projection, number, store.database.words());
    let places = (&place(left), &place(right));
    let Found { totals: (left, right), differing, .. } =
        differences(declared, places, Sources::One(&mut tx)).await?;
    Ok(Comparison {
        position,
        rows: (left.rows, right.rows),
        digests: (left.digest(), right.digest()),
        differing,
    })
}

/// Where the rows of one generation are.
pub(super) struct Place {
    tables: Tables,
    words: Words,
}

impl Place {
    pub(super) fn new(projection: &str, generation: i64, words: Words) -> Self {
        Self { tables: Tables::new(projection, generation), words }
    }

    fn side(&self, table: Option<&'static Table>) -> Side {
        match table {
            None => Side::documents(&self.tables),
            Some(table) => Side::table(&self.tables, table, self.words),
        }
    }
}

/// What the two sides of a comparison are read from.
pub(super) enum Sources<'a> {
    /// One snapshot has both.
    One(&'a mut Tx),
    /// Each is in a store of its own.
    Two(&'a mut Tx, &'a mut Tx),
}

impl Sources<'_> {
    const fn left(&mut self) -> &mut Tx {
        match self {
            Self::One(tx) | Self::Two(tx, _) => tx,
        }
    }

    const fn right(&mut self) -> &mut Tx {
        match self {
            Self::One(tx) | Self::Two(_, tx) => tx,
        }
    }
}

/// Goes through all rows at both places.
pub(super) async fn differences(
    declared: Option<Declared>,
    (left, right): (&Place, &Place),
    mut sources: Sources<'_>,
) -> sqlx::Result<Found> {
    let mut found = Found::default();
    match declared {
        None => found.walk(&mut sources, (left.side(None), right.side(None))).await?,
        Some(Declared { tables, .. }) => {
            for table in tables {
                let sides = (left.side(Some(table)), right.side(Some(table)));
                found.walk(&mut sources, sides).await?;
            }
        }
    }
    Ok(found)
}

/// In what two sides differ.
#[derive(Default)]
pub(super) struct Found {
    totals: (Total, Total),
    /// The first keys whose rows differ, or that only one side has.
    pub(super) differing: Vec<Key>,
    /// How many there are in all.
    pub(super) all: u64,
}

impl Found {
    /// Rows of the left side.
    pub(super) const fn rows(&self) -> u64 {
        self.totals.0.rows
    }

    /// Goes through two tables in the order of their keys.
    async fn walk(
        &mut self,
        sources: &mut Sources<'_>,
        mut sides: (Side, Side),
    ) -> sqlx::Result<()> {
        loop {
            sides.0.fill(sources.left()).await?;
            sides.1.fill(sources.right()).await?;
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
            if rows.0 != rows.1 {
                self.all += 1;
                if self.differing.len() < NAMED_MAX {
                    self.differing.extend(rows.0.or(rows.1).map(|row| row.name()));
                }
            }
        }
    }
}
