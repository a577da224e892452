//! The subjects: built from checked parts, and read back totally.

use std::fmt;

use kit::AggregateId;

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
}

impl Subject {
    /// All events.
    pub const EVENTS: &'static str = "event.>";
    /// All commands.
    pub const COMMANDS: &'static str = "command.>";
    /// All durable commands.
    pub const ENQUEUED: &'static str = "enqueue.>";
    /// All queries.
    pub const QUERIES: &'static str = "query.>";
    /// All dead letters: `dlq.<handler>.<aggregate>.<id>`.
    pub const DEAD_LETTERS: &'static str = "dlq.>";
    /// All timers: `timer.set.…` holds a schedule, `timer.due.…` what it fired.
    pub const TIMERS: &'static str = "timer.>";

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

    /// Reads a subject back. Total: whatever is not ours is `None`.
    #[must_use]
    pub fn parse(subject: &str) -> Option<Self> {
        let mut tokens = subject.split('.');
        let (kind, first, second) = (tokens.next()?, word(tokens.next()?)?, tokens.next()?);
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
            _ => None,
        }
    }
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
        }
    }
}
