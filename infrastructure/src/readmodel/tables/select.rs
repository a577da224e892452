//! A declared query as a statement: its answer sorted, cut into pages, and each column read as what
//! it is declared to be. Not here: parameters and answers.

use kit::tables::{Column, Query};
use sqlx::AssertSqlSafe;

use super::{expand, storage, text::chosen};
use crate::readmodel::{
    sql::{Cell, Param, Storage, Tx, Words, read_as},
    store::Tables,
};

/// One query of one generation.
#[derive(Debug, Clone, Copy)]
pub(in crate::readmodel) struct RowQuery<'a> {
    pub(in crate::readmodel) query: &'static Query,
    pub(in crate::readmodel) tables: &'a Tables,
    pub(in crate::readmodel) words: Words,
}

/// Which rows of an answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::readmodel) struct Part<'a> {
    /// The place behind which they stand; none for the first ones.
    pub(in crate::readmodel) start: Option<&'a [Cell]>,
    /// The most of them.
    pub(in crate::readmodel) limit: u32,
    /// From the last to the first.
    pub(in crate::readmodel) reverse: bool,
}

/// Some rows of an answer, and whether there are more.
#[derive(Debug)]
pub(in crate::readmodel) struct Page {
    pub(in crate::readmodel) rows: Vec<Vec<Cell>>,
    pub(in crate::readmodel) more: bool,
    /// Whether the next page would miss rows, because its order does not tell all rows apart.
    pub(in crate::readmodel) ambiguous: bool,
}

impl RowQuery<'_> {
    /// The text for all rows, with every clause of an optional parameter or with none.
    pub(super) fn whole(&self, clauses: bool) -> String {
        let sql = chosen(self.query.sql, |_| clauses);
        self.statement(&sql, None, 1, false)
    }

    /// The text; `start` is the number of the first parameter that tells where the page begins.
    fn statement(&self, sql: &str, start: Option<usize>, rows: u32, reverse: bool) -> String {
        let Self { query, tables, words } = self;
        let read = |column: &Column| read_as(storage(column.of), &format!("q.{}", column.name));
        let columns: Vec<_> = query.columns.iter().map(read).collect();
        let compared = |column: &Column| match storage(column.of) {
            Storage::Text => format!("q.{}{}", column.name, words.bytewise),
            _ => format!("q.{}", column.name),
        };
        let order: Vec<_> = order(query).map(compared).collect();
        let (beyond, direction) = if reverse { ("<", " DESC") } else { (">", "") };
        let start = start.map(|first| {
            let params: Vec<_> =
                (first..).take(query.order.len()).map(|it| format!("${it}")).collect();
            format!(" WHERE ({}) {beyond} ({})", order.join(", "), params.join(", "))
        });
        format!(
            "SELECT {} FROM ({}) AS q{} ORDER BY {}{direction} LIMIT {rows}",
            columns.join(", "),
            expand(sql, tables),
            start.unwrap_or_default(),
            order.join(&format!("{direction}, "))
        )
    }

    /// The rows of `part`.
    pub(in crate::readmodel) async fn page(
        &self,
        tx: &mut Tx,
        params: &[Cell],
        part: Part<'_>,
    ) -> sqlx::Result<Page> {
        let Part { start, limit, reverse } = part;
        let of = self.query.params.iter().map(|param| storage(param.of));
        let mut bound: Vec<_> = of.zip(params).map(|(of, cell)| Param::Cell(of, cell)).collect();
        let first = start.map(|_| bound.len() + 1);
        let place = order(self.query).zip(start.unwrap_or_default());
        bound.extend(place.map(|(column, cell)| Param::Cell(storage(column.of), cell)));
        // One more than asked for tells whether there is a next page.
        let is_given = |name: &str| {
            let mut given = self.query.params.iter().zip(params);
            given.any(|(it, cell)| it.name == name && !matches!(cell, Cell::Null))
        };
        let sql = chosen(self.query.sql, is_given);
        let statement = self.statement(&sql, first, limit + 1, reverse);
        let columns: Vec<_> = self.query.columns.iter().map(|it| storage(it.of)).collect();
        let mut rows = tx.cells(AssertSqlSafe(statement), &bound, &columns).await?;
        let more = rows.len() > limit as usize;
        let ambiguous = more && {
            let mut last = rows.iter().rev().map(|row| place_of(self.query, row));
            last.next() == last.next()
        };
        rows.truncate(limit as usize);
        Ok(Page { rows, more, ambiguous })
    }
}

/// The columns by which answers are sorted.
pub(in crate::readmodel) fn order(query: &'static Query) -> impl Iterator<Item = &'static Column> {
    let column = |name: &&str| query.columns.iter().find(|column| column.name == *name);
    query.order.iter().filter_map(column)
}

/// Where a row stands in the order of the answer.
pub(in crate::readmodel) fn place_of(query: &Query, row: &[Cell]) -> Vec<Cell> {
    let at = |name: &&str| query.columns.iter().position(|column| column.name == *name);
    query.order.iter().filter_map(at).filter_map(|at| row.get(at).cloned()).collect()
}
