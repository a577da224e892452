//! Components: the original command, typed.

use domain::person::PersonError;
use serde_json::json;

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
