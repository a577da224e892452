//! Who is found, by what, and in which order.

use kit::{Projection, Term};
use projections::{Directory, Stage, directory::DirectoryEntry};
use serde_json::json;

use crate::history::{ada, event, events};

/// Whether a query for `value` finds the document, as the store compares.
fn finds(document: &DirectoryEntry, name: &str, value: &str) -> bool {
    let asked = Directory::normalise(name, value);
    let field = Directory::FIELDS.iter().find(|field| field.name == name).unwrap();
    let matches = |term: &Term| match field.matches {
        kit::Match::Exact => term.value == asked,
        kit::Match::Prefix => term.value.starts_with(&asked),
    };
    Directory::terms(document).iter().any(|term| term.field == name && matches(term))
}

fn lovelace() -> DirectoryEntry {
    let name = json!({"given": ["Ada", "Maria"], "family": ["Lovelace"], "prefix": "Dr."});
    ada::<Directory>(&[event("person-created", json!({ "name": name }))])
}

#[test]
fn a_person_is_found_by_the_beginning_of_any_part_of_the_name() {
    for part in ["Ada", "lovel", "  MARIA  love", "ada maria lovelace", "dr. ada", ""] {
        assert!(finds(&lovelace(), "name", part), "{part:?}");
    }
    for part in ["velace", "ada lovelace", "bob"] {
        assert!(!finds(&lovelace(), "name", part), "{part:?}");
    }
}

#[test]
fn a_person_is_found_by_a_former_name_and_by_every_current_one() {
    let nickname = json!({"use": "nickname", "name": {"given": ["Addy"]}});
    let document = ada::<Directory>(
        &[events(&["person-created", "name-changed"]), vec![event("name-changed", nickname)]]
            .concat(),
    );
    assert_eq!(document.name, "Ada King");
    assert_eq!(document.former_names, ["Ada Lovelace"]);
    for name in ["king", "lovelace", "addy"] {
        assert!(finds(&document, "name", name), "{name}");
    }
}

#[test]
fn a_name_that_is_taken_again_is_not_former_any_more() {
    let back = event("name-changed", json!({"name": {"given": ["Ada"], "family": ["Lovelace"]}}));
    let all = [events(&["person-created", "name-changed"]), vec![back]].concat();
    let document = ada::<Directory>(&all);
    assert_eq!(
        (document.name.as_str(), document.former_names),
        ("Ada Lovelace", vec!["Ada King".to_owned()])
    );
}

#[test]
fn only_the_latest_former_names_are_kept() {
    let mut history = events(&["person-created"]);
    for at in 0..30 {
        history.push(event("name-changed", json!({"name": {"given": [format!("Name{at}")]}})));
    }
    let document = ada::<Directory>(&history);
    assert_eq!(document.former_names.len(), 20);
    assert!(!finds(&document, "name", "lovelace") && finds(&document, "name", "name28"));
}

#[test]
fn a_person_is_found_by_an_email_until_it_is_removed() {
    let document = ada::<Directory>(&events(&["person-created", "contact-added"]));
    assert!(finds(&document, "email", " ADA@example.org "));
    assert!(!finds(&document, "email", "ada@example"));
    let document =
        ada::<Directory>(&events(&["person-created", "contact-added", "contact-removed"]));
    assert!(!finds(&document, "email", "ada@example.org"));
}

#[test]
fn a_person_is_found_by_a_tag_until_it_is_taken_away() {
    let document = ada::<Directory>(&events(&["person-created", "tagged"]));
    assert!(finds(&document, "tag", "VIP"));
    let document = ada::<Directory>(&events(&["person-created", "tagged", "untagged"]));
    assert!(!finds(&document, "tag", "vip"));
}

#[test]
fn a_suspended_person_stays_in_the_directory_and_a_reactivated_one_is_active_again() {
    let suspended = ["person-created", "person-activated", "person-suspended"];
    let document = ada::<Directory>(&events(&suspended));
    assert_eq!(document.lifecycle.lifecycle, Stage::Suspended);
    assert!(finds(&document, "lifecycle", "suspended") && finds(&document, "name", "ada"));
    let document = ada::<Directory>(&events(&[&suspended[..], &["person-reactivated"]].concat()));
    assert!(finds(&document, "lifecycle", "active") && !finds(&document, "lifecycle", "suspended"));
}

#[test]
fn lists_go_by_family_name() {
    assert_eq!(Directory::order(&lovelace()), "lovelace ada maria");
}
