//! What an event changes, checked against what the projection declares, before any database sees
//! it: the same values are refused whatever the store. Not here: writing.

use kit::tables::{Change, Table, Type, Value};

use super::{Declared, places, storage};
use crate::{
    handler::Failure,
    readmodel::{sql::Cell, text},
};

/// One change, by places instead of names.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Put { table: usize, key: Vec<Cell>, row: Vec<Cell> },
    Set { table: usize, key: Vec<Cell>, values: Vec<(usize, Cell)> },
    Delete { table: usize, key: Vec<Cell> },
    Run { statement: usize, values: Vec<Cell> },
}

/// Reads one change.
///
/// # Errors
/// A bug, if the code does not keep to what it declares; permanent, if a value cannot be stored.
pub(super) fn admit(declared: &Declared, change: Change) -> Result<Step, Failure> {
    match change {
        Change::Put { table, row } => {
            let (at, table) = found(declared, table)?;
            let mut cells = vec![Cell::Null; table.columns.len()];
            for (column, cell) in columns(table, row)? {
                cells[column] = cell;
            }
            let holds = |(column, cell): (&kit::tables::Column, &Cell)| {
                column.nullable || *cell != Cell::Null
            };
            if let Some(at) = table.columns.iter().zip(&cells).position(|pair| !holds(pair)) {
                let name = table.columns[at].name;
                return Err(bug(table, format_args!("a row without {name}")));
            }
            let key = places(table, table.key).into_iter().map(|at| cells[at].clone()).collect();
            Ok(Step::Put { table: at, key, row: cells })
        }
        Change::Set { table, key, values } => {
            let (at, table) = found(declared, table)?;
            let key = self::key(table, key)?;
            let values = columns(table, values)?;
            for (column, cell) in &values {
                let column = &table.columns[*column];
                if table.key.contains(&column.name) {
                    return Err(bug(table, format_args!("{} is part of the key", column.name)));
                }
                if *cell == Cell::Null && !column.nullable {
                    return Err(bug(table, format_args!("a row without {}", column.name)));
                }
            }
            Ok(Step::Set { table: at, key, values })
        }
        Change::Delete { table, key } => {
            let (at, table) = found(declared, table)?;
            Ok(Step::Delete { table: at, key: self::key(table, key)? })
        }
        Change::Run { statement, values } => {
            let at = declared.statements.iter().position(|known| *known == statement);
            let at = at.ok_or_else(|| {
                Failure::Bug(format!("the statement {:?} is not declared", statement.sql))
            })?;
            if values.len() != statement.params.len() {
                let (given, wanted) = (values.len(), statement.params.len());
                return Err(Failure::Bug(format!("{given} parameters of {wanted}")));
            }
            let cell = |(of, value): (&Type, Value)| {
                cell(*of, value, false).map_err(|why| why.told("a parameter"))
            };
            let values = statement.params.iter().zip(values).map(cell);
            Ok(Step::Run { statement: at, values: values.collect::<Result<_, _>>()? })
        }
    }
}

fn found(declared: &Declared, name: &str) -> Result<(usize, &'static Table), Failure> {
    let at = declared.tables.iter().position(|table| table.name == name);
    at.and_then(|at| Some((at, declared.tables.get(at)?)))
        .ok_or_else(|| Failure::Bug(format!("the table {name} is not declared")))
}

fn bug(table: &Table, what: std::fmt::Arguments<'_>) -> Failure {
    Failure::Bug(format!("table {}: {what}", table.name))
}

fn key(table: &Table, values: Vec<Value>) -> Result<Vec<Cell>, Failure> {
    if values.len() != table.key.len() {
        let (given, wanted) = (values.len(), table.key.len());
        return Err(bug(table, format_args!("{given} values for a key of {wanted}")));
    }
    let named = table.key.iter().copied().zip(values).collect();
    let cells: Vec<_> = columns(table, named)?.into_iter().map(|(_, cell)| cell).collect();
    if cells.contains(&Cell::Null) {
        return Err(bug(table, format_args!("a key with nothing in it")));
    }
    Ok(cells)
}

fn columns(
    table: &Table,
    values: Vec<(&'static str, Value)>,
) -> Result<Vec<(usize, Cell)>, Failure> {
    let indexed =
        |name: &str| table.key.contains(&name) || table.indexes.iter().any(|it| it.contains(&name));
    let mut cells: Vec<(usize, Cell)> = Vec::with_capacity(values.len());
    for (name, value) in values {
        let Some(at) = table.columns.iter().position(|column| column.name == name) else {
            return Err(bug(table, format_args!("it has no column {name}")));
        };
        if cells.iter().any(|(met, _)| *met == at) {
            return Err(bug(table, format_args!("{name} is given twice")));
        }
        let cell = cell(table.columns[at].of, value, indexed(name));
        let place = || format!("table {}, column {name}", table.name);
        cells.push((at, cell.map_err(|why| why.told(&place()))?));
    }
    Ok(cells)
}

/// Why a value does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::readmodel) enum Misfit {
    /// It is of another type.
    Type,
    /// No database stores text with a NUL.
    Nul,
    /// No index holds it.
    Long,
}

