//! What an event changes. Changes of rows by their key are written many at a time; a free statement
//! is carried out alone, after everything before it.

use super::{Table, Type, Value};

/// One change of rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A whole row, in place of the one with the same key. What is not named holds nothing.
    Put {
        /// The table.
        table: &'static str,
        /// The row.
        row: Vec<(&'static str, Value)>,
    },
    /// Some columns of one row; nothing happens if there is none with that key.
    Set {
        /// The table.
        table: &'static str,
        /// The key, as the table declares it.
        key: Vec<Value>,
        /// The columns.
        values: Vec<(&'static str, Value)>,
    },
    /// One row goes, if it is there.
    Delete {
        /// The table.
        table: &'static str,
        /// The key, as the table declares it.
        key: Vec<Value>,
    },
    /// A free statement.
    Run {
        /// One of the projection's.
        statement: Statement,
        /// Its parameters.
        values: Vec<Value>,
    },
}

/// A free `INSERT`, `UPDATE` or `DELETE`, for changes that no key names.
///
/// Its text must mean the same to SQLite and PostgreSQL. An event whose statement the database
/// refuses (a row that is there already, a value that does not fit) is set aside, and its key waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// The text, with tables in braces and parameters as `$1`, `$2`, ….
    pub sql: &'static str,
    /// What the parameters hold.
    pub params: &'static [Type],
}

impl Statement {
    /// The statement with `values` as its parameters.
    #[must_use]
    pub fn run(self, values: impl Into<Vec<Value>>) -> Change {
        Change::Run { statement: self, values: values.into() }
    }
}

impl Table {
    /// Writes a whole row over the one with the same key.
    #[must_use]
    pub fn put(&self, row: impl Into<Vec<(&'static str, Value)>>) -> Change {
        Change::Put { table: self.name, row: row.into() }
    }

    /// Changes some columns of the row `key`, if it is there.
    #[must_use]
    pub fn set(
        &self,
        key: impl Into<Vec<Value>>,
        values: impl Into<Vec<(&'static str, Value)>>,
    ) -> Change {
        Change::Set { table: self.name, key: key.into(), values: values.into() }
    }

    /// Deletes the row `key`, if it is there.
    #[must_use]
    pub fn delete(&self, key: impl Into<Vec<Value>>) -> Change {
        Change::Delete { table: self.name, key: key.into() }
    }
}
