//! All rows of a table, page by page in the order of its key.
//! Not here: what readers ask for.

use kit::tables::{Column, Table};
use sqlx::AssertSqlSafe;

use super::storage;
use crate::readmodel::sql::{Cell, Param, Storage, Tx, Words, read_as};

/// Rows read at a time.
pub(in crate::readmodel) const PAGE: usize = 1_000;

/// The rows of the table `name` behind the key `after`: of each its key, and all its columns.
pub(in crate::readmodel) async fn rows_after(
    tx: &mut Tx,
    name: &str,
    (table, words): (&'static Table, Words),
    after: Option<&[Cell]>,
) -> sqlx::Result<Vec<(Vec<Cell>, Vec<Cell>)>> {
    let column = |name: &str| table.columns.iter().find(|column| column.name == name);
    let keys: Vec<&Column> = table.key.iter().filter_map(|name| column(name)).collect();
    let compared = |column: &&Column| match storage(column.of) {
        Storage::Text => format!("{}{}", column.name, words.bytewise),
        _ => column.name.to_owned(),
    };
    let order = keys.iter().map(compared).collect::<Vec<_>>().join(", ");
    let read: Vec<&Column> = keys.iter().copied().chain(table.columns).collect();
    let select: Vec<_> = read.iter().map(|it| read_as(storage(it.of), it.name)).collect();
    let beyond = after.map_or_else(String::new, |after| {
        let params: Vec<_> = (1..=after.len()).map(|at| format!("${at}")).collect();
        format!("WHERE ({order}) > ({})", params.join(", "))
    });
    let select =
        format!("SELECT {} FROM {name} {beyond} ORDER BY {order} LIMIT {PAGE}", select.join(", "));
    let place = keys.iter().zip(after.unwrap_or_default());
    let params: Vec<_> = place.map(|(it, cell)| Param::Cell(storage(it.of), cell)).collect();
    let of: Vec<_> = read.iter().map(|column| storage(column.of)).collect();
    let rows = tx.cells(AssertSqlSafe(select), &params, &of).await?;
    let split = |mut key: Vec<Cell>| {
        let cells = key.split_off(keys.len());
        (key, cells)
    };
    Ok(rows.into_iter().map(split).collect())
}
