//! What a projection declares, checked when the composition starts. Whether the database
//! understands the texts is asked when the tables are made.

use std::collections::BTreeSet;

use kit::tables::{Column, Query, Table, Type};

use super::{Declared, text};
use crate::readmodel::store;

/// PostgreSQL cuts longer names, so that two tables could become one: 63 bytes hold a prefix, the
/// projection, its generation, the table and the number of an index.
const NAMES_MAX: usize = 48;
/// An entry of a PostgreSQL index is at most a third of a page.
const INDEXED_MAX: usize = 5;
/// What every query takes.
const RESERVED: [&str; 5] = ["after", "cursor", "limit", "reverse", "wait_ms"];

impl Declared {
    /// Checks everything that can be without a database.
    pub(super) fn check(&self, projection: &str) -> Result<(), String> {
        let mut met = BTreeSet::new();
        for table in self.tables {
            let at = |why| format!("table {}: {why}", table.name);
            check_table(table).map_err(at)?;
            if projection.len() + table.name.len() > NAMES_MAX {
                return Err(at(format!("its name and the projection's exceed {NAMES_MAX} bytes")));
            }
            if store::is_own(table.name) {
                return Err(at("the store has a table of that name for itself".to_owned()));
            }
            if !met.insert(table.name) {
                return Err(at("it is declared twice".to_owned()));
            }
        }
        for view in self.views {
            let at = |why| format!("view {}: {why}", view.name);
            identifier(view.name).map_err(at)?;
            check_columns(view.columns).map_err(at)?;
            text::check(self, view.sql, &["SELECT", "WITH"], 0).map_err(at)?;
            if store::is_own(view.name) || !met.insert(view.name) {
                return Err(at("its name is taken".to_owned()));
            }
        }
        for statement in self.statements {
            let words = ["INSERT", "UPDATE", "DELETE", "WITH"];
            text::check(self, statement.sql, &words, statement.params.len())
                .map_err(|why| format!("statement {:?}: {why}", statement.sql))?;
        }
        let mut met = BTreeSet::new();
        for query in self.queries {
            let at = |why| format!("query {}: {why}", query.name);
            self.check_query(query).map_err(at)?;
            if !met.insert(query.name) {
                return Err(at("it is declared twice".to_owned()));
            }
        }
        Ok(())
    }

    fn check_query(&self, query: &Query) -> Result<(), String> {
        let kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if query.name.is_empty() || query.name.len() > 64 || !query.name.bytes().all(kebab) {
            return Err("its name is not a kebab-case word".to_owned());
        }
        let mut met = BTreeSet::from(RESERVED);
        for param in query.params {
            identifier(param.name)?;
            if !met.insert(param.name) {
                return Err(format!("its parameter {} has a name that is taken", param.name));
            }
        }
        check_columns(query.columns)?;
        if query.order.is_empty() {
            return Err("its answers have no order".to_owned());
        }
        sorted_by(query.order, query.columns)?;
        text::check_clauses(query.sql, query.params)?;
        text::check(self, query.sql, &["SELECT", "WITH"], query.params.len())
    }
}

fn check_table(table: &Table) -> Result<(), String> {
    identifier(table.name)?;
    check_columns(table.columns)?;
    if table.key.is_empty() {
        return Err("it has no key".to_owned());
    }
    for names in std::iter::once(&table.key).chain(table.indexes) {
        indexed(names, table.columns)?;
    }
    for name in table.key {
        if table.columns.iter().any(|column| column.name == *name && column.nullable) {
            return Err(format!("{name} is part of the key and may hold nothing"));
        }
    }
    Ok(())
}

fn check_columns(columns: &[Column]) -> Result<(), String> {
    let mut met = BTreeSet::new();
    for column in columns {
        identifier(column.name)?;
        if !met.insert(column.name) {
            return Err(format!("its column {} is declared twice", column.name));
        }
    }
    if columns.is_empty() { Err("it has no columns".to_owned()) } else { Ok(()) }
}

/// Columns of an index: they exist, and every database compares them alike.
fn indexed(names: &[&str], columns: &[Column]) -> Result<(), String> {
    if names.len() > INDEXED_MAX {
        return Err(format!("an index has more than {INDEXED_MAX} columns"));
    }
    for name in names {
        let Some(column) = columns.iter().find(|column| column.name == *name) else {
            return Err(format!("{name} is none of its columns"));
        };
        if matches!(column.of, Type::Float | Type::Json | Type::Decimal) {
            return Err(format!("{name} is {:?}, which no index holds", column.of));
        }
    }
    Ok(())
}

/// Columns that rows are sorted by: a cursor holds them, so that they must hold something.
fn sorted_by(names: &[&str], columns: &[Column]) -> Result<(), String> {
    indexed(names, columns)?;
    for name in names {
        let unfit =
            |column: &&Column| column.name == *name && (column.nullable || column.of == Type::Bool);
        if columns.iter().any(|column| unfit(&column)) {
            return Err(format!("its answers cannot be sorted by {name}"));
        }
    }
    Ok(())
}

