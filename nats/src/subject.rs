//! The subjects: built from checked parts, and read back totally.

use std::fmt;

use kit::{AggregateId, PartId};

/// A subject of this service. `aggregate`, `name`, `projection` and `handler` are kebab-case words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// `event.<aggregate>.<id>`: the history of one aggregate.
    Event {
        /// The aggregate type.
        aggregate: String,
        /// Which one.
        id: AggregateId,
    },
    /// `command.<aggregate>.<id>.<name>`: a command by request-reply.
    Command {
        /// The aggregate type.
        aggregate: String,
        /// Which one.
        id: AggregateId,
        /// The command's name.
        name: String,
    },
    /// `enqueue.<aggregate>.<id>.<name>`: a durable command.
    Enqueue {
        /// The aggregate type.
        aggregate: String,
        /// Which one.
        id: AggregateId,
        /// The command's name.
        name: String,
    },
    /// `query.<projection>.<name>`.
    Query {
        /// The projection.
        projection: String,
        /// The query.
        name: String,
    },
    /// `dlq.<handler>.<aggregate>.<id>`: what became of the events of one key that a handler could
    /// not process.
    DeadLetter {
        /// The handler.
        handler: String,
        /// The aggregate type.
        aggregate: String,
        /// Which one.
        id: AggregateId,
    },
    /// `dlq.<handler>`: who has owned a handler's dead letters.
    DeadLetterOwners {
        /// The handler.
        handler: String,
    },
    /// `dlq.<handler>.reset`: who had a handler go through events again, and what came of it.
    HandlerReset {
        /// The handler.
        handler: String,
    },
    /// `timer.set.<aggregate>.<id>.<name>`: what is known of one timer; its schedule, if it waits.
    TimerSet {
        /// The aggregate type whose events set it.
        aggregate: String,
        /// Which one.
        id: AggregateId,
        /// The timer's name, with its part behind `=`.
        name: String,
    },
    /// `timer.due.<aggregate>.<id>.<name>`: what the server puts there when the time has come.
    TimerDue {
        /// The aggregate type whose events set it.
        aggregate: String,
        /// Which one.
        id: AggregateId,
        /// The timer's name, with its part behind `=`.
        name: String,
    },
}

impl Subject {
    /// All events.
    pub const EVENTS: &'static str = "event.>";
    /// All commands.
    pub const COMMANDS: &'static str = "command.>";
    /// Among [`Self::COMMANDS`], but no command: whoever is given it passes over it.
    pub const COMMANDS_FILLER: &'static str = "command.-";
    /// All durable commands.
    pub const ENQUEUED: &'static str = "enqueue.>";
    /// All queries.
    pub const QUERIES: &'static str = "query.>";
    /// All dead letters, and their owners.
    pub const DEAD_LETTERS: &'static str = "dlq.>";
    /// All timers: `timer.set.…` holds a schedule, `timer.due.…` what it fired.
    pub const TIMERS: &'static str = "timer.>";
    /// All timers whose time has come and that are not done with.
    pub const TIMERS_DUE: &'static str = "timer.due.>";

    /// All events of one aggregate type.
    #[must_use]
    pub fn events_of(aggregate: &str) -> String {
        format!("event.{aggregate}.*")
    }

    /// All queries on one projection.
    #[must_use]
    pub fn queries_on(projection: &str) -> String {
        format!("query.{projection}.*")
    }

    /// All dead letters of one handler.
    #[must_use]
    pub fn dead_letters_of(handler: &str) -> String {
        format!("dlq.{handler}.*.*")
    }

    /// The timers of one aggregate type, of one aggregate, or all, waiting and due.
    #[must_use]
    pub fn timers_of(aggregate: Option<&str>, id: Option<&AggregateId>) -> String {
        let (aggregate, id) = (aggregate.unwrap_or("*"), id.map_or("*", AggregateId::as_str));
        format!("timer.*.{aggregate}.{id}.*")
    }

    /// Whether the service may send an answer to `reply`. Callers choose that subject, and the
    /// service may publish where they may not: an answer must never become an event or a command.
    #[must_use]
    pub fn may_answer(reply: &str) -> bool {
        let first = reply.split('.').next().unwrap_or_default();
        let ours = ["event", "command", "enqueue", "query", "dlq", "timer"];
        !first.is_empty() && !first.starts_with('$') && !ours.contains(&first)
    }

