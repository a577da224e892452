//! The rows of one table, or of documents with their terms, page by page and hashed.

use std::collections::{BTreeMap, VecDeque};

use kit::{Key, tables::Table};
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;

use crate::readmodel::{
    sql::{Cell, Param, Tx, Words},
    store::Tables,
    tables::{PAGE, rows_after},
};

/// A row by its key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HashedRow {
    /// The table, if a projection has several.
    table: &'static str,
    key: Vec<Cell>,
    hash: [u8; 32],
}

impl HashedRow {
    /// The row for people.
    pub(super) fn name(&self) -> String {
        let word = |cell: &Cell| match cell {
            Cell::Null => String::new(),
            Cell::Int(value) => value.to_string(),
            Cell::Float(value) => value.to_string(),
            Cell::Bool(value) => value.to_string(),
            Cell::Text(value) => value.clone(),
        };
        let table = (!self.table.is_empty()).then(|| self.table.to_owned());
        table.into_iter().chain(self.key.iter().map(word)).collect::<Vec<_>>().join(" ")
    }
}

/// What all rows of one side amount to.
#[derive(Default)]
pub(super) struct Total {
    pub(super) rows: u64,
    all: Sha256,
}

impl Total {
    pub(super) fn add(&mut self, row: &HashedRow) {
        self.rows += 1;
        put(&mut self.all, row.table.as_bytes());
        row.key.iter().for_each(|cell| put_cell(&mut self.all, cell));
        self.all.update(row.hash);
    }

    pub(super) fn digest(self) -> String {
        self.all.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

enum Source {
    Documents { documents: String, terms: String },
    Table { name: String, table: &'static Table, words: Words },
}

/// The rows of one generation, page by page.
pub(super) struct Side {
    source: Source,
    page: VecDeque<HashedRow>,
    /// The last key read; none before the first page.
    after: Option<Vec<Cell>>,
    ended: bool,
}

type DocumentColumns = (Key, String, i64, String);

impl Side {
    pub(super) fn documents(tables: &Tables) -> Self {
        let (documents, terms) = (tables.documents.clone(), tables.terms.clone());
        Self::new(Source::Documents { documents, terms })
    }

    pub(super) fn table(tables: &Tables, table: &'static Table, words: Words) -> Self {
        Self::new(Source::Table { name: tables.own(table.name), table, words })
    }

    const fn new(source: Source) -> Self {
        Self { source, page: VecDeque::new(), after: None, ended: false }
    }

    pub(super) fn next_key(&self) -> Option<&Vec<Cell>> {
        self.page.front().map(|row| &row.key)
    }

    pub(super) fn take(&mut self) -> Option<HashedRow> {
        self.page.pop_front()
    }

    /// Reads the next page if the last one is used up.
    pub(super) async fn fill(&mut self, tx: &mut Tx) -> sqlx::Result<()> {
        if self.ended || !self.page.is_empty() {
            return Ok(());
        }
        match &self.source {
            Source::Documents { documents, terms } => {
                let after = self.after.as_ref().and_then(|key| key.first());
                let after = after.and_then(Cell::text);
                let (page, last) = documents_after(tx, (documents, terms), after).await?;
                self.ended = last.is_none();
                self.after = last.map(|key| vec![Cell::Text(key)]);
                self.page = page;
            }
            Source::Table { name, table, words } => {
                let rows = rows_after(tx, name, (table, *words), self.after.as_deref()).await?;
                let row = |(key, cells): (Vec<Cell>, Vec<Cell>)| {
                    let mut hash = Sha256::new();
                    cells.iter().for_each(|cell| put_cell(&mut hash, cell));
                    HashedRow { table: table.name, key, hash: hash.finalize().into() }
                };
                self.page = rows.into_iter().map(row).collect();
                self.ended = self.page.len() < PAGE;
                self.after = self.page.back().map(|row| row.key.clone());
            }
        }
        Ok(())
    }
}

/// A page of documents with their terms, and the last key unless they have ended.
async fn documents_after(
    tx: &mut Tx,
    (documents, terms): (&str, &str),
    after: Option<&str>,
) -> sqlx::Result<(VecDeque<HashedRow>, Option<Key>)> {
    // Every key comes after the empty text, but for the empty key.
    let (beyond, after) = after.map_or((">=", ""), |after| (">", after));
    let select = format!(
        "SELECT key, sort, position, document FROM {documents}
         WHERE key {beyond} $1 ORDER BY key LIMIT {PAGE}"
    );
    let rows: Vec<DocumentColumns> = tx.all(AssertSqlSafe(select), &[Param::Text(after)]).await?;
    // Terms without a document, behind the last one, are rows too.
    let ended = rows.len() < PAGE;
    let last = rows.last().map(|(key, ..)| key.clone()).filter(|_| !ended);
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
    let row = |(key, hash): (Key, Sha256)| HashedRow {
        table: "",
        key: vec![Cell::Text(key)],
        hash: hash.finalize().into(),
    };
    Ok((hashes.into_iter().map(row).collect(), last))
}

fn put_cell(hash: &mut Sha256, cell: &Cell) {
    match cell {
        // No length is that of nothing.
        Cell::Null => hash.update(u64::MAX.to_be_bytes()),
        Cell::Int(value) => put(hash, &value.to_be_bytes()),
        Cell::Float(value) => put(hash, &value.to_be_bytes()),
        Cell::Bool(value) => put(hash, &[u8::from(*value)]),
        Cell::Text(value) => put(hash, value.as_bytes()),
    }
}

/// Lengths keep neighbours apart.
fn put(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
