//! Components: the original command, typed.

use std::collections::BTreeSet;

use domain::person::{Component, PersonError, PersonEvent};
use kit::Event as _;
use serde_json::{Value, json};
use strum::VariantNames as _;

use super::{Person, ask, asking, fact, happened, person};

#[test]
fn the_original_welcome_mail_is_added_under_an_id_of_its_own() {
    let body = json!({
        "component_type": "custom_attribute",
        "data": {"type": "welcome_email", "template": "welcome_new_user", "to": "Ada Lovelace"},
    });
    let given = person(&[]);
    let mut expected = body.clone();
    expected["component_id"] = json!(given.context().id());
    given.when(asking("add-component", &body)).then([fact("component-added", &expected)]);
}

/// One of each type, except the one among the context's samples.
const FORMS: [(&str, &str); 11] = [
    (
        "address",
        r#"{"street":"12 St James's Square","locality":"London","region":"London","postal_code":"SW1Y 4JH","country":"GB"}"#,
    ),
    (
        "custom_attribute",
        r#"{"type":"welcome_email","template":"welcome_new_user","to":"Ada Lovelace"}"#,
    ),
    ("customer_segment", r#"{"segment":"early","since":"2025-01-01"}"#),
    (
        "education",
        r#"{"institution":"London","degree":"none","field":"Mathematics","start":"2003-01-01","end":"2006-12-31"}"#,
    ),
    (
        "employment",
        r#"{"organisation":"Analytical Engines","role":"Programmer","start":"2024-01-01","end":"2025-12-31"}"#,
    ),
    ("location", r#"{"place":"Ockham Park","since":"2025-01-01"}"#),
    ("messaging_app", r#"{"service":"Matrix","handle":"@ada:example.org"}"#),
    (
        "professional_affiliation",
        r#"{"organisation":"Royal Society","role":"Guest","start":"2024-01-01","end":"2025-12-31"}"#,
    ),
    (
        "project",
        r#"{"name":"Notes","role":"Author","url":"https://example.org/notes","start":"2024-01-01","end":"2025-12-31"}"#,
    ),
    ("relationship", r#"{"kind":"friend","person":"charles"}"#),
    (
        "social_profile",
        r#"{"platform":"Mastodon","handle":"@ada@example.org","url":"https://example.org/@ada"}"#,
    ),
];

/// The addition of each of [`FORMS`].
pub(super) fn added() -> Vec<PersonEvent> {
    let event = |(kind, data): &(&str, &str)| {
        let data: Value = serde_json::from_str(data).unwrap();
        let body = json!({"component_id": kind, "component_type": kind, "data": data});
        fact("component-added", &body)
    };
    FORMS.iter().map(event).collect()
}

#[test]
fn every_type_has_a_form_with_a_sample_of_all_its_fields() {
    let sample = [("website", "")];
    let kinds: BTreeSet<_> = sample.iter().chain(&FORMS).map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, Component::VARIANTS.iter().copied().collect());
    for ((kind, data), event) in FORMS.iter().zip(added()) {
        let PersonEvent::ComponentAdded(added) = &event else { panic!("{event:?}") };
        assert_eq!(added.component.component_type(), *kind);
        let written: Value = serde_json::from_slice(&event.data().unwrap()).unwrap();
        assert_eq!(written["data"], serde_json::from_str::<Value>(data).unwrap());
    }
}

#[test]
fn a_component_is_added_updated_and_removed() {
    person(&[])
        .when(ask("add-component"))
        .then([happened("component-added")])
        .when(ask("update-component"))
        .then([happened("component-updated")])
        .when(ask("remove-component"))
        .then([happened("component-removed")]);
}

#[test]
fn the_same_component_again_is_unchanged_with_and_without_its_id() {
    let anonymous =
        json!({"component_type": "website", "data": {"url": "https://example.org/ada"}});
    person(&["component-added"])
        .when(ask("add-component"))
        .then_unchanged()
        .when(asking("add-component", &anonymous))
        .then_unchanged();
}

#[test]
fn an_id_stands_for_one_component_of_one_type() {
    let address = json!({
        "component_id": "page", "component_type": "address",
        "data": {"locality": "London", "country": "GB"},
    });
    person(&["component-added"])
        .when(asking("add-component", &address))
        .then_refused(PersonError::ComponentExists)
        .when(asking("update-component", &address))
        .then_refused(PersonError::ComponentTypeDiffers);
}

#[test]
fn what_is_not_there_is_neither_updated_nor_removed() {
    for name in ["update-component", "remove-component"] {
        person(&[]).when(ask(name)).then_refused(PersonError::ComponentNotFound);
    }
}

#[test]
fn a_person_has_a_hundred_components_at_most() {
    let added = |number: usize| {
        fact(
            "component-added",
            &json!({
                "component_id": number.to_string(), "component_type": "location",
                "data": {"place": format!("room {number}")},
            }),
        )
    };
    kit::scenario::given::<Person>(
        std::iter::once(happened("person-created")).chain((0..100).map(added)),
    )
    .when(ask("add-component"))
    .then_refused(PersonError::TooMany { max: 100 });
}