    /// The history of one aggregate, without building the enum: the hot path's way.
    #[must_use]
    pub fn event(aggregate: &str, id: &AggregateId) -> String {
        format!("event.{aggregate}.{id}")
    }

    /// A command by request-reply, without building the enum.
    #[must_use]
    pub fn command(aggregate: &str, id: &AggregateId, name: &str) -> String {
        format!("command.{aggregate}.{id}.{name}")
    }

    /// Reads a subject back. Total: whatever is not ours is `None`.
    #[must_use]
    pub fn parse(subject: &str) -> Option<Self> {
        if let Some(timer) = subject.strip_prefix("timer.") {
            return Self::parse_timer(timer);
        }
        let mut tokens = subject.split('.');
        let (kind, first) = (tokens.next()?, word(tokens.next()?)?);
        let Some(second) = tokens.next() else {
            return (kind == "dlq").then_some(Self::DeadLetterOwners { handler: first });
        };
        let (third, end) = (tokens.next(), tokens.next());
        if end.is_some() {
            return None;
        }
        match (kind, third) {
            ("event", None) => Some(Self::Event { aggregate: first, id: second.parse().ok()? }),
            ("query", None) => Some(Self::Query { projection: first, name: word(second)? }),
            ("command", Some(name)) => Some(Self::Command {
                aggregate: first,
                id: second.parse().ok()?,
                name: word(name)?,
            }),
            ("enqueue", Some(name)) => Some(Self::Enqueue {
                aggregate: first,
                id: second.parse().ok()?,
                name: word(name)?,
            }),
            ("dlq", None) if second == RESET => Some(Self::HandlerReset { handler: first }),
            ("dlq", Some(id)) => Some(Self::DeadLetter {
                handler: first,
                aggregate: word(second)?,
                id: id.parse().ok()?,
            }),
            _ => None,
        }
    }

    fn parse_timer(rest: &str) -> Option<Self> {
        let mut tokens = rest.split('.');
        let (kind, aggregate) = (tokens.next()?, word(tokens.next()?)?);
        let (id, name) = (tokens.next()?.parse().ok()?, timer(tokens.next()?)?);
        if tokens.next().is_some() {
            return None;
        }
        match kind {
            "set" => Some(Self::TimerSet { aggregate, id, name }),
            "due" => Some(Self::TimerDue { aggregate, id, name }),
            _ => None,
        }
    }
}

/// The last token of the subject of a handler's resets.
const RESET: &str = "reset";

/// A timer's name: a kebab-case word, and the id of a part behind `=` if there are several.
fn timer(token: &str) -> Option<String> {
    let (name, part) = token.split_once('=').map_or((token, None), |(name, id)| (name, Some(id)));
    word(name)?;
    if let Some(part) = part {
        part.parse::<PartId>().ok()?;
    }
    Some(token.to_owned())
}

