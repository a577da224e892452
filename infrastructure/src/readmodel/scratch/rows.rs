//! What is in a scratch file, to be shown. Not here: filling it.

use kit::tables::Table;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sqlx::AssertSqlSafe;

use super::{Scratch, away};
use crate::{
    problem::Problem,
    readmodel::{
        query::Row,
        sql::{Cell, Param, Words},
        tables::{PAGE, rows_after},
    },
};

/// One row of a projection.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ShownRow {
    /// A document.
    Document {
        /// Its key.
        key: String,
        /// What readers get.
        document: Box<RawValue>,
    },
    /// A row of a table.
    Table {
        /// The table.
        table: &'static str,
        /// Its columns.
        row: Box<RawValue>,
    },
}

/// A place among the rows. The default is before the first.
#[derive(Debug, Clone, Default)]
pub struct RowsPlace {
    table: usize,
    after: Option<Vec<Cell>>,
}

impl Scratch {
    /// The rows behind `place`, in the order of their keys, table by table, and where they end;
    /// none behind the last.
    pub(crate) async fn rows(
        &self,
        place: RowsPlace,
    ) -> Result<Option<(Vec<ShownRow>, RowsPlace)>, Problem> {
        match self.declared() {
            None => self.documents(place).await,
            Some(declared) => match declared.tables.get(place.table) {
                None => Ok(None),
                Some(table) => self.of_table(table, place).await.map(Some),
            },
        }
    }

    async fn documents(
        &self,
        place: RowsPlace,
    ) -> Result<Option<(Vec<ShownRow>, RowsPlace)>, Problem> {
        let after = place.after.as_ref().and_then(|key| key.first()).and_then(Cell::text);
        // Every key comes after the empty text, but for the empty key.
        let (beyond, after) = after.map_or((">=", ""), |after| (">", after));
        let select = format!(
            "SELECT key, document FROM {} WHERE key {beyond} $1 ORDER BY key LIMIT {PAGE}",
            self.generation.tables.documents
        );
        let mut tx = self.store.database.read().await.map_err(|error| away(&error))?;
        let rows: sqlx::Result<Vec<(String, String)>> =
            tx.all(AssertSqlSafe(select), &[Param::Text(after)]).await;
        let rows = rows.map_err(|error| away(&error))?;
        let Some((last, _)) = rows.last() else { return Ok(None) };
        let place = RowsPlace { table: 0, after: Some(vec![Cell::Text(last.clone())]) };
        let row = |(key, document): (String, String)| {
            let document = RawValue::from_string(document).map_err(|error| bug(&error))?;
            Ok(ShownRow::Document { key, document })
        };
        Ok(Some((rows.into_iter().map(row).collect::<Result<_, Problem>>()?, place)))
    }

    async fn of_table(
        &self,
        table: &'static Table,
        place: RowsPlace,
    ) -> Result<(Vec<ShownRow>, RowsPlace), Problem> {
        let words: Words = self.store.database.words();
        let name = self.generation.tables.own(table.name);
        let mut tx = self.store.database.read().await.map_err(|error| away(&error))?;
        let rows = rows_after(&mut tx, &name, (table, words), place.after.as_deref()).await;
        let rows = rows.map_err(|error| away(&error))?;
        let last = rows.last().map(|(key, _)| key.clone()).filter(|_| rows.len() == PAGE);
        let next = match last {
            Some(after) => RowsPlace { after: Some(after), ..place },
            None => RowsPlace { table: place.table + 1, after: None },
        };
        let row = |(_, cells): (Vec<Cell>, Vec<Cell>)| {
            let row = Row::new((table.name, table.columns), cells)?;
            let row = to_raw_value(&row).map_err(|error| bug(&error))?;
            Ok(ShownRow::Table { table: table.name, row })
        };
        Ok((rows.into_iter().map(row).collect::<Result<_, Problem>>()?, next))
    }
}

fn bug(error: &serde_json::Error) -> Problem {
    Problem::internal(format!("a row has no JSON form: {error}"))
}
