//! A key that stands still, as it is shown: a line for people, a stable JSON object for machines.
//! Not here: which keys.

use chrono::{DateTime, Utc};
use infrastructure::deadletter::{Action, Class, DeadLetter, Standing};
use serde_json::{Value, json};

use crate::output::clean;

/// Every class by its name on the wire.
pub(super) const CLASSES: [(&str, Class); 6] = [
    ("bug", Class::Bug),
    ("permanent", Class::Permanent),
    ("schema", Class::Schema),
    ("asked", Class::Asked),
    ("waiting", Class::Waiting),
    ("refused", Class::Refused),
];

/// What stands in the place of a handler for durable commands. Their keys are command ids.
pub(super) const COMMANDS: &str = "commands";

/// The name of a class on the wire.
pub(super) fn class(class: Class) -> &'static str {
    CLASSES.iter().find(|(_, it)| *it == class).map_or("unknown", |(name, _)| name)
}

/// The name of an action.
pub(super) const fn action(action: Action) -> &'static str {
    match action {
        Action::Retry => "retry",
        Action::Discard => "discard",
        Action::Override => "override",
    }
}

/// What is to be done about it.
pub(super) fn standing(letter: &DeadLetter) -> String {
    match &letter.standing {
        Standing::Parked => "parked".to_owned(),
        Standing::Requested(request) => format!("{} requested", action(request.action)),
        Standing::Draining => "draining".to_owned(),
    }
}

/// Why it failed, in one line.
pub(super) fn error(letter: &DeadLetter) -> String {
    clean(&letter.parked.errors.join(": "))
}

/// The head without the stored message.
pub(super) fn value(letter: &DeadLetter) -> Value {
    let DeadLetter { key, parked, at, last, .. } = letter;
    json!({
        "handler": key.handler,
        "aggregate": key.aggregate,
        "id": key.id,
        "class": class(parked.class),
        "standing": standing(letter),
        "event": parked.event,
        "at": at.to_string(),
        "errors": parked.errors,
        "attempts": parked.attempts,
        "first": parked.first,
        "last": parked.last,
        "sequence": last,
    })
}

/// The titles of [`line`].
pub(super) fn title() -> String {
    format!(
        "{:<26} {:<12} {:<24} {:<10} {:<34} {:>8} {:>5}  {:<10} error",
        "handler", "aggregate", "id", "class", "type", "attempts", "age", "at"
    )
}

/// One line for people.
pub(super) fn line(letter: &DeadLetter, now: DateTime<Utc>) -> String {
    let DeadLetter { key, parked, at, .. } = letter;
    let kind = clean(parked.event.kind.as_deref().unwrap_or("-"));
    let (class, attempts, at) = (class(parked.class), parked.attempts, at.to_string());
    let mut line = format!(
        "{:<26} {:<12} {:<24} {class:<10} {kind:<34} {attempts:>8} {:>5}  {at:<10} {}",
        key.handler,
        key.aggregate,
        key.id.as_str(),
        age(parked.first, now),
        error(letter)
    );
    if letter.standing != Standing::Parked {
        line.push_str(&format!(" ({})", standing(letter)));
    }
    line
}

/// How long ago `then` was, in the largest unit that says enough.
pub(super) fn age(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - then).num_seconds().max(0) {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7_200 => format!("{}min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}
