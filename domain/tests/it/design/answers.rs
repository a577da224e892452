//! Answers are versioned per question, and one of them is current.

use std::collections::BTreeMap;

use domain::design::{Design, DesignError, DesignEvent, QUESTIONS_MAX, VERSIONS_MAX};
use kit::{
    Aggregate,
    scenario::{context, fold, given, noon},
};
use proptest::prelude::*;
use serde_json::json;

use super::{asking, happened, request};

fn answer(question: &str, text: &str) -> domain::design::DesignCommand {
    asking("answer-question", &json!({"question_id": question, "text": text}))
}

#[track_caller]
fn version(design: &Design, question: &str) -> u32 {
    design.answers[&question.parse().unwrap()].version
}

#[test]
fn a_question_answered_three_times_has_three_versions() {
    let mut design = request(&[]).state().clone();
    let mut ids = Vec::new();
    for (ordinal, text) in ["green", "blue", "green"].iter().enumerate() {
        let context = context(noon(), ordinal as u64);
        let events = design.decide(&answer("colour", text), &context).unwrap();
        let [DesignEvent::AnswerVersioned(answered)] = events.as_slice() else { panic!() };
        assert_eq!(answered.version as usize, ordinal + 1);
        ids.push(answered.answer_id);
        design.evolve(&events[0]);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "each version has an id of its own");
    assert_eq!(version(&design, "colour"), 3);
}

#[test]
fn the_same_answer_again_is_no_new_version() {
    let given = given::<Design>([happened("request-created"), happened("answer-versioned")]);
    let same = json!({"question_id": "colour", "text": "Green,\nlike moss.", "file_url": "https://example.org/moss.png", "options": {"shades": 2, "colours": ["green"]}});
    given.when(asking("answer-question", &same)).then_unchanged();
}

#[test]
fn an_answer_says_something_but_may_be_crossed_out() {
    request(&[])
        .when(asking("answer-question", &json!({"question_id": "colour"})))
        .then_refused(DesignError::EmptyAnswer);
    let blank = request(&[]).when(answer("colour", ""));
    assert_eq!(blank.decided().as_ref().unwrap().len(), 1);
}

#[test]
fn questions_and_versions_are_bounded() {
    let mut design = request(&[]).state().clone();
    for question in 0..QUESTIONS_MAX {
        let events = design.decide(&answer(&format!("q{question}"), "a"), &context(noon(), 1));
        design.evolve(&events.unwrap()[0]);
    }
    let refused = design.decide(&answer("one-more", "a"), &context(noon(), 2));
    assert_eq!(refused, Err(DesignError::TooManyQuestions { max: QUESTIONS_MAX }));
    assert!(design.decide(&answer("q7", "b"), &context(noon(), 3)).is_ok());

    let DesignEvent::AnswerVersioned(mut last) = happened("answer-versioned") else { panic!() };
    last.version = VERSIONS_MAX;
    let design: Design = fold([&happened("request-created"), &last.into()]);
    let refused = design.decide(&answer("colour", "again"), &context(noon(), 1));
    assert_eq!(refused, Err(DesignError::TooManyVersions { max: VERSIONS_MAX }));
}

#[test]
fn a_state_with_all_answers_fits_a_snapshot() {
    let mut design = request(&[]).state().clone();
    for question in 0..QUESTIONS_MAX {
        let (question, text) = (format!("{question:0>64}"), "x".repeat(20_000));
        let events = design.decide(&answer(&question, &text), &context(noon(), 1)).unwrap();
        design.evolve(&events[0]);
    }
    assert!(serde_json::to_vec(&design).unwrap().len() < 512 * 1024);
}

proptest! {
    /// Whatever is answered in whatever order: per question the versions are 1, 2, 3, ... without a
    /// gap, the last one is current, and two in a row differ.
    #[test]
    fn versions_are_dense_and_the_last_is_current(
        answers in prop::collection::vec((0..4_u8, 0..3_u8), 0..60),
    ) {
        let mut design = request(&[]).state().clone();
        let mut versions = BTreeMap::<String, Vec<(u32, u8)>>::new();
        for (ordinal, (question, text)) in answers.into_iter().enumerate() {
            let question = format!("q{question}");
            let command = answer(&question, &text.to_string());
            for event in design.decide(&command, &context(noon(), ordinal as u64)).unwrap() {
                let DesignEvent::AnswerVersioned(answered) = &event else { panic!() };
                versions.entry(question.clone()).or_default().push((answered.version, text));
                design.evolve(&event);
            }
        }
        prop_assert_eq!(design.answers.len(), versions.len());
        for (question, seen) in versions {
            for (before, (version, text)) in seen.iter().enumerate() {
                prop_assert_eq!(*version as usize, before + 1);
                prop_assert!(before == 0 || seen[before - 1].1 != *text);
            }
            prop_assert_eq!(version(&design, &question) as usize, seen.len());
        }
    }
}
