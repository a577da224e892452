//! The subjects and the filters over them. Not here: how they are spelled and read back.

#[cfg(test)]
mod tests;
mod text;

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
}