impl Misfit {
    fn told(self, place: &str) -> Failure {
        match self {
            Self::Type => Failure::Bug(format!("{place}: the value is of another type")),
            Self::Nul => Failure::Permanent(format!("{place}: the value holds a NUL")),
            Self::Long => {
                let max = text::BYTES_MAX;
                Failure::Permanent(format!("{place}: the value exceeds {max} bytes"))
            }
        }
    }
}

/// `value` as it is stored.
pub(in crate::readmodel) fn cell(of: Type, value: Value, indexed: bool) -> Result<Cell, Misfit> {
    let cell = match (of, value) {
        (_, Value::Null) => Cell::Null,
        (Type::Int, Value::Int(value)) => Cell::Int(value),
        (Type::Float, Value::Float(value)) if value.is_finite() => Cell::Float(value),
        (Type::Bool, Value::Bool(value)) => Cell::Bool(value),
        (Type::Text, Value::Text(value)) | (Type::Json, Value::Json(value)) => Cell::Text(value),
        (Type::Date, Value::Date(value)) => Cell::Text(value.to_string()),
        (Type::Decimal, Value::Decimal(value)) => Cell::Text(value.to_string()),
        (Type::Time, Value::Time(value)) => Cell::Int(value.timestamp_micros()),
        _ => return Err(Misfit::Type),
    };
    debug_assert!(cell == Cell::Null || cell.is(storage(of)), "{cell:?} is no {of:?}");
    match &cell {
        Cell::Text(text) if text.contains('\0') => Err(Misfit::Nul),
        Cell::Text(text) if indexed && text.len() > text::BYTES_MAX => Err(Misfit::Long),
        _ => Ok(cell),
    }
}

#[cfg(test)]
mod tests {
    use kit::tables::{Column, Statement};

    use super::*;

    const T: Table = Table {
        name: "t",
        columns: &[
            Column::text("a"),
            Column::int("b").or_null(),
            Column::text("c").or_null(),
            Column::float("d").or_null(),
        ],
        key: &["a"],
        indexes: &[],
    };
    const RUN: Statement = Statement { sql: "DELETE FROM {t} WHERE b = $1", params: &[Type::Int] };
    const DECLARED: Declared =
        Declared { tables: &[T], views: &[], statements: &[RUN], queries: &[] };

    #[test]
    fn a_row_is_whole_and_in_the_order_of_its_columns() {
        let put = admit(&DECLARED, T.put([("c", "x".into()), ("a", "k".into())]));
        let (key, text) = (Cell::Text("k".to_owned()), Cell::Text("x".to_owned()));
        let row = vec![key.clone(), Cell::Null, text, Cell::Null];
        assert_eq!(put, Ok(Step::Put { table: 0, key: vec![key], row }));
    }

    #[test]
    fn code_that_does_not_keep_to_what_it_declares_has_a_bug() {
        let elsewhere = Table { name: "u", ..T };
        let undeclared = Statement { sql: "DELETE FROM {t}", params: &[] };
        for (change, says) in [
            (T.put([("b", 1_u32.into())]), "a row without a"),
            (T.put([("a", Value::Null)]), "a row without a"),
            (T.put([("a", 1_u32.into())]), "column a: the value is of another type"),
            (T.put([("a", "k".into()), ("d", f64::NAN.into())]), "of another type"),
            (T.put([("a", "k".into()), ("z", 1_u32.into())]), "no column z"),
            (T.put([("a", "k".into()), ("a", "l".into())]), "a is given twice"),
            (T.set(["k".into()], [("a", "l".into())]), "a is part of the key"),
            (T.set(["k".into(), "l".into()], [("b", 1_u32.into())]), "2 values for a key of 1"),
            (T.delete([Value::Null]), "a key with nothing in it"),
            (elsewhere.delete(["k".into()]), "the table u is not declared"),
            (undeclared.run([]), "is not declared"),
            (RUN.run([]), "0 parameters of 1"),
            (RUN.run(["x".into()]), "a parameter: the value is of another type"),
        ] {
            let Err(Failure::Bug(told)) = admit(&DECLARED, change.clone()) else {
                panic!("{change:?} is admitted")
            };
            assert!(told.contains(says), "{told}");
        }
    }

    #[test]
    fn a_value_that_no_store_holds_is_set_aside_whatever_the_store() {
        let long = "x".repeat(text::BYTES_MAX + 1);
        for change in [
            T.put([("a", long.clone().into())]),
            T.put([("a", "k".into()), ("c", "nul: \0".into())]),
        ] {
            let refused = admit(&DECLARED, change);
            assert!(matches!(refused, Err(Failure::Permanent(_))), "{refused:?}");
        }
        // What no index holds may be as long as it is.
        assert!(admit(&DECLARED, T.put([("a", "k".into()), ("c", long.into())])).is_ok());
    }
}
