//! Two generations of one projection, compared row by row at one position.
//! Not here: what follows from it.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use kit::{Key, Position};
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;

use super::{
    generation::lineage,
    parked::owed,
    sql::{Param, Tx},
    store::{Store, Tables},
};

/// Rows read at a time.
const PAGE: usize = 1_000;
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
    /// The hash of all rows in the order of their keys, terms included.
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
    projection: &str,
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
    let mut sides =
        (Side::new(Tables::new(projection, left)), Side::new(Tables::new(projection, right)));
    let mut differing = Vec::new();
    loop {
        sides.0.fill(&mut tx).await?;
        sides.1.fill(&mut tx).await?;
        let order = match (sides.0.page.front(), sides.1.page.front()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.key.cmp(&right.key),
        };
        let rows = (
            (order != Ordering::Greater).then(|| sides.0.take()).flatten(),
            (order != Ordering::Less).then(|| sides.1.take()).flatten(),
        );
        if rows.0.as_ref().map(|row| row.hash) != rows.1.as_ref().map(|row| row.hash)
            && differing.len() < NAMED_MAX
        {
            differing.extend(rows.0.or(rows.1).map(|row| row.key));
        }
    }
    let (left, right) = sides;
    Ok(Comparison {
        position,
        rows: (left.rows, right.rows),
        digests: (left.digest(), right.digest()),
        differing,
    })
}

struct HashedRow {
    key: Key,
    hash: [u8; 32],
}

/// The rows of one generation, page by page.
struct Side {
    tables: Tables,
    page: VecDeque<HashedRow>,
    /// The last key read; none before the first page.
    after: Option<Key>,
    ended: bool,
    rows: u64,
    all: Sha256,
}

type DocumentColumns = (Key, String, i64, String);

impl Side {
    fn new(tables: Tables) -> Self {
        let (page, all) = (VecDeque::new(), Sha256::new());
        Self { tables, page, after: None, ended: false, rows: 0, all }
    }

    fn take(&mut self) -> Option<HashedRow> {
        let row = self.page.pop_front()?;
        self.rows += 1;
        put(&mut self.all, row.key.as_bytes());
        self.all.update(row.hash);
        Some(row)
    }

    fn digest(self) -> String {
        self.all.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads the next page if the last one is used up.
    async fn fill(&mut self, tx: &mut Tx) -> sqlx::Result<()> {
        if self.ended || !self.page.is_empty() {
            return Ok(());
        }
        let Tables { documents, terms } = &self.tables;
        // Every key comes after the empty text, but for the empty key.
        let (beyond, after) = match &self.after {
            None => (">=", ""),
            Some(after) => (">", after.as_str()),
        };
        let select = format!(
            "SELECT key, sort, position, document FROM {documents}
             WHERE key {beyond} $1 ORDER BY key LIMIT {PAGE}"
        );
        let rows: Vec<DocumentColumns> =
            tx.all(AssertSqlSafe(select), &[Param::Text(after)]).await?;
        // Terms without a document, behind the last one, are rows too.
        self.ended = rows.len() < PAGE;
        let last = rows.last().map(|(key, ..)| key.clone()).filter(|_| !self.ended);
        let until = if last.is_some() { "AND key <= $2" } else { "AND $2 = ''" };
        let select = format!(
            "SELECT key, field, value FROM {terms}
             WHERE key {beyond} $1 {until} ORDER BY key, field, value"
        );
        let until = Param::Text(last.as_deref().unwrap_or_default());
        let found: Vec<(Key, String, String)> =
            tx.all(AssertSqlSafe(select), &[Param::Text(after), until]).await?;
        let mut hashes: BTreeMap<Key, Sha256> = BTreeMap::new();
        for (key, sort, position, document) in rows {
            let hash = hashes.entry(key).or_default();
            put(hash, sort.as_bytes());
            put(hash, &position.to_be_bytes());
            put(hash, document.as_bytes());
        }
        for (key, field, value) in found {
            let hash = hashes.entry(key).or_default();
            put(hash, field.as_bytes());
            put(hash, value.as_bytes());
        }
        let row = |(key, hash): (Key, Sha256)| HashedRow { key, hash: hash.finalize().into() };
        self.page.extend(hashes.into_iter().map(row));
        self.after = last;
        Ok(())
    }
}

/// Lengths keep neighbours apart.
fn put(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
