//! What a database's refusal says about the statement: that its values do not fit, that its text
//! does not, or that it took too long. Everything else says only that the database is away.

use std::fmt;

use sqlx::{error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};

/// A refusal of values: no repetition can help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::readmodel) struct Refusal {
    code: String,
    /// A constraint or column, never a value.
    what: Option<String>,
}

/// SQLite's result codes, without what extends them.
const SQLITE_ERROR: u32 = 1;
const SQLITE_INTERRUPT: u32 = 9;
const SQLITE_TOOBIG: u32 = 18;
const SQLITE_CONSTRAINT: u32 = 19;
const SQLITE_MISMATCH: u32 = 20;
const SQLITE_RANGE: u32 = 25;

/// PostgreSQL's classes: more rows than fit, data exceptions, violations of integrity, limits.
const VALUES: [&str; 4] = ["21", "22", "23", "54"];
/// The sum of an aggregate has the code of a wrong text.
const OVERFLOW: &str = "integer overflow";

impl Refusal {
    /// The refusal in `error`, if it is one.
    pub(in crate::readmodel) fn of(error: &sqlx::Error) -> Option<Self> {
        let error = error.as_database_error()?;
        let code = error.code()?.into_owned();
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            let values = VALUES.iter().any(|class| code.starts_with(class));
            let what = error.constraint().or(error.column()).map(str::to_owned);
            return values.then_some(Self { code, what });
        }
        let what = error.message();
        match sqlite(error)? {
            // These name columns and constraints alone.
            SQLITE_CONSTRAINT => Some(Self { code, what: Some(what.to_owned()) }),
            SQLITE_TOOBIG | SQLITE_MISMATCH => Some(Self { code, what: None }),
            SQLITE_ERROR if what == OVERFLOW => Some(Self { code, what: Some(what.to_owned()) }),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.code)?;
        self.what.as_ref().map_or(Ok(()), |what| write!(f, ", {what}"))
    }
}

/// Why the text of a statement is wrong, if that is what `error` says.
pub(in crate::readmodel) fn ill_formed(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?;
    let wrong = match sqlite(error) {
        Some(code) => matches!(code, SQLITE_ERROR | SQLITE_MISMATCH | SQLITE_RANGE),
        // Syntax errors, names and types that do not fit, and what is not supported.
        None => error.code().is_some_and(|code| code.starts_with("42") || code.starts_with("0A")),
    };
    wrong.then(|| error.message().to_owned())
}

/// Whether a statement was ended because it took too long.
pub(in crate::readmodel) fn took_too_long(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| match sqlite(error) {
        Some(code) => code == SQLITE_INTERRUPT,
        None => error.code().is_some_and(|code| code == "57014"),
    })
}

fn sqlite(error: &dyn DatabaseError) -> Option<u32> {
    error.try_downcast_ref::<SqliteError>()?;
    let code: u32 = error.code()?.parse().ok()?;
    Some(code & 0xff)
}
