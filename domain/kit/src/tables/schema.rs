//! What a table is made of. Not here: SQL; the store writes the definitions.

/// What a column, a parameter or a part of an answer holds, the same in every database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A whole number of 64 bits.
    Int,
    /// A number of 64 bits with a point. Where digits count, as with money, take whole numbers.
    Float,
    /// True or false.
    Bool,
    /// Text, compared byte by byte.
    Text,
    /// A day, stored as text: `2026-11-21`.
    Date,
    /// A moment, stored as whole microseconds since 1970, so that every database subtracts and
    /// compares them alike. Readers get RFC 3339.
    Time,
    /// JSON, stored as text: to be answered with, not to be looked into.
    Json,
    /// A decimal number with all its digits, stored as text: to be answered with, as a JSON number,
    /// and not to be reckoned with. What is to be compared or added up is a whole number beside it.
    Decimal,
}

/// One column of a table or of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The name: letters a-z, digits and `_`.
    pub name: &'static str,
    /// What it holds.
    pub of: Type,
    /// Whether it may hold nothing.
    pub nullable: bool,
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $of:ident;)*) => {
        impl Column {
            $($(#[$doc])* #[must_use]
            pub const fn $name(name: &'static str) -> Self {
                Self { name, of: Type::$of, nullable: false }
            })*
        }
    };
}

columns! {
    /// A column of whole numbers.
    int = Int;
    /// A column of numbers with a point.
    float = Float;
    /// A column of truths.
    bool = Bool;
    /// A column of text.
    text = Text;
    /// A column of days.
    date = Date;
    /// A column of moments.
    time = Time;
    /// A column of JSON.
    json = Json;
    /// A column of decimal numbers.
    decimal = Decimal;
}

impl Column {
    /// The column that may hold nothing.
    #[must_use]
    pub const fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }
}

/// A table of a projection. Statements name it in braces, `{skills}`, because each generation of
/// the rows has tables of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// The name: letters a-z, digits and single `_`.
    pub name: &'static str,
    /// The columns.
    pub columns: &'static [Column],
    /// The columns that tell rows apart.
    pub key: &'static [&'static str],
    /// The columns of each further index.
    pub indexes: &'static [&'static [&'static str]],
}

/// A `SELECT` that other programs read by its name, as they read tables: what several tables say
/// together. Queries and statements do not name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The name: letters a-z, digits and single `_`.
    pub name: &'static str,
    /// The text, with tables in braces. It must mean the same to SQLite and PostgreSQL.
    pub sql: &'static str,
    /// What it yields, each by its name in the text.
    pub columns: &'static [Column],
}
