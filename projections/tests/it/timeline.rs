//! What has happened to a person, event by event.

use kit::{Event, Projection};
use projections::Timeline;
use serde_json::json;

use crate::history::{documents, events, log};

#[test]
fn every_event_has_its_own_entry_in_the_order_of_the_person() {
    let history = events(&["person-created", "contact-added", "tagged"]);
    let entries = documents::<Timeline>(&log("ada", &history));
    let mut entries: Vec<_> = entries.into_values().collect();
    entries.sort_by_key(Timeline::order);
    let what: Vec<_> = entries.iter().map(|entry| (entry.version, entry.what.as_str())).collect();
    assert_eq!(what, [(1, "person-created"), (2, "contact-added"), (3, "tagged")]);
}

#[test]
fn an_entry_says_what_happened_when_and_who_asked_and_not_what_the_event_holds() {
    let mut log = log("ada", &events(&["contact-added"]));
    log[0].metadata.user_id = Some("grace".to_owned());
    let (key, entry) = documents::<Timeline>(&log).pop_first().unwrap();
    assert_eq!(key, log[0].id.to_string());
    assert_eq!(
        serde_json::to_value(&entry).unwrap(),
        json!({
            "person": "ada", "version": 1, "what": "contact-added", "part": "mail",
            "when": "2026-01-02T03:05:05Z", "who": "grace", "command": key, "conversation": key,
        })
    );
    assert!(!serde_json::to_string(&entry).unwrap().contains("example.org"));
}

#[test]
fn entries_are_found_by_the_person_as_the_id_is_written() {
    let entries = documents::<Timeline>(&log("Ada-1", &events(&["person-created"])));
    let terms = Timeline::terms(&entries.into_values().next().unwrap());
    assert!(terms.iter().any(|term| term.field == "person" && term.value == "Ada-1"));
    assert_eq!(Timeline::normalise("person", "Ada-1"), "Ada-1");
}

#[test]
fn every_kind_of_event_has_an_entry() {
    let every = domain::person::examples::events();
    let entries = documents::<Timeline>(&log("ada", &every));
    assert_eq!(entries.len(), domain::person::PersonEvent::KINDS.len());
}
