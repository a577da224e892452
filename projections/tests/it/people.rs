//! The document of a person.

use domain::person::Person;
use kit::scenario::fold;
use projections::{
    People, Stage,
    people::{ContactStatus, PersonView},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::history::{ada, any_person, event, events};

const VERIFIED: [&str; 4] =
    ["person-created", "contact-added", "contact-verification-requested", "contact-verified"];

#[test]
fn a_person_is_shown_with_everything_that_is_known() {
    let everything = [
        &VERIFIED[..],
        &[
            "preferred-contact-changed",
            "birth-date-set",
            "skill-claimed",
            "skill-endorsed",
            "skill-certified",
            "component-added",
            "tagged",
            "preferences-changed",
            "person-activated",
        ],
    ];
    insta::assert_json_snapshot!(ada::<People>(&events(&everything.concat())));
}

#[test]
fn a_verification_under_way_names_its_challenge_and_holds_no_code() {
    let pending = ada::<People>(&events(&VERIFIED[..3]));
    let contact = serde_json::to_value(&pending).unwrap()["contacts"]["mail"].take();
    assert_eq!(
        contact,
        json!({
            "kind": "email", "value": "ada@example.org", "use": "work", "status": "pending",
            "challenge": {
                "challenge_id": "challenge-1", "expires_at": "2026-01-03T03:04:05Z",
                "attempts_left": 5,
            },
        })
    );
}

#[test]
fn a_released_contact_says_why_and_is_not_preferred() {
    let more = ["preferred-contact-changed", "contact-released"];
    let person = ada::<People>(&events(&[&VERIFIED[..], &more].concat()));
    let contact = &person.contacts[&"mail".parse().unwrap()];
    assert_eq!(contact.status, ContactStatus::Unverified);
    assert!(contact.released.is_some());
    assert_eq!(person.preferred_contact, None);
}

#[test]
fn every_interruption_returns_to_what_was_before() {
    let mut kinds: Vec<_> = VERIFIED.to_vec();
    for (kind, stage, then) in [
        ("person-activated", Stage::Active, "active"),
        ("person-suspended", Stage::Suspended, "suspended"),
        ("death-recorded", Stage::Deceased, "deceased"),
        ("person-archived", Stage::Archived, "archived"),
        ("person-restored", Stage::Deceased, "deceased"),
        ("death-retracted", Stage::Suspended, "suspended"),
        ("person-reactivated", Stage::Active, "active"),
    ] {
        kinds.push(kind);
        let person = ada::<People>(&events(&kinds));
        assert_eq!(person.lifecycle.lifecycle, stage, "after {kind}");
        assert_eq!(serde_json::to_value(&person).unwrap()["lifecycle"], then);
    }
}

#[test]
fn a_nickname_is_kept_beside_the_official_name() {
    let nickname = event("name-changed", json!({"use": "nickname", "name": {"given": ["Addy"]}}));
    let person = ada::<People>(&[events(&VERIFIED[..1]), vec![nickname]].concat());
    assert_eq!(person.name, "Ada Lovelace");
    assert_eq!(person.names.len(), 2);
}

/// The same person as the aggregate knows them.
fn agrees(document: &PersonView, person: &Person) {
    let stage: &str = person.stage().into();
    assert_eq!(document.lifecycle.lifecycle.as_str(), stage.to_lowercase());
    assert_eq!(document.names, person.names);
    assert_eq!(document.birth_date, person.birth_date);
    assert_eq!(document.death_date, person.death_date);
    assert_eq!(document.preferred_contact, person.contacts.preferred);
    assert_eq!(document.components, person.components);
    assert_eq!(document.tags, person.tags);
    assert_eq!(document.preferences, person.preferences);
    let verified = document.contacts.values().filter(|c| c.status == ContactStatus::Verified);
    assert_eq!(verified.count(), person.contacts.verified());
    assert!(document.contacts.keys().eq(person.contacts.all.keys()));
    assert!(document.skills.keys().eq(person.skills.all.keys()));
    for (id, skill) in &document.skills {
        let known = &person.skills.all[id];
        assert_eq!((skill.level, &skill.endorsers), (known.level, &known.endorsers));
        assert_eq!(skill.certificate.is_some(), known.certificate.is_some());
    }
}

proptest! {
    #[test]
    fn the_document_and_the_aggregate_agree_on_any_history(history in any_person()) {
        let document = ada::<People>(&history);
        agrees(&document, &fold::<Person>(&history));
        prop_assert_eq!(document.version, history.len() as u64);
        let json: Value = serde_json::to_value(&document).unwrap();
        prop_assert_eq!(serde_json::from_value::<PersonView>(json).unwrap(), document);
    }
}
