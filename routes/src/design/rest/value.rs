//! Values of columns as they are compared and sorted: read from a query string and from a row.
//! Not here: what is compared with what.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use kit::AggregateId;
use serde_json::value::RawValue;

/// Digits behind the point that are compared: no currency has more than four.
const DIGITS: usize = 9;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text,
    Bool,
    Number,
    Time,
    Json,
}

/// One value that is not null. Numbers are counted in units of the last digit that is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Text(String),
    Bool(bool),
    Number(i128),
    Time(DateTime<Utc>),
}

impl Kind {
    /// The type as PostgreSQL calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Id => "uuid",
            Self::Text => "text",
            Self::Bool => "boolean",
            Self::Number => "numeric",
            Self::Time => "timestamp with time zone",
            Self::Json => "jsonb",
        }
    }

    /// The value that `text` spells in a query string.
    pub(super) fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::Id => text.parse::<AggregateId>().ok().map(|id| Value::Text(id.to_string())),
            Self::Text => Some(Value::Text(text.to_owned())),
            Self::Bool => match text {
                "true" | "t" => Some(Value::Bool(true)),
                "false" | "f" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::Number => number(text).map(Value::Number),
            Self::Time => moment(text).map(Value::Time),
            Self::Json => None,
        }
    }

    /// The value that stands in a row; nothing for null. What is no value of the column is an error.
    pub(super) fn cell(self, raw: &RawValue) -> Result<Option<Value>, ()> {
        let text = raw.get();
        if text == "null" {
            return Ok(None);
        }
        let word = match self {
            Self::Bool | Self::Number => text.to_owned(),
            Self::Id | Self::Text | Self::Time => serde_json::from_str(text).map_err(|_| ())?,
            Self::Json => return Err(()),
        };
        self.read(&word).map(Some).ok_or(())
    }
}

/// Exact: a binary fraction would make two equal amounts differ.
fn number(text: &str) -> Option<i128> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > DIGITS {
        return None;
    }
    let units: i128 = format!("{whole}{fraction:0<DIGITS$}").parse().ok()?;
    Some(if negative { -units } else { units })
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let day = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    text.parse().ok().or_else(|| text.parse().ok().map(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn numbers_are_compared_exactly_however_they_are_written() {
        let read = |text| Kind::Number.read(text);
        assert_eq!(read("49.9"), read("49.900"));
        assert_eq!(Kind::Number.cell(&raw("49.90")), Ok(read("49.9")));
        assert!(
            read("-0.05") < read("-0.04") && read("0.1") < read("0.11") && read("9") < read("10")
        );
        for bad in ["", ".", "1.", ".5", "1e3", "NaN", "+1", "1,5", "0.0123456789", "--1", "1 "] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        assert_eq!(read(&"9".repeat(60)), None);
    }

    #[test]
    fn moments_are_compared_across_offsets() {
        let read = |text| Kind::Time.read(text);
        assert_eq!(read("2026-11-21T12:00:00+02:00"), read("2026-11-21T10:00:00Z"));
        assert_eq!(read("2026-11-21"), read("2026-11-21T00:00:00Z"));
        assert_eq!(read("tomorrow"), None);
        assert_eq!(
            Kind::Time.cell(&raw("\"2026-11-21T10:00:00Z\"")),
            Ok(read("2026-11-21T10:00:00Z"))
        );
    }

    #[test]
    fn a_cell_is_null_or_a_value_of_its_column() {
        for kind in [Kind::Id, Kind::Text, Kind::Bool, Kind::Number, Kind::Time, Kind::Json] {
            assert_eq!(kind.cell(&raw("null")), Ok(None));
            assert_eq!(kind.cell(&raw("{}")), Err(()));
        }
        assert_eq!(Kind::Bool.cell(&raw("true")), Ok(Some(Value::Bool(true))));
        assert_eq!(Kind::Text.cell(&raw("\"a\\u0062\"")), Ok(Some(Value::Text("ab".to_owned()))));
        assert_eq!(Kind::Id.read("x' OR '1'='1"), None);
    }
}
