//! Timers: commands for later, as a policy asks for them.
//! Not here: keeping them, and what becomes of one that comes too late; the aggregate decides.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::{Order, PartId};

/// One thing that follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// A command, now.
    Order(Order),
    /// A command at a time. A timer with this key is moved.
    Set(Timer),
    /// No command after all, if the timer has not fired.
    Cancel(TimerKey),
}

/// A command for later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Which timer.
    pub key: TimerKey,
    /// When.
    pub at: DateTime<Utc>,
    /// What. It may arrive late, and more than once: the aggregate must not mind.
    pub order: Order,
}

/// Names a timer within the aggregate whose events set, move and cancel it.
///
/// A key belongs to one policy. Only the order of one aggregate's events is certain, so no other
/// aggregate's event touches the timer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerKey {
    /// A kebab-case word. Part of the wire.
    pub name: &'static str,
    /// Which one, if the aggregate can have several with this name.
    pub part: Option<PartId>,
}

impl TimerKey {
    /// The timer `name` of the part `part`.
    #[must_use]
    pub fn of(name: &'static str, part: &PartId) -> Self {
        Self { name, part: Some(part.clone()) }
    }

    /// Sets this timer: `order` at the time `at`.
    #[must_use]
    pub const fn set(self, at: DateTime<Utc>, order: Order) -> Reaction {
        Reaction::Set(Timer { key: self, at, order })
    }

    /// Cancels this timer.
    #[must_use]
    pub const fn cancel(self) -> Reaction {
        Reaction::Cancel(self)
    }
}

impl From<&'static str> for TimerKey {
    fn from(name: &'static str) -> Self {
        Self { name, part: None }
    }
}

impl fmt::Display for TimerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            None => f.write_str(self.name),
            Some(part) => write!(f, "{}={part}", self.name),
        }
    }
}

impl From<Order> for Reaction {
    fn from(order: Order) -> Self {
        Self::Order(order)
    }
}
