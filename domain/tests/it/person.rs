//! What the person context promises. Samples come from its examples, by their names on the wire.
//! Not here: other contexts.

mod charts;
mod components;
mod contacts;
mod cqrs;
mod every_part;
mod every_stage;
mod lifecycle;
mod profile;
mod properties;
mod skills;
mod steps;
mod verification;
mod wire;

use chrono::{DateTime, Utc};
use domain::person::{
    CONTACT_VERIFICATION, Person, PersonCommand, PersonEvent, examples, verification_code,
};
use kit::{
    Actor, Aggregate, Command, DomainError, Event, EventSet,
    scenario::{Given, context, given, secret},
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

/// What `command` comes to for `person`: the events that follow, the code of the refusal, or `.`.
fn answer(person: &Person, command: &PersonCommand, now: DateTime<Utc>) -> String {
    let mut context = context(now, 1);
    context.actor = Actor { user: Some("registrar".to_owned()) };
    match person.decide(command, &context) {
        Err(error) => error.code().to_owned(),
        Ok(events) if events.is_empty() => ".".to_owned(),
        Ok(events) => {
            let names: Vec<_> = events.iter().map(|event| event.kind().name).collect();
            names.join(" ")
        }
    }
}

/// The right code for the challenge of the samples.
fn code() -> String {
    verification_code(secret().digest(CONTACT_VERIFICATION, b"challenge-1"))
}
