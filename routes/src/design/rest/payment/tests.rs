//! What event types of payments ask for, by what callers give and leave out.

use domain::design::{DesignCommand, RecordPayment};
use kit::{Aggregate as _, Command as _, scenario};
use serde_json::{Value, json};
use strum::VariantArray as _;

use super::*;
use crate::design::rest::call::Provenance;

/// A request on which `commands` were carried out.
fn design(commands: &[(&str, Value)]) -> Design {
    let mut design = Design::default();
    let created = ("create-request", json!({"design_code": "D-7"}));
    for (ordinal, (name, body)) in (1..).zip([created].iter().chain(commands)) {
        let command = DesignCommand::read(name, body.to_string().as_bytes()).unwrap();
        let context = scenario::context(scenario::noon(), ordinal);
        for event in design.decide(&command, &context).unwrap() {
            design.evolve(&event);
        }
    }
    design
}

fn call(kind: EventType, data: &str, design: &Design) -> Result<Call, Refusal> {
    let data = Given::read(data.as_bytes()).unwrap();
    kind.call(("r-1", &data), &Provenance::default(), design, scenario::noon())
}

fn payment(kind: EventType, data: &str, design: &Design) -> Result<RecordPayment, Refusal> {
    let call = call(kind, data, design)?;
    let command = DesignCommand::read(call.name, &call.body.bytes()?);
    match command.unwrap() {
        DesignCommand::RecordPayment(payment) => Ok(payment),
        other => panic!("{other:?}"),
    }
}

fn refused(kind: EventType, data: &str) -> String {
    payment(kind, data, &design(&[])).unwrap_err().code.into_owned()
}

#[test]
fn amounts_are_in_major_units_and_exact() {
    for (amount, currency, minor) in [
        ("49.9", "eur", 4_990),
        ("\"49.90\"", "EUR", 4_990),
        ("0.29", "usd", 29),
        ("1.15", "eur", 115),
        ("500", "jpy", 500),
        ("1.234", "kwd", 1_234),
        ("9999999999.99", "eur", 999_999_999_999),
    ] {
        let data = format!(r#"{{"amount":{amount},"currency":"{currency}"}}"#);
        let payment = payment(EventType::PaymentSucceeded, &data, &design(&[])).unwrap();
        assert_eq!(payment.amount, minor, "{data}");
    }
}

#[test]
fn an_amount_or_currency_that_is_none_is_refused() {
    for (data, code) in [
        (r#"{"amount":49.999,"currency":"eur"}"#, "invalid-amount"),
        (r#"{"amount":0.5,"currency":"jpy"}"#, "invalid-amount"),
        (r#"{"amount":1e3,"currency":"eur"}"#, "invalid-amount"),
        (r#"{"amount":"many","currency":"eur"}"#, "invalid-amount"),
        (r#"{"currency":"eur"}"#, "invalid-amount"),
        (r#"{"amount":1}"#, "invalid-currency"),
        (r#"{"amount":1,"currency":"euro"}"#, "invalid-currency"),
        (r#"{"amount":[1],"currency":"eur"}"#, "PGRST102"),
        (r#"{"amount":1,"currency":7}"#, "PGRST102"),
        (r#"{"amount":1,"currency":"eur","intent_id":"a.b"}"#, "22P02"),
        (r#"{"amount":1,"currency":"eur","created":"soon"}"#, "22P02"),
    ] {
        assert_eq!(refused(EventType::PaymentSucceeded, data), code, "{data}");
    }
}

#[test]
fn what_is_left_out_is_the_requests_own() {
    let quoted = design(&[("quote", json!({"amount": 4900, "currency": "eur"}))]);
    let paid = payment(EventType::PaymentFailed, "{}", &quoted).unwrap();
    assert_eq!((paid.amount, paid.currency.as_str()), (4_900, "eur"));
    assert!(paid.intent_id.as_str().starts_with("unnamed-"));
    let again = payment(EventType::PaymentFailed, "{}", &quoted).unwrap();
    assert_eq!(again.intent_id, paid.intent_id);

    let begun = design(&[(
        "record-payment",
        json!({"intent_id": "pi_1", "fact": "created", "amount": 500, "currency": "jpy",
            "at": "2026-11-21T12:00:00Z"}),
    )]);
    let paid = payment(EventType::PaymentSucceeded, "{}", &begun).unwrap();
    assert_eq!((paid.intent_id.as_str(), paid.amount), ("pi_1", 500));
    let other = payment(EventType::PaymentSucceeded, r#"{"intent_id":"pi_2"}"#, &begun);
    assert_eq!(other.unwrap().intent_id.as_str(), "pi_2");
}

#[test]
fn what_can_be_so_only_once_is_told_once() {
    let data = r#"{"amount":49,"currency":"eur","intent_id":"pi_1"}"#;
    for kind in EventType::VARIANTS.iter().filter(|kind| kind.command() == "record-payment") {
        let first = call(*kind, data, &design(&[])).unwrap();
        let told = json!({"intent_id": "pi_1", "amount": 4900, "currency": "eur",
            "fact": payment(*kind, data, &design(&[])).unwrap().fact,
            "at": "2026-11-20T12:00:00Z"});
        let again = call(*kind, data, &design(&[("record-payment", told)])).unwrap();
        let once = *kind != EventType::PaymentFailed;
        assert_eq!((first.known, again.known), (false, once), "{kind:?}");
        assert_eq!(first.command_id == again.command_id, once, "{kind:?}");
    }
}

#[test]
fn each_event_type_asks_for_a_command_that_there_is() {
    let data = r#"{"amount":49,"currency":"eur","fee":1.5,"net":47.5,"email":"ada@example.org"}"#;
    for kind in EventType::VARIANTS {
        let call = call(*kind, data, &design(&[])).unwrap();
        let read = DesignCommand::read(call.name, &call.body.bytes().unwrap());
        assert!(read.is_ok(), "{kind:?}: {read:?}");
    }
}
