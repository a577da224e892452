//! Values whose types are known only when a projection declares them.

use std::cmp::Ordering;

/// How a database holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::readmodel) enum Storage {
    Int,
    Float,
    Bool,
    Text,
}

/// One value of a row, or a parameter.
#[derive(Debug, Clone)]
pub(in crate::readmodel) enum Cell {
    Null,
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
}

impl Cell {
    /// Whether a column of `storage` can hold it.
    pub(in crate::readmodel) const fn is(&self, storage: Storage) -> bool {
        matches!(
            (self, storage),
            (Self::Null, _)
                | (Self::Int(_), Storage::Int)
                | (Self::Float(_), Storage::Float)
                | (Self::Bool(_), Storage::Bool)
                | (Self::Text(_), Storage::Text)
        )
    }

    pub(super) const fn int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    pub(super) const fn float(&self) -> Option<f64> {
        if let Self::Float(value) = self { Some(*value) } else { None }
    }

    pub(super) const fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    pub(in crate::readmodel) fn text(&self) -> Option<&str> {
        if let Self::Text(value) = self { Some(value) } else { None }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Int(_) => 1,
            Self::Float(_) => 2,
            Self::Bool(_) => 3,
            Self::Text(_) => 4,
        }
    }
}

/// As the databases sort the columns of a key: numbers by value, text by its bytes.
impl Ord for Cell {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => left.cmp(right),
            (Self::Float(left), Self::Float(right)) => left.total_cmp(right),
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }
}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cell {}

/// `expression` in the one form in which every database answers `storage`.
pub(in crate::readmodel) fn read_as(storage: Storage, expression: &str) -> String {
    match storage {
        Storage::Int => format!("CAST({expression} AS BIGINT)"),
        Storage::Float => format!("CAST({expression} AS DOUBLE PRECISION)"),
        // PostgreSQL makes no large number of a truth.
        Storage::Bool => format!("CAST(CAST({expression} AS INTEGER) AS BIGINT)"),
        Storage::Text => format!("CAST({expression} AS TEXT)"),
    }
}
