//! A context whose code panics wherever it is called, and what is left standing.

use std::fmt;

use infrastructure::{
    aggregates::Aggregates, memory::MemoryStore, processor::Processor, request::CommandRequest,
};
use kit::{Aggregate, Context, DomainError};
use serde::{Deserialize, Serialize};

use super::{code, options};

/// Where the code of a context may break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Spot {
    Nowhere,
    Reading,
    Refusing,
    Cloning,
    Dropping,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Tread {
    on: Spot,
}

impl<'de> Deserialize<'de> for Tread {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Body {
            on: Spot,
        }
        let Body { on } = Body::deserialize(from)?;
        assert_ne!(on, Spot::Reading, "told to break");
        Ok(Self { on })
    }
}

impl Drop for Tread {
    fn drop(&mut self) {
        assert_ne!(self.on, Spot::Dropping, "told to break");
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trodden {
    on: Spot,
}

mod words {
    use super::{Tread, Trodden};

    kit::commands! {
        /// What may be asked of ice.
        pub enum IceCommand { "tread" => Tread }
    }
    kit::events! {
        /// What happens to ice.
        pub enum IceEvent for "ice" { "trodden" => Trodden: 1 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cracked;

impl std::error::Error for Cracked {}

impl fmt::Display for Cracked {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("told to break")
    }
}

impl DomainError for Cracked {
    fn code(&self) -> &'static str {
        "cracked"
    }
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ice {
    brittle: bool,
}

impl Clone for Ice {
    fn clone(&self) -> Self {
        assert!(!self.brittle, "told to break");
        Self { brittle: self.brittle }
    }
}

impl Aggregate for Ice {
    const TYPE: &'static str = "ice";
    const STATE_SCHEMA: u32 = 1;
    type Command = words::IceCommand;
    type Event = words::IceEvent;
    type Error = Cracked;

    fn decide(&self, command: &Self::Command, _: &Context) -> Result<Vec<Self::Event>, Cracked> {
        let words::IceCommand::Tread(tread) = command;
        match tread.on {
            Spot::Refusing => Err(Cracked),
            on => Ok(vec![Trodden { on }.into()]),
        }
    }

    fn evolve(&mut self, event: &Self::Event) {
        let words::IceEvent::Trodden(Trodden { on }) = event;
        self.brittle |= *on == Spot::Cloning;
    }
}

/// Begins with a panic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Void;

impl Default for Void {
    fn default() -> Self {
        panic!("told to break")
    }
}

impl Aggregate for Void {
    const TYPE: &'static str = "void";
    const STATE_SCHEMA: u32 = 1;
    type Command = words::IceCommand;
    type Event = words::IceEvent;
    type Error = Cracked;

    fn decide(&self, _: &Self::Command, _: &Context) -> Result<Vec<Self::Event>, Cracked> {
        Ok(Vec::new())
    }

    fn evolve(&mut self, _: &Self::Event) {}
}

fn ice() -> Processor {
    let aggregates = Aggregates::new().with::<Ice>().with::<Void>();
    Processor::start(MemoryStore::new(), aggregates, options())
}

fn tread(aggregate: &str, id: &str, on: &str) -> CommandRequest {
    let body = format!("{{\"on\":\"{on}\"}}");
    CommandRequest::new(aggregate, id.parse().unwrap(), "tread", body)
}

#[tokio::test]
async fn wherever_a_context_panics_only_the_command_that_met_it_is_refused() {
    let processor = ice();
    for on in ["reading", "refusing"] {
        assert_eq!(code(processor.execute(tread("ice", "a", on)).await), "internal", "{on}");
    }
    assert_eq!(code(processor.execute(tread("void", "a", "nowhere")).await), "internal");
    assert_eq!(code(processor.execute(tread("ice", "b", "cloning")).await), "Committed");
    assert_eq!(code(processor.execute(tread("ice", "b", "nowhere")).await), "internal");
    assert_eq!(code(processor.execute(tread("ice", "a", "nowhere")).await), "Committed");
}

#[tokio::test]
async fn a_processor_whose_engine_died_says_so_and_answers_unavailable() {
    let processor = ice();
    // Nothing can guard the engine against a command that panics when it is let go.
    let _ = processor.execute(tread("ice", "a", "dropping")).await;
    processor.ended().await;
    let problem = processor.execute(tread("ice", "a", "nowhere")).await.unwrap_err();
    assert_eq!(problem.code, "unavailable");
    assert!(problem.detail.contains("lost its engine"), "{problem}");
    processor.drain().await;
}
