//! Subjects as they are written, and read back. Total: whatever is not ours is none.

use std::fmt;

use kit::PartId;

use super::Subject;

impl Subject {
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
