//! What others see of a person: events, old versions, error codes.

use domain::person::{LifecycleStage, PersonCommand, PersonError, PersonEvent, examples};
use kit::{Command, DomainError, Event, EventSet};
use serde_json::{Value, json};

use super::components;
use crate::wire;

#[test]
fn the_wire_of_a_person_is_kept() {
    wire::is_kept(&[examples::events(), components::added()].concat());
    wire::is_readable_for_ever::<PersonEvent>();
}

#[test]
fn every_event_as_it_is_written() {
    let written = |event: PersonEvent| {
        let data: Value = serde_json::from_slice(&event.data().unwrap()).unwrap();
        json!({ "type": kit::describe(&event), "version": event.kind().version, "data": data })
    };
    insta::assert_json_snapshot!(examples::events().into_iter().map(written).collect::<Vec<_>>());
}

#[test]
fn every_old_version_as_it_is_read_today() {
    let read = |file: &str, kind: &str, data: &[u8]| {
        let event = PersonEvent::read("person", kind, 1, data).unwrap();
        let now: Value = serde_json::from_slice(&event.data().unwrap()).unwrap();
        json!({ "file": file, "today": now })
    };
    let old = [
        read(
            "person-created.v1.json",
            "person-created",
            include_bytes!("../../wire/person/person-created.v1.json"),
        ),
        read(
            "name-changed.v1.json",
            "name-changed",
            include_bytes!("../../wire/person/name-changed.v1.json"),
        ),
    ];
    insta::assert_json_snapshot!(old);
}

#[test]
fn an_old_record_is_read_whatever_it_holds() {
    for data in [
        json!({"name": {"first_name": "", "last_name": "\n"}, "source": "", "created_at": "2024-01-01T00:00:00Z"}),
        json!({"name": {"first_name": "x".repeat(500), "last_name": "y"}, "source": "a b", "created_at": "2024-01-01T00:00:00Z"}),
    ] {
        let event =
            PersonEvent::read("person", "person-created", 1, data.to_string().as_bytes()).unwrap();
        let again = PersonEvent::read("person", "person-created", 2, &event.data().unwrap());
        assert_eq!(again.unwrap(), event);
    }
}

#[test]
fn a_newer_version_and_a_foreign_shape_are_told_apart() {
    let read = |version, data: &[u8]| PersonEvent::read("person", "tagged", version, data);
    assert!(matches!(read(2, br#"{"tag":"vip"}"#), Err(kit::Unreadable::Newer { known: 1, .. })));
    assert!(matches!(read(1, br#"{"tag":7}"#), Err(kit::Unreadable::Shape { .. })));
    assert!(matches!(
        PersonEvent::read("person", "renamed", 1, b"{}"),
        Err(kit::Unreadable::Unknown { .. })
    ));
}

#[test]
fn no_command_takes_a_field_that_it_does_not_know() {
    for (name, body) in examples::COMMANDS {
        let mut body: Value = serde_json::from_str(body).unwrap();
        assert!(PersonCommand::read(name, body.to_string().as_bytes()).is_ok(), "{name}");
        body["surprise"] = json!(1);
        let read = PersonCommand::read(name, body.to_string().as_bytes());
        assert!(matches!(read, Err(kit::BadCommand::Body(_))), "{name}: {read:?}");
    }
}

#[test]
fn every_command_comes_back_from_its_body() {
    for command in examples::commands() {
        let again = PersonCommand::read(command.name(), &command.body().unwrap());
        assert_eq!(again.unwrap(), command);
    }
}

#[test]
fn the_short_form_of_creating_a_person_is_enough() {
    let body = br#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
    assert!(PersonCommand::read("create-person", body).is_ok());
}

/// Every refusal. A new variant does not compile until it is in the list.
fn refusals() -> Vec<PersonError> {
    use PersonError as E;
    let all = vec![
        E::NotFound,
        E::AlreadyExists,
        E::NotWhile(LifecycleStage::Deceased),
        E::ActorRequired,
        E::NoVerifiedContact,
        E::InFuture,
        E::BeforeBirth,
        E::AfterDeath,
        E::BirthDateAlreadySet,
        E::BirthDateNotSet,
        E::ContactNotFound,
        E::ContactExists,
        E::ContactNotVerified,
        E::NoChannel,
        E::OnlyVerifiedContact,
        E::NoChallenge,
        E::ChallengeNotCurrent,
        E::ChallengeExpired,
        E::TooManyVerifications { retry_at: kit::scenario::noon() },
        E::NotDue { due: None },
        E::SkillNotFound,
        E::SkillExists,
        E::OwnEndorsement,
        E::CertificationDates,
        E::CertificationOver,
        E::ComponentNotFound,
        E::ComponentExists,
        E::ComponentTypeDiffers,
        E::TooMany { max: 20 },
    ];
    for error in &all {
        match error {
            E::NotFound
            | E::AlreadyExists
            | E::NotWhile(_)
            | E::ActorRequired
            | E::NoVerifiedContact
            | E::InFuture
            | E::BeforeBirth
            | E::AfterDeath
            | E::BirthDateAlreadySet
            | E::BirthDateNotSet
            | E::ContactNotFound
            | E::ContactExists
            | E::ContactNotVerified
            | E::NoChannel
            | E::OnlyVerifiedContact
            | E::NoChallenge
            | E::ChallengeNotCurrent
            | E::ChallengeExpired
            | E::TooManyVerifications { .. }
            | E::NotDue { .. }
            | E::SkillNotFound
            | E::SkillExists
            | E::OwnEndorsement
            | E::CertificationDates
            | E::CertificationOver
            | E::ComponentNotFound
            | E::ComponentExists
            | E::ComponentTypeDiffers
            | E::TooMany { .. } => {}
        }
    }
    all
}

#[test]
fn every_refusal_has_a_code_and_a_sentence() {
    let lines: Vec<_> =
        refusals().iter().map(|error| format!("{}: {error}", error.code())).collect();
    insta::assert_snapshot!(lines.join("\n"));
}
