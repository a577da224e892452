//! One event as a line for people. Not here: the same for machines; the infrastructure has that.

use chrono::SecondsFormat;
use infrastructure::record::Record;

use crate::output::clean;

/// One line for people.
#[must_use]
pub(crate) fn line(record: &Record<'_>) -> String {
    let time = record.time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let Record { cursor, kind, id, version, schema_version, .. } = record;
    let mut line = format!("{cursor:>8}  {time}  {kind:<38} {id} v{version}");
    if let Some(user) = &record.metadata.user_id {
        line.push_str(&format!("  by {}", clean(user)));
    }
    if *schema_version > 1 {
        line.push_str(&format!("  (shape {schema_version})"));
    }
    if let Some(data) = record.legible() {
        line.push_str("  ");
        line.push_str(&clean(&data));
    }
    line
}
