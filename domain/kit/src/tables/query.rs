//! What readers may ask, as values.

use super::{Column, Type, Value};

/// A named `SELECT`, asked as `query.<projection>.<name>`.
///
/// Its text must mean the same to SQLite and PostgreSQL. It needs no `ORDER BY` and no `LIMIT`:
/// answers come in pages, by [`Self::order`].
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// The name in kebab case. Part of the wire.
    pub name: &'static str,
    /// What it takes, in the order of `$1`, `$2`, ….
    pub params: &'static [Param],
    /// The text, with tables in braces. What it says only where an optional parameter is given stands in
    /// brackets, as `[room? AND room = $1]`, so that an index for it is used.
    pub sql: &'static str,
    /// What it answers, each by its name in the text.
    pub columns: &'static [Column],
    /// The columns of the answer by which rows are sorted; together they tell all rows apart.
    pub order: &'static [&'static str],
}

/// How a reader's text becomes a value, or why it does not.
pub type Reading = fn(&str) -> Result<Value, String>;

/// One parameter of a query.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// The name in the reader's JSON.
    pub name: &'static str,
    /// What the query gets.
    pub of: Type,
    /// Whether it may be left out; the query then gets nothing, `NULL`.
    pub optional: bool,
    /// How text is read, if it is not taken as it is.
    pub reading: Option<Reading>,
    /// Whether it is the id of an aggregate that all rows of the answer come from.
    pub key: bool,
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident = $of:ident;)*) => {
        impl Param {
            $($(#[$doc])* #[must_use]
            pub const fn $name(name: &'static str) -> Self {
                Self { name, of: Type::$of, optional: false, reading: None, key: false }
            })*
        }
    };
}

params! {
    /// A whole number.
    int = Int;
    /// A number with a point.
    float = Float;
    /// True or false.
    bool = Bool;
    /// Text.
    text = Text;
    /// A day.
    date = Date;
    /// A moment.
    time = Time;
}

impl Param {
    /// The parameter that may be left out.
    #[must_use]
    pub const fn or_none(self) -> Self {
        Self { optional: true, ..self }
    }

    /// The parameter read by `reading`: in lower case, say, or a word as its rank.
    #[must_use]
    pub const fn read_by(self, reading: Reading) -> Self {
        Self { reading: Some(reading), ..self }
    }

    /// The id of an aggregate whose rows are asked for: if events of that aggregate wait behind a
    /// dead letter, the answer says so.
    #[must_use]
    pub const fn key(self) -> Self {
        Self { key: true, ..self }
    }
}