/// A kebab-case word of at most 64 bytes.
fn word(token: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!token.is_empty() && token.len() <= 64 && token.bytes().all(allowed)).then(|| token.to_owned())
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { aggregate, id } => write!(f, "event.{aggregate}.{id}"),
            Self::Command { aggregate, id, name } => write!(f, "command.{aggregate}.{id}.{name}"),
            Self::Enqueue { aggregate, id, name } => write!(f, "enqueue.{aggregate}.{id}.{name}"),
            Self::Query { projection, name } => write!(f, "query.{projection}.{name}"),
            Self::DeadLetter { handler, aggregate, id } => {
                write!(f, "dlq.{handler}.{aggregate}.{id}")
            }
            Self::DeadLetterOwners { handler } => write!(f, "dlq.{handler}"),
            Self::HandlerReset { handler } => write!(f, "dlq.{handler}.{RESET}"),
            Self::TimerSet { aggregate, id, name } => {
                write!(f, "timer.set.{aggregate}.{id}.{name}")
            }
            Self::TimerDue { aggregate, id, name } => {
                write!(f, "timer.due.{aggregate}.{id}.{name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word() -> impl Strategy<Value = String> {
        "[a-z0-9-]{1,64}"
    }

    fn id() -> impl Strategy<Value = AggregateId> {
        "[A-Za-z0-9_=-]{1,128}".prop_map(|text| text.parse().unwrap())
    }

    fn timer() -> impl Strategy<Value = String> {
        prop_oneof![word(), (word(), id()).prop_map(|(name, part)| format!("{name}={part}"))]
    }

    fn subject() -> impl Strategy<Value = Subject> {
        prop_oneof![
            (word(), id()).prop_map(|(aggregate, id)| Subject::Event { aggregate, id }),
            (word(), id(), word()).prop_map(|(aggregate, id, name)| Subject::Command {
                aggregate,
                id,
                name
            }),
            (word(), id(), word()).prop_map(|(aggregate, id, name)| Subject::Enqueue {
                aggregate,
                id,
                name
            }),
            (word(), word()).prop_map(|(projection, name)| Subject::Query { projection, name }),
            (word(), word(), id()).prop_map(|(handler, aggregate, id)| Subject::DeadLetter {
                handler,
                aggregate,
                id
            }),
            word().prop_map(|handler| Subject::DeadLetterOwners { handler }),
            word().prop_map(|handler| Subject::HandlerReset { handler }),
            (word(), id(), timer()).prop_map(|(aggregate, id, name)| Subject::TimerSet {
                aggregate,
                id,
                name
            }),
            (word(), id(), timer()).prop_map(|(aggregate, id, name)| Subject::TimerDue {
                aggregate,
                id,
                name
            }),
        ]
    }

    /// Text that is nearly a subject finds more than text that is not.
    fn nearly() -> impl Strategy<Value = String> {
        let token = prop_oneof![
            Just("event".to_owned()),
            Just("command".to_owned()),
            Just("enqueue".to_owned()),
            Just("query".to_owned()),
            Just("dlq".to_owned()),
            Just("*".to_owned()),
            Just(">".to_owned()),
            Just(String::new()),
            word(),
            ".{0,130}",
        ];
        prop::collection::vec(token, 0..6).prop_map(|tokens| tokens.join("."))
    }

    proptest! {
        #[test]
        fn a_subject_is_read_back_as_it_was_written(subject in subject()) {
            prop_assert_eq!(Subject::parse(&subject.to_string()), Some(subject));
        }

        #[test]
        fn whatever_is_read_is_written_back_the_same(text in prop_oneof![nearly(), ".*"]) {
            if let Some(subject) = Subject::parse(&text) {
                prop_assert_eq!(subject.to_string(), text);
            }
        }

        #[test]
        fn nothing_with_a_wildcard_or_another_token_gets_in(
            subject in subject(),
            at in any::<prop::sample::Index>(),
            intruder in prop_oneof![Just("."), Just("*"), Just(">"), Just(" "), Just("\r\n"), Just("ä")],
        ) {
            let mut text = subject.to_string();
            // After the first token, so that the text stays a subject of ours but for the intruder.
            let first = text.find('.').unwrap();
            text.insert_str(first + 1 + at.index(text.len() - first), intruder);
            match Subject::parse(&text) {
                None => {}
                // A dot can make another valid subject out of one with fewer tokens.
                Some(other) => {
                    prop_assert_eq!(intruder, ".");
                    prop_assert_ne!(other, subject);
                }
            }
        }
    }

    #[test]
    fn every_subject_lies_in_the_filter_of_its_stream() {
        let id: AggregateId = "a".parse().unwrap();
        let event = Subject::Event { aggregate: "person".to_owned(), id: id.clone() };
        assert_eq!(event.to_string(), Subject::event("person", &id));
        let (aggregate, name) = ("person".to_owned(), "tag".to_owned());
        let command = Subject::Command { aggregate, id: id.clone(), name };
        assert_eq!(command.to_string(), Subject::command("person", &id, "tag"));
        assert!(Subject::COMMANDS_FILLER.starts_with(Subject::COMMANDS.trim_end_matches('>')));
        assert_eq!(Subject::parse(Subject::COMMANDS_FILLER), None);
        let prefix = Subject::EVENTS.trim_end_matches('>');
        assert!(event.to_string().starts_with(prefix));
        assert!(Subject::events_of("person").starts_with(prefix));
        let (aggregate, name) = ("person".to_owned(), "expire=a".to_owned());
        let due = Subject::TimerDue { aggregate, id, name }.to_string();
        assert!(due.starts_with(Subject::TIMERS_DUE.trim_end_matches('>')));
        assert!(due.starts_with(Subject::TIMERS.trim_end_matches('>')));
    }

    #[test]
    fn an_answer_goes_to_an_inbox_and_nowhere_else() {
        for reply in ["_INBOX.client.x", "inbox.1"] {
            assert!(Subject::may_answer(reply), "{reply}");
        }
        for reply in ["", "event.person.a", "command.person.a.tag", "$KV.LEASES.x", "dlq.x"] {
            assert!(!Subject::may_answer(reply), "{reply}");
        }
    }
}