/// A name that needs no quotes, and that no other name can be mistaken for.
fn identifier(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = name.bytes().all(allowed)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 63
        && !name.contains("__");
    if fits { Ok(()) } else { Err(format!("{name:?} is no name: a-z, digits and single _")) }
}

#[cfg(test)]
mod tests {
    use kit::tables::{Param, Statement, View};

    use super::*;

    const T: Table = Table {
        name: "t",
        columns: &[Column::text("a"), Column::int("b").or_null(), Column::json("c").or_null()],
        key: &["a"],
        indexes: &[&["b", "a"]],
    };
    const Q: Query = Query {
        name: "q",
        params: &[],
        sql: "SELECT a FROM {t}",
        columns: &[Column::text("a")],
        order: &["a"],
    };
    const V: View = View { name: "v", sql: "SELECT a FROM {t}", columns: &[Column::text("a")] };
    const EMPTY: Declared = Declared { tables: &[], views: &[], statements: &[], queries: &[] };
    const FINE: Declared = Declared {
        tables: &[T],
        views: &[V],
        statements: &[Statement { sql: "DELETE FROM {t} WHERE b = $1", params: &[Type::Int] }],
        queries: &[Q],
    };

    const TWICE: &[Column] = &[Column::text("a"), Column::int("a")];
    const SPACED: &[Column] = &[Column::text("a b")];
    const NULLABLE: &[Column] = &[Column::text("a").or_null()];
    const LIMIT: &[Param] = &[Param::int("limit")];

    fn told(declared: &Declared) -> String {
        declared.check("some").unwrap_err()
    }

    #[test]
    fn what_is_declared_badly_is_told_by_its_name() {
        assert_eq!(FINE.check("some"), Ok(()));
        for (table, says) in [
            (Table { name: "T", ..T }, "\"T\" is no name"),
            (Table { name: "a__b", ..T }, "is no name"),
            (Table { name: "parked", ..T }, "for itself"),
            (Table { name: "documents_people_1", ..T }, "for itself"),
            (Table { columns: &[], ..T }, "no columns"),
            (Table { columns: TWICE, ..T }, "declared twice"),
            (Table { columns: SPACED, ..T }, "is no name"),
            (Table { key: &[], ..T }, "no key"),
            (Table { key: &["b"], ..T }, "b is part of the key"),
            (Table { key: &["z"], ..T }, "z is none"),
            (Table { indexes: &[&["c"]], ..T }, "which no index holds"),
            (Table { name: "a_name_of_some_length_that_is_beyond_all_limits", ..T }, "exceed"),
        ] {
            let table: &'static [Table] = Box::leak(Box::new([table]));
            let refused = told(&Declared { tables: table, ..EMPTY });
            assert!(refused.starts_with("table ") && refused.contains(says), "{refused}");
        }
        for (query, says) in [
            (Query { name: "Q", ..Q }, "kebab-case"),
            (Query { params: LIMIT, sql: "SELECT $1", ..Q }, "is taken"),
            (Query { columns: &[], ..Q }, "no columns"),
            (Query { order: &[], ..Q }, "no order"),
            (Query { order: &["b"], ..Q }, "b is none"),
            (Query { columns: NULLABLE, ..Q }, "cannot be sorted"),
            (Query { sql: "DELETE FROM {t}", ..Q }, "begins with"),
        ] {
            let query: &'static [Query] = Box::leak(Box::new([query]));
            let refused = told(&Declared { queries: query, ..FINE });
            assert!(refused.starts_with("query ") && refused.contains(says), "{refused}");
        }
        for (view, says) in [
            (View { name: "t", ..V }, "taken"),
            (View { name: "parked", ..V }, "taken"),
            (View { name: "V", ..V }, "is no name"),
            (View { sql: "SELECT a FROM {u}", ..V }, "none of its tables"),
            (View { sql: "SELECT a FROM {t} WHERE a = $1", ..V }, "uses the parameters"),
            (View { columns: TWICE, ..V }, "declared twice"),
        ] {
            let view: &'static [View] = Box::leak(Box::new([view]));
            let refused = told(&Declared { views: view, ..FINE });
            assert!(refused.starts_with("view ") && refused.contains(says), "{refused}");
        }
        assert!(told(&Declared { tables: &[T, T], ..FINE }).contains("twice"));
        assert!(told(&Declared { queries: &[Q, Q], ..FINE }).contains("twice"));
        let unknown = &[Statement { sql: "DELETE FROM {u}", params: &[] }];
        assert!(told(&Declared { statements: unknown, ..FINE }).contains("none of its tables"));
    }
}
