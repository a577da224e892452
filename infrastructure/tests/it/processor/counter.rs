//! A counter: the least aggregate that can change, stay, refuse, grow large and break.

use kit::{Aggregate, Context, DomainError};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Add {
    pub(crate) by: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Take {
    pub(crate) by: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    pub(crate) text: String,
}

/// One event for each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Climb {
    pub(crate) steps: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Break {}

mod words {
    //! The macros make public enums; the test crate keeps them to itself.
    use super::{Add, Added, Break, Climb, Note, Noted, Take, Taken};

    kit::commands! {
        /// What may be asked of a counter.
        pub enum CounterCommand {
            "add" => Add, "take" => Take, "note" => Note, "climb" => Climb, "break" => Break,
        }
    }

    kit::events! {
        /// What happens to a counter.
        pub enum CounterEvent for "counter" {
            "added" => Added: 1,
            "taken" => Taken: 1,
            "noted" => Noted: 1,
        }
    }
}

pub(crate) use words::{CounterCommand, CounterEvent};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) by: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) by: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Noted {
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("there are only {0}")]
pub(crate) struct TooFew(u64);

impl DomainError for TooFew {
    fn code(&self) -> &'static str {
        "too-few"
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) total: u64,
    pub(crate) notes: u64,
    /// The last note.
    pub(crate) text: String,
}

impl Aggregate for Counter {
    const TYPE: &'static str = "counter";
    const STATE_SCHEMA: u32 = 1;
    type Command = CounterCommand;
    type Event = CounterEvent;
    type Error = TooFew;

    fn decide(&self, command: &CounterCommand, _: &Context) -> Result<Vec<CounterEvent>, TooFew> {
        Ok(match command {
            CounterCommand::Add(Add { by: 0 }) | CounterCommand::Take(Take { by: 0 }) => Vec::new(),
            CounterCommand::Add(Add { by }) => vec![Added { by: *by }.into()],
            CounterCommand::Take(Take { by }) if *by > self.total => {
                return Err(TooFew(self.total));
            }
            CounterCommand::Take(Take { by }) => vec![Taken { by: *by }.into()],
            CounterCommand::Note(Note { text }) => vec![Noted { text: text.clone() }.into()],
            CounterCommand::Climb(Climb { steps }) => {
                (0..*steps).map(|_| Added { by: 1 }.into()).collect()
            }
            CounterCommand::Break(Break {}) => panic!("told to break"),
        })
    }

    fn evolve(&mut self, event: &CounterEvent) {
        match event {
            CounterEvent::Added(Added { by }) => self.total += by,
            CounterEvent::Taken(Taken { by }) => self.total -= by,
            CounterEvent::Noted(Noted { text }) => {
                self.notes += 1;
                self.text.clone_from(text);
            }
        }
    }
}
