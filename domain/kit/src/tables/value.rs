//! Values of rows and parameters. Not here: how a database holds them.

use std::fmt;

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
    /// A decimal number.
    Decimal(Decimal),
}

/// A decimal number: `units` of which each is the `digits`-th digit behind the point.
///
/// ```
/// use kit::tables::Decimal;
///
/// assert_eq!(Decimal { units: 4900, digits: 2 }.to_string(), "49.00");
/// assert_eq!(Decimal { units: -5, digits: 3 }.to_string(), "-0.005");
/// assert_eq!(Decimal { units: 4900, digits: 0 }.to_string(), "4900");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// The number without its point.
    pub units: i64,
    /// How many of its digits stand behind the point.
    pub digits: u8,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let digits = usize::from(self.digits);
        let all = format!("{:0>1$}", self.units.unsigned_abs(), digits + 1);
        let (whole, behind) = all.split_at(all.len() - digits);
        let point = if behind.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{behind}")
    }
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
    Decimal => |value| Self::Decimal(value);
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
