//! An aggregate whose code fails.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::person::Person;
use infrastructure::{
    client::Client,
    composition::Composition,
    deadletter::{Action, Class},
    durable::OutcomeStatus,
    request::CommandRequest,
    runtime::{Runtime, RuntimeOptions},
};
use kit::{Aggregate, Context, DomainError};
use serde::{Deserialize, Serialize};
use tests::Server;

use super::{
    super::{Stand, options},
    ask, dead, key, outcome, released,
};

/// A machine that breaks until somebody has mended it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Press {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Print {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Printed {}

mod words {
    use super::{Print, Printed};

    kit::commands! {
        /// What may be asked of a press.
        pub enum PressCommand { "print" => Print }
    }
    kit::events! {
        /// What happens to a press.
        pub enum PressEvent for "press" { "printed" => Printed: 1 }
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("never")]
struct Never;

impl DomainError for Never {
    fn code(&self) -> &'static str {
        "never"
    }
}

static MENDED: AtomicBool = AtomicBool::new(false);

impl Aggregate for Press {
    const TYPE: &'static str = "press";
    const STATE_SCHEMA: u32 = 1;
    type Command = words::PressCommand;
    type Event = words::PressEvent;
    type Error = Never;

    fn decide(&self, _: &Self::Command, _: &Context) -> Result<Vec<Self::Event>, Never> {
        assert!(MENDED.load(Ordering::Relaxed), "it is broken");
        Ok(vec![Printed {}.into()])
    }

    fn evolve(&mut self, _: &Self::Event) {}
}

#[tokio::test]
async fn a_bug_is_tried_again_a_few_times_and_once_it_is_mended_the_command_is_carried_out() {
    let server = Server::start().await;
    let composition = Composition::new().aggregate::<Person>().aggregate::<Press>();
    let options = RuntimeOptions { composition, ..options(&server, "one") };
    let runtime = Runtime::start(options).await.unwrap();
    let connection = server.client().await;
    let stand = Stand { runtime, client: Client::new(connection.clone()), connection, server };
    let print = CommandRequest::new("press", "a".parse().unwrap(), "print", "{}");
    let id = stand.client.enqueue(&print).await.unwrap();
    let letter = dead(&stand, &key("press", &id), 3).await;
    assert_eq!((letter.parked.class, letter.parked.recent.len()), (Class::Bug, 3));
    MENDED.store(true, Ordering::Relaxed);
    ask(&stand, &letter, Action::Retry, None).await;
    released(&stand, &letter.key).await;
    outcome(&stand, &id, OutcomeStatus::Committed).await;
}
