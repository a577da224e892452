//! What the design context promises. Samples come from its examples, by their names on the wire.
//! Not here: other contexts.

mod answers;
mod charts;
mod cqrs;
mod erasure;
mod every_status;
mod payment;
mod properties;
mod request;
mod wire;

use domain::design::{Design, DesignCommand, DesignEvent, examples};
use kit::{
    Command, Event,
    scenario::{Given, given},
};
use serde_json::Value;

/// The first sample of the event `name`.
#[track_caller]
fn happened(name: &str) -> DesignEvent {
    examples::events().into_iter().find(|event| event.kind().name == name).unwrap()
}

/// The sample of the command `name`.
#[track_caller]
fn ask(name: &str) -> DesignCommand {
    examples::commands().into_iter().find(|command| command.name() == name).unwrap()
}

/// The command `name` with this body.
#[track_caller]
fn asking(name: &str, body: &Value) -> DesignCommand {
    DesignCommand::read(name, body.to_string().as_bytes()).unwrap()
}

/// A created request to which the samples of `names` have happened, in order.
#[track_caller]
fn request(names: &[&str]) -> Given<Design> {
    given(["request-created"].iter().chain(names).map(|name| happened(name)))
}

/// A request that is about no product.
#[track_caller]
fn without_product() -> Given<Design> {
    let created =
        given([]).when(asking("create-request", &serde_json::json!({"design_code": "D"})));
    let events = created.decided().clone().unwrap();
    created.then(events)
}

/// The names of the events that follow from `command`.
fn names(events: &[DesignEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind().name).collect()
}
