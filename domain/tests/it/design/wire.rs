//! What others see of a request: events, bodies, refusals.

use domain::design::{
    DesignCommand, DesignError, DesignEvent, DesignStatus, FACTS_MAX, QUESTIONS_MAX, VERSIONS_MAX,
    examples,
};
use domain::money::Money;
use kit::{Command, DomainError};
use serde_json::{Value, json};

use crate::wire;

#[test]
fn the_wire_of_a_request_is_kept() {
    wire::is_kept(&examples::events());
    wire::is_readable_for_ever::<DesignEvent>();
}

#[test]
fn no_command_takes_a_field_that_it_does_not_know() {
    for (name, body) in examples::COMMANDS {
        let mut body: Value = serde_json::from_str(body).unwrap();
        assert!(DesignCommand::read(name, body.to_string().as_bytes()).is_ok(), "{name}");
        body["surprise"] = json!(1);
        let read = DesignCommand::read(name, body.to_string().as_bytes());
        assert!(matches!(read, Err(kit::BadCommand::Body(_))), "{name}: {read:?}");
    }
}

#[test]
fn every_command_comes_back_from_its_body() {
    for command in examples::commands() {
        let again = DesignCommand::read(command.name(), &command.body().unwrap());
        assert_eq!(again.unwrap(), command);
    }
}

#[test]
fn what_could_do_harm_is_not_even_read() {
    let answer = |field: &str, value: Value| {
        let mut body = json!({"question_id": "colour"});
        body[field] = value;
        DesignCommand::read("answer-question", body.to_string().as_bytes()).is_ok()
    };
    assert!(answer("text", json!("'; DROP TABLE design_requests; --\r\n<script>")), "only a text");
    assert!(!answer("text", json!("x".repeat(20_001))));
    assert!(!answer("text", json!("a\0b")));
    assert!(!answer("file_url", json!("javascript:alert(1)")));
    assert!(!answer("file_url", json!("https://example.org/\r\nX-Evil: 1")));
    assert!(!answer("options", json!("x".repeat(16 * 1024))));
    assert!(!answer("question_id", json!("a.b")));
    let read = |name: &str, body: Value| DesignCommand::read(name, body.to_string().as_bytes());
    for email in ["ada", "ada@example.org\r\nBcc: eve@example.org"] {
        assert!(read("submit-request", json!({"email": email})).is_err(), "{email:?}");
    }
    for currency in ["xyz", "euro", "", "€"] {
        let quote = json!({"amount": 1, "currency": currency});
        assert!(read("quote", quote).is_err(), "{currency:?}");
    }
    assert!(read("quote", json!({"amount": 49.9, "currency": "eur"})).is_err());
}

/// Every refusal. A new variant does not compile until it is in the list.
fn refusals() -> Vec<DesignError> {
    use DesignError as E;
    let money = |amount| Money::new(amount, "eur".parse().unwrap());
    let all = vec![
        E::NotFound,
        E::RequestExists,
        E::NotWhile(DesignStatus::InDesign),
        E::AlreadySubmitted,
        E::EmptyAnswer,
        E::TooManyQuestions { max: QUESTIONS_MAX },
        E::TooManyVersions { max: VERSIONS_MAX },
        E::AlreadyQuoted(money(4_990)),
        E::InvalidAmount,
        E::AmountMismatch { expected: money(4_990), found: money(100) },
        E::CurrencyMismatch { expected: money(1).currency, found: "usd".parse().unwrap() },
        E::TooManyFacts { max: FACTS_MAX },
        E::PaymentNotFound,
        E::FeesDiffer,
        E::PersonalDataErased,
    ];
    for error in &all {
        match error {
            E::NotFound
            | E::RequestExists
            | E::NotWhile(_)
            | E::AlreadySubmitted
            | E::EmptyAnswer
            | E::TooManyQuestions { .. }
            | E::TooManyVersions { .. }
            | E::AlreadyQuoted(_)
            | E::InvalidAmount
            | E::AmountMismatch { .. }
            | E::CurrencyMismatch { .. }
            | E::TooManyFacts { .. }
            | E::PaymentNotFound
            | E::FeesDiffer
            | E::PersonalDataErased => {}
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
