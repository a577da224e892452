//! What is personal in a request is declared, erased once, and gone whether it was readable or not.

use domain::design::{Design, DesignError, DesignEvent, PersonalDataErased, examples};
use kit::{
    Aggregate, Event,
    scenario::{context, erased, fold, given, id, noon},
};
use proptest::prelude::*;
use serde_json::json;

use super::{ask, asking, happened, names, request};

/// What of each event is personal.
const PERSONAL: &[(&str, &[&str])] = &[
    ("request-created", &["provenance"]),
    ("answer-versioned", &["text", "file_url", "options", "provenance"]),
    ("request-submitted", &["email", "provenance"]),
    ("request-cancelled", &["reason"]),
    ("request-quoted", &[]),
    ("payment-intent-created", &["provenance"]),
    ("payment-succeeded", &["provenance"]),
    ("payment-failed", &["provenance", "failure_reason"]),
    ("payment-cancelled", &["provenance", "reason"]),
    ("payment-held", &["provenance"]),
    ("payment-unfit", &["provenance"]),
    ("payment-fees-recorded", &[]),
    ("refund-requested", &["provenance"]),
    ("design-started", &["provenance"]),
    ("design-completed", &["provenance"]),
    ("personal-data-erased", &[]),
];

#[test]
fn each_event_says_what_of_it_is_personal() {
    for kind in DesignEvent::KINDS {
        let (_, expected) = PERSONAL.iter().find(|(name, _)| *name == kind.name).unwrap();
        assert_eq!(happened(kind.name).written().unwrap().personal, *expected, "{}", kind.name);
    }
    let created = given::<Design>([]).when(ask("create-request")).decided().clone().unwrap();
    assert_eq!(created[0].written().unwrap().personal, ["email", "provenance"]);
}

#[test]
fn an_erased_event_says_nothing_personal_and_all_the_rest() {
    for event in examples::events() {
        let erased = erased(&event);
        assert!(erased.written().unwrap().personal.is_empty(), "{erased:?}");
        assert_eq!(erased.kind(), event.kind());
        let text = String::from_utf8(erased.data().unwrap()).unwrap();
        for personal in ["ada", "moss", "192.0.2.1", "changed my mind", "declined.", "grace"] {
            assert!(!text.contains(personal), "{text}");
        }
    }
}

#[test]
fn it_is_erased_once_and_names_what_stripe_has_told() {
    let past = ["request-submitted", "payment-failed", "payment-succeeded"];
    let erased = PersonalDataErased { stripe_events: vec![id("evt_3"), id("evt_4")] };
    request(&past).when(ask("erase-personal-data")).then([erased.into()]);
}

#[test]
fn nothing_more_is_taken_that_is_about_a_person() {
    let erased = || request(&["request-submitted", "personal-data-erased"]);
    for command in ["create-request", "answer-question", "submit-request"] {
        erased().when(ask(command)).then_refused(DesignError::PersonalDataErased);
    }
}

#[test]
fn what_is_told_of_payments_goes_on_without_what_it_says_about_people() {
    let given = request(&["request-submitted", "personal-data-erased"]);
    let command = asking(
        "record-payment",
        &json!({"intent_id": "pi_9", "fact": "failed", "amount": 4990, "currency": "eur",
            "at": "2026-01-02T03:05:05Z", "stripe_event_id": "evt_9",
            "failure_reason": "Ada's card", "provenance": {"created_by": "ada@example.org"}}),
    );
    let events = given.when(command).decided().clone().unwrap();
    assert_eq!(names(&events), ["payment-failed", "personal-data-erased"]);
    assert!(events.iter().all(|event| event.written().unwrap().personal.is_empty()));
    let DesignEvent::PersonalDataErased(erased) = &events[1] else { panic!("{events:?}") };
    assert_eq!(erased.stripe_events, [id("evt_9")]);
}

#[test]
fn the_work_goes_on() {
    let past = ["request-submitted", "payment-succeeded", "personal-data-erased"];
    let given = request(&past);
    let started = given.when(ask("start-design"));
    let events = started.decided().clone().unwrap();
    assert!(events.iter().all(|event| event.written().unwrap().personal.is_empty()));
    let events = started.then(events).when(ask("complete-design")).decided().clone().unwrap();
    assert_eq!(names(&events), ["design-completed"]);
}

proptest! {
    /// Whoever loads the request once the key is destroyed must decide as whoever has it in memory.
    #[test]
    fn after_the_erasure_it_is_the_same_whether_the_past_was_readable_or_not(
        which in prop::collection::vec(0..examples::EVENTS.len(), 0..12),
    ) {
        let all = examples::events();
        let mut past = vec![happened("request-created")];
        past.extend(which.into_iter().map(|at| all[at].clone()));
        let readable: Design = fold(&past);
        let erasing = readable.decide(&ask("erase-personal-data"), &context(noon(), 1)).unwrap();
        let gone: Vec<_> = past.iter().map(erased).collect();
        let readable: Design = fold(past.iter().chain(&erasing));
        let gone: Design = fold(gone.iter().chain(&erasing));
        prop_assert_eq!(readable, gone);
    }
}
