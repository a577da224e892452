//! What the person context promises. Samples come from its examples, by their names on the wire.
//! Not here: other contexts.

mod charts;
mod components;
mod contacts;
mod cqrs;
mod every_stage;
mod lifecycle;
mod profile;
mod properties;
mod skills;
mod steps;
mod verification;
mod wire;

use domain::person::{
    CONTACT_VERIFICATION, Person, PersonCommand, PersonEvent, examples, verification_code,
};
use kit::{
    Command, Event, EventSet,
    scenario::{Given, given, secret},
};
use serde_json::Value;

/// The sample of the event `name`.
#[track_caller]
fn happened(name: &str) -> PersonEvent {
    examples::events().into_iter().find(|event| event.kind().name == name).unwrap()
}

/// The event `name` with this data.
#[track_caller]
fn fact(name: &str, data: &Value) -> PersonEvent {
    let version = happened(name).kind().version;
    PersonEvent::read("person", name, version, data.to_string().as_bytes()).unwrap()
}

/// The sample of the command `name`.
#[track_caller]
fn ask(name: &str) -> PersonCommand {
    examples::commands().into_iter().find(|command| command.name() == name).unwrap()
}

/// The command `name` with this body.
#[track_caller]
fn asking(name: &str, body: &Value) -> PersonCommand {
    PersonCommand::read(name, body.to_string().as_bytes()).unwrap()
}

/// A created person to whom the samples of `names` have happened, in order.
#[track_caller]
fn person(names: &[&str]) -> Given<Person> {
    given(["person-created"].iter().chain(names).map(|name| happened(name)))
}

/// The right code for the challenge of the samples.
fn code() -> String {
    verification_code(secret().digest(CONTACT_VERIFICATION, b"challenge-1"))
}
