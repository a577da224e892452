//! Which keys are meant: one by its name, or all that some filters leave.
//! Not here: what is to be done with them.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::{
    Args,
    builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser},
};
use infrastructure::{
    deadletter::{Class, DeadLetter, DeadLetters, Key},
    problem::Problem,
};
use kit::AggregateId;

use super::{letter::CLASSES, problem};
use crate::exit::Advised;

/// Filters: all of them must hold. An empty one is a mistake, such as a variable that is not set: it
/// would leave everything.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// Only what this handler could not process; `commands` for durable commands
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    handler: Option<String>,
    /// Only events of this aggregate type, such as person
    #[arg(long, value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    aggregate: Option<String>,
    /// Only events of the aggregate with this id, or the command with it
    #[arg(long)]
    id: Option<AggregateId>,
    /// Only failed events of this type, such as person.tagged, or commands, such as person.tag
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    kind: Option<String>,
    /// Only this class: bug, permanent, schema, asked, waiting or refused
    #[arg(long, value_parser = class(), hide_possible_values = true)]
    class: Option<Class>,
    /// Only failures whose text contains this, in capitals or not
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    error: Option<String>,
    /// Only what failed first at least so long ago, such as 90s, 10min, 3h or 2d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    older_than: Option<Duration>,
}

fn class() -> impl TypedValueParser<Value = Class> {
    PossibleValuesParser::new(CLASSES.map(|(name, _)| name)).map(|name| {
        let found = CLASSES.into_iter().find(|(known, _)| *known == name);
        // The parser lets no other name through.
        found.map_or(Class::Bug, |(_, class)| class)
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number with s, min, h or d behind it".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(wrong)
}

impl Filters {
    /// Whether they leave everything.
    pub(super) const fn is_none(&self) -> bool {
        let Self { handler, aggregate, id, kind, class, error, older_than } = self;
        handler.is_none()
            && aggregate.is_none()
            && id.is_none()
            && kind.is_none()
            && class.is_none()
            && error.is_none()
            && older_than.is_none()
    }

    /// What they leave of all keys that stand still.
    pub(super) async fn find(&self, letters: &DeadLetters) -> Result<Vec<DeadLetter>> {
        let mut found = letters.list(self.handler.as_deref()).await.map_err(problem)?;
        let now = Utc::now();
        found.retain(|letter| self.leaves(letter, now));
        Ok(found)
    }

    fn leaves(&self, letter: &DeadLetter, now: DateTime<Utc>) -> bool {
        let DeadLetter { key, parked, .. } = letter;
        let equal = |wanted: &Option<String>, is: Option<&str>| match wanted {
            None => true,
            Some(wanted) => is == Some(wanted.as_str()),
        };
        // A clock behind the owner's sees nothing that is younger than nothing.
        let age = (now - parked.first).to_std().unwrap_or_default();
        let says = |text: &str| {
            let text = text.to_lowercase();
            parked.errors.iter().any(|error| error.to_lowercase().contains(&text))
        };
        equal(&self.aggregate, Some(&key.aggregate))
            && self.id.as_ref().is_none_or(|id| *id == key.id)
            && equal(&self.kind, parked.event.kind.as_deref())
            && self.class.is_none_or(|class| class == parked.class)
            && self.error.as_deref().is_none_or(says)
            && self.older_than.is_none_or(|least| age >= least)
    }
}

/// One key by its name: its three parts, or its subject.
///
/// # Errors
/// If `words` are no name.
pub(super) fn key(words: &[String]) -> Result<Key> {
    let named = match words {
        [subject] => Key::of(subject),
        [handler, aggregate, id] => {
            let id = id.parse::<AggregateId>().ok();
            let key = |id| Key { handler: handler.clone(), aggregate: aggregate.clone(), id };
            // What is not a word of a subject would be another subject.
            id.map(key).filter(|key| Key::of(&key.subject()).as_ref() == Some(key))
        }
        _ => None,
    };
    named.ok_or_else(|| {
        let message = format!("{:?} names no key", words.join(" "));
        Advised::usage(message, "A key is HANDLER AGGREGATE ID, as `headwater dlq list` shows it.")
            .into()
    })
}

/// The key `key`, which must stand still.
///
/// # Errors
/// `not-found`, if it does not.
pub(super) async fn standing(letters: &DeadLetters, key: &Key) -> Result<DeadLetter> {
    let letter = letters.get(key).await.map_err(problem)?;
    let detail = || format!("{key} does not stand still");
    Ok(letter.ok_or_else(|| Problem::not_found(detail()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("10min"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("2d"), Ok(Duration::from_secs(172_800)));
        for wrong in ["", "10", "d", "-1s", "1.5h", "99999999999999999999s", "1w"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_named_by_its_parts_or_its_subject_and_nothing_else() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let named = key(&words("welcome person ada")).unwrap();
        assert_eq!(key(&[named.subject()]).unwrap(), named);
        for wrong in ["welcome", "welcome person", "wel.come person ada", "welcome * ada"] {
            assert!(key(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
