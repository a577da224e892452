//! Values of rows and parameters. Not here: how a database holds them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::{AggregateId, PartId};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// A number with a point.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(String),
    /// A day.
    Date(NaiveDate),
    /// A moment.
    Time(DateTime<Utc>),
    /// JSON as text.
    Json(String),
}

impl Value {
    /// `value` as JSON.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        serde_json::to_string(value).map(Self::Json)
    }
}

macro_rules! from {
    ($($Type:ty => |$value:ident| $made:expr;)*) => {
        $(impl From<$Type> for Value {
            fn from($value: $Type) -> Self {
                $made
            }
        })*
    };
}

from! {
    i64 => |value| Self::Int(value);
    u32 => |value| Self::Int(value.into());
    f64 => |value| Self::Float(value);
    bool => |value| Self::Bool(value);
    &str => |value| Self::Text(value.to_owned());
    String => |value| Self::Text(value);
    &AggregateId => |value| value.as_str().into();
    &PartId => |value| value.as_str().into();
    NaiveDate => |value| Self::Date(value);
    DateTime<Utc> => |value| Self::Time(value);
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
