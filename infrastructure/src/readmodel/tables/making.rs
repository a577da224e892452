//! The tables of a generation: made as declared, found to be as declared, and dropped. What was made
//! is written down, because other code may have declared other tables.

use kit::tables::{Statement, Table, Type};
use sqlx::AssertSqlSafe;

use super::{Declared, RowQuery, expand, names::definitions, storage};
use crate::readmodel::{
    sql::{Cell, Param, Storage, Tx, Words, ill_formed},
    store::Tables,
    succession::TakeOverError,
};

/// Makes the tables of one generation.
pub(in crate::readmodel) async fn create(
    tx: &mut Tx,
    (projection, number): (&str, i64),
    words: Words,
    declared: &Declared,
) -> Result<(), TakeOverError> {
    let tables = Tables::new(projection, number);
    for table in declared.tables {
        let (name, definition) = (tables.own(table.name), define(table, "{}", words));
        let made = tx.script(AssertSqlSafe(definition.replace("{}", &name))).await;
        made.map_err(|error| unfit(table.name, error))?;
        let note = "INSERT INTO generation_tables (projection, generation, name, definition)
             VALUES ($1, $2, $3, $4)";
        let (projection, number) = (Param::Text(projection), Param::Int(number));
        let params = [projection, number, Param::Text(&name), Param::Text(&definition)];
        tx.execute(note, &params).await?;
    }
    understood(tx, &tables, words, declared).await
}

/// Refuses tables that this code has not declared, and texts that the database does not understand.
pub(in crate::readmodel) async fn fit(
    tx: &mut Tx,
    (projection, number): (&str, i64),
    words: Words,
    declared: &Declared,
) -> Result<(), TakeOverError> {
    let tables = Tables::new(projection, number);
    let mut wanted: Vec<_> = declared
        .tables
        .iter()
        .map(|table| (tables.own(table.name), define(table, "{}", words)))
        .collect();
    wanted.sort();
    if made(tx, projection, number).await? != wanted {
        return Err(TakeOverError::Unfit(format!(
            "the tables of its generation {number} are not those that the code declares, and the \
             code has the same version: raise it"
        )));
    }
    understood(tx, &tables, words, declared).await
}

/// Drops the tables of one generation; false if none were written down.
pub(in crate::readmodel) async fn drop_tables(
    tx: &mut Tx,
    (projection, number): (&str, i64),
) -> sqlx::Result<bool> {
    let made = made(tx, projection, number).await?;
    for (name, _) in &made {
        tx.script(AssertSqlSafe(format!("DROP TABLE {name}"))).await?;
    }
    let forget = "DELETE FROM generation_tables WHERE projection = $1 AND generation = $2";
    tx.execute(forget, &[Param::Text(projection), Param::Int(number)]).await?;
    Ok(!made.is_empty())
}

/// The tables that were made, by name, with their definitions.
async fn made(tx: &mut Tx, projection: &str, number: i64) -> sqlx::Result<Vec<(String, String)>> {
    let select = "SELECT name, definition FROM generation_tables
         WHERE projection = $1 AND generation = $2 ORDER BY name";
    tx.all(select, &[Param::Text(projection), Param::Int(number)]).await
}

fn define(table: &Table, name: &str, words: Words) -> String {
    let Words { int, text, float, bool, end, .. } = words;
    let column = |column: &kit::tables::Column| {
        let of = match storage(column.of) {
            Storage::Int => int,
            Storage::Float => float,
            Storage::Bool => bool,
            Storage::Text => text,
        };
        format!("{} {of}{}, ", column.name, if column.nullable { "" } else { " NOT NULL" })
    };
    let columns: String = table.columns.iter().map(column).collect();
    let key = table.key.join(", ");
    let mut definition = format!("CREATE TABLE {name} ({columns}PRIMARY KEY ({key})) {end};");
    for (at, columns) in table.indexes.iter().enumerate() {
        let columns = columns.join(", ");
        definition += &format!("\nCREATE INDEX {name}_i{at} ON {name} ({columns});");
    }
    definition
}

/// Asks the database what it would do for each text, without doing it.
async fn understood(
    tx: &mut Tx,
    tables: &Tables,
    words: Words,
    declared: &Declared,
) -> Result<(), TakeOverError> {
    for Statement { sql, params } in declared.statements {
        explain(tx, &expand(sql, tables), params, sql).await?;
    }
    for (name, definition) in definitions(declared, tables, words) {
        explain(tx, &definition, &[], name).await?;
    }
    for query in declared.queries {
        let params: Vec<_> = query.params.iter().map(|param| param.of).collect();
        for clauses in [true, false] {
            let sql = RowQuery { query, tables, words }.whole(clauses);
            explain(tx, &sql, &params, query.name).await?;
        }
    }
    Ok(())
}

async fn explain(tx: &mut Tx, sql: &str, params: &[Type], what: &str) -> Result<(), TakeOverError> {
    let params: Vec<_> = params.iter().map(|of| Param::Cell(storage(*of), &Cell::Null)).collect();
    let asked = tx.execute(AssertSqlSafe(format!("EXPLAIN {sql}")), &params).await;
    asked.map(|_| ()).map_err(|error| unfit(what, error))
}

fn unfit(what: &str, error: sqlx::Error) -> TakeOverError {
    match ill_formed(&error) {
        Some(why) => TakeOverError::Unfit(format!("the store does not take {what:?}: {why}")),
        None => TakeOverError::Sql(error),
    }
}
