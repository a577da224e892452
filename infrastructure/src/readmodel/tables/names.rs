//! The names of tables and views, as views of the generation that queries read: for those who come
//! with SQL of their own, and know nothing of generations. Which views there are is written down, so
//! that what somebody else has made under such a name is never replaced.

use std::collections::BTreeMap;

use kit::tables::{Column, Type};

use super::{Declared, expand};
use crate::readmodel::{
    sql::{Param, Tx, Words, ill_formed},
    store::Tables,
    succession::TakeOverError,
};

/// Makes the declared names those of the generation `number`. What has them already stays as it is.
pub(in crate::readmodel) async fn name(
    tx: &mut Tx,
    (projection, number): (&str, i64),
    words: Words,
    declared: &Declared,
) -> Result<(), TakeOverError> {
    let tables = Tables::new(projection, number);
    let wanted: BTreeMap<_, _> = definitions(declared, &tables, words).collect();
    let select = "SELECT name, projection, definition FROM table_names";
    let held: Vec<(String, String, String)> = tx.all(select, &[]).await?;
    for (name, owner, _) in &held {
        if owner == projection && !wanted.contains_key(name.as_str()) {
            tx.drop_view(name).await.map_err(|error| taken(name, error))?;
            tx.execute("DELETE FROM table_names WHERE name = $1", &[Param::Text(name)]).await?;
        }
    }
    for (name, definition) in &wanted {
        let found = held.iter().find(|(held, ..)| held == name);
        if found.is_some_and(|(_, owner, held)| owner == projection && held == definition) {
            continue;
        }
        let made = tx.view(name, definition, found.is_some()).await;
        made.map_err(|error| taken(name, error))?;
        let note = "INSERT INTO table_names (name, projection, definition) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE
             SET projection = excluded.projection, definition = excluded.definition";
        let params = [Param::Text(name), Param::Text(projection), Param::Text(definition)];
        tx.execute(note, &params).await?;
    }
    Ok(())
}

/// What each name stands for.
pub(super) fn definitions<'a>(
    declared: &'a Declared,
    tables: &'a Tables,
    words: Words,
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let stored = declared
        .tables
        .iter()
        .map(move |table| (table.name, definition(table.columns, &tables.own(table.name), words)));
    let views = declared.views.iter().map(move |view| {
        (view.name, definition(view.columns, &format!("({})", expand(view.sql, tables)), words))
    });
    stored.chain(views)
}

/// The rows of `source` in the types that a reader of the database expects.
fn definition(columns: &[Column], source: &str, words: Words) -> String {
    let shown = |column: &Column| {
        let name = column.name;
        let native = match column.of {
            Type::Time => words.shown_time,
            Type::Json => words.shown_json,
            Type::Decimal => words.shown_decimal,
            Type::Int | Type::Float | Type::Bool | Type::Text | Type::Date => "{}",
        };
        format!("{} AS {name}", native.replace("{}", &format!("t.{name}")))
    };
    let columns: Vec<_> = columns.iter().map(shown).collect();
    // PostgreSQL lets nobody write to a view of more than one source; SQLite to none at all.
    format!("SELECT {} FROM {source} AS t CROSS JOIN (SELECT 1) AS one", columns.join(", "))
}

fn taken(name: &str, error: sqlx::Error) -> TakeOverError {
    match ill_formed(&error) {
        Some(why) => TakeOverError::Unfit(format!(
            "the store cannot give readers the name {name:?} for one of its tables: {why}"
        )),
        None => TakeOverError::Sql(error),
    }
}
