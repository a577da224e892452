//! The inbox takes each event of Stripe once, knows which concern us, and reads payments out of them.

use domain::{
    design::PaymentFact,
    stripe_event::{
        BadIntent, CurrentIntent, Payload, PaymentIntent, Receive, StripeEvent, StripeEventError,
        StripeEventEvent, StripeEventReceived, examples, fact_of, known_types,
    },
};
use kit::{
    Aggregate, Chart, Event,
    scenario::{context, given, id, noon},
};
use serde_json::{Value, json};

use crate::{answers, wire};

#[track_caller]
fn happened(name: &str) -> StripeEventEvent {
    examples::events().into_iter().find(|event| event.kind().name == name).unwrap()
}

/// The payload of the sample, changed.
fn payload(change: impl FnOnce(&mut Value)) -> Payload {
    let StripeEventEvent::StripeEventReceived(StripeEventReceived { payload, .. }) =
        happened("received")
    else {
        panic!()
    };
    let mut value: Value = serde_json::from_str(payload.known().unwrap().as_str()).unwrap();
    change(&mut value);
    value.to_string().parse().unwrap()
}

/// What the aggregate `evt_1`, to which nothing has happened, answers to this payload.
fn receive(payload: Payload) -> Result<Vec<StripeEventEvent>, StripeEventError> {
    let context = context(noon(), 1).about(id("evt_1"));
    Aggregate::decide(&StripeEvent::default(), &Receive { payload }.into(), &context)
}

fn read(fact: PaymentFact, change: impl FnOnce(&mut Value)) -> Result<PaymentIntent, BadIntent> {
    PaymentIntent::read(&payload(|event| change(&mut event["data"]["object"])), fact)
}

#[test]
fn a_known_event_is_received_and_an_unknown_one_ignored_as_they_came() {
    let events = receive(payload(|_| {})).unwrap();
    let [StripeEventEvent::StripeEventReceived(received)] = events.as_slice() else { panic!() };
    assert_eq!(received.kind.as_str(), "payment_intent.succeeded");
    assert_eq!(received.payload.known(), Some(&payload(|_| {})));
    for kind in ["charge.updated", "payment_intent.requires_action", "anything.new"] {
        let events = receive(payload(|event| event["type"] = json!(kind))).unwrap();
        assert!(matches!(events[0], StripeEventEvent::StripeEventIgnored(_)), "{kind}");
    }
    for kind in known_types() {
        assert!(fact_of(kind).is_some());
        let events = receive(payload(|event| event["type"] = json!(kind))).unwrap();
        assert!(matches!(events[0], StripeEventEvent::StripeEventReceived(_)), "{kind}");
    }
}

#[test]
fn a_repeat_is_nothing_new_however_it_is_worded() {
    let repeat = payload(|event| event["pending_webhooks"] = json!(0));
    for past in ["received", "ignored"] {
        given::<StripeEvent>([happened(past)])
            .when(Receive { payload: repeat.clone() })
            .then_unchanged();
    }
}

#[test]
fn what_is_no_event_or_another_one_is_refused() {
    assert_eq!(receive("{".parse().unwrap()), Err(StripeEventError::NotAnEvent));
    assert_eq!(receive("{}".parse().unwrap()), Err(StripeEventError::NotAnEvent));
    let other = payload(|event| event["id"] = json!("evt_2"));
    assert_eq!(receive(other), Err(StripeEventError::AnotherEvent));
    let late = payload(|event| event["created"] = json!(i64::MAX));
    assert_eq!(receive(late), Err(StripeEventError::NotAnEvent));
}

#[test]
fn a_payment_is_read_out_of_its_event() {
    let intent = read(PaymentFact::Succeeded, |_| {}).unwrap();
    assert_eq!(intent.id.as_str(), "pi_1");
    assert_eq!(intent.request_id, id("request-1"));
    assert_eq!(intent.money.to_string(), "49.90 EUR");
    assert_eq!(intent.method.unwrap().as_str(), "card");
    let part = read(PaymentFact::Succeeded, |object| object["amount_received"] = json!(100));
    assert_eq!(part.unwrap().money.amount, 100, "what came counts, not what was asked for");
}

#[test]
fn a_failure_says_why_in_words_that_can_be_kept() {
    let error = json!({
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card\nhas insufficient funds. ".repeat(50),
        "payment_method": {"type": "sepa_debit"},
    });
    let failed = read(PaymentFact::Failed, |object| object["last_payment_error"] = error.clone());
    let failed = failed.unwrap();
    assert_eq!(failed.failure_code.unwrap().as_str(), "insufficient_funds");
    assert!(
        failed.failure_reason.unwrap().as_str().starts_with("Your cardhas insufficient funds.")
    );
    assert_eq!(failed.method.unwrap().as_str(), "sepa_debit");
    // An old error stays in a payment that succeeds later.
    let paid = read(PaymentFact::Succeeded, |object| object["last_payment_error"] = error).unwrap();
    assert_eq!((paid.failure_code, paid.method.unwrap().as_str()), (None, "card"));
    let cancelled = read(PaymentFact::Cancelled, |object| {
        object["cancellation_reason"] = json!("abandoned");
    });
    assert_eq!(cancelled.unwrap().failure_reason.unwrap().as_str(), "abandoned");
}

#[test]
fn what_says_nothing_that_could_be_recorded_says_why() {
    let code = |change: fn(&mut Value)| read(PaymentFact::Created, change).unwrap_err().code();
    assert_eq!(code(|object| object["metadata"] = json!({})), "no-request");
    assert_eq!(code(|object| object["metadata"]["request_id"] = json!("a.b > c")), "no-request");
    assert_eq!(code(|object| object["metadata"] = json!(7)), "unreadable");
    assert_eq!(code(|object| object["amount"] = json!("4990")), "unreadable");
    assert_eq!(code(|object| object["currency"] = json!("zzz")), "unreadable");
    assert_eq!(code(|object| object["currency"] = json!("ugx")), "uncertain-amount");
    assert_eq!(code(|object| *object = json!(null)), "unreadable");
}

#[test]
fn what_is_said_of_an_unreadable_payment_quotes_nothing_of_it() {
    let bad = read(PaymentFact::Created, |object| object["amount"] = json!("Ada Lovelace"));
    assert!(!bad.unwrap_err().to_string().contains("Ada"));
}

/// What Stripe answers when it is asked for the payment of the sample, changed.
fn current(change: impl FnOnce(&mut Value)) -> Result<CurrentIntent, BadIntent> {
    let event: Value = serde_json::from_str(payload(|_| {}).as_str()).unwrap();
    let mut object = event["data"]["object"].clone();
    object["latest_charge"] = json!({"id": "ch_1", "created": 1_767_323_200});
    change(&mut object);
    CurrentIntent::read(object.to_string().as_bytes(), &id("request-7"), noon())
}

#[test]
fn a_payment_is_where_stripe_says_it_is() {
    let second = |second| chrono::DateTime::from_timestamp(second, 0).unwrap();
    let declined = json!({"code": "card_declined"});
    for (change, fact, at) in [
        (json!({}), PaymentFact::Succeeded, second(1_767_323_200)),
        (
            json!({"status": "canceled", "canceled_at": 1_767_323_300}),
            PaymentFact::Cancelled,
            second(1_767_323_300),
        ),
        (json!({"status": "processing"}), PaymentFact::Processing, noon()),
        (
            json!({"status": "requires_payment_method", "last_payment_error": declined}),
            PaymentFact::Failed,
            noon(),
        ),
        (json!({"status": "requires_payment_method"}), PaymentFact::Created, second(1_767_323_045)),
        (json!({"status": "of_tomorrow"}), PaymentFact::Created, second(1_767_323_045)),
        // Stripe did not tell the charge with it.
        (json!({"latest_charge": "ch_1"}), PaymentFact::Succeeded, noon()),
    ] {
        let more = change.as_object().unwrap().clone();
        let read = current(|object| object.as_object_mut().unwrap().extend(more)).unwrap();
        assert_eq!((read.fact, read.at), (fact, at), "{change}");
    }
    let report = current(|_| {}).unwrap().report("somebody");
    assert_eq!((report.intent_id.as_str(), report.amount), ("pi_1", 4_990));
    assert_eq!(report.provenance.unwrap().created_by.unwrap().as_str(), "somebody");
    assert_eq!(report.stripe_event_id, None);
}

#[test]
fn a_payment_that_names_no_request_is_for_the_one_that_knows_it() {
    let request = |change: fn(&mut Value)| current(change).unwrap().intent.request_id;
    assert_eq!(request(|_| {}), id("request-1"));
    assert_eq!(request(|object| object["metadata"] = json!({})), id("request-7"));
    let code = |change: fn(&mut Value)| current(change).unwrap_err().code();
    assert_eq!(code(|object| object["status"] = json!(null)), "unreadable");
    assert_eq!(code(|object| object["latest_charge"]["created"] = json!(i64::MAX)), "unreadable");
    assert_eq!(code(|object| object["currency"] = json!("ugx")), "uncertain-amount");
}

#[test]
fn every_stage_answers_every_command() {
    let pasts = [
        vec![],
        vec![happened("received")],
        vec![happened("ignored")],
        vec![happened("received"), happened("set-aside")],
        vec![happened("received"), happened("personal-data-erased")],
    ];
    // In scenarios the aggregate is called `self`, so that nothing is received here.
    insta::assert_snapshot!(answers::table::<StripeEvent>(&pasts, &examples::commands()));
}

#[test]
fn the_life_of_an_event() {
    let [chart]: [Chart; 1] = StripeEvent::charts().try_into().unwrap();
    assert!(chart.unreached().is_empty() && chart.never_accepted().is_empty());
    assert_eq!(chart.dead_ends(), ["Erased"]);
    insta::assert_snapshot!(chart.mermaid());
}

#[test]
fn the_wire_of_the_inbox_is_kept() {
    wire::is_kept(&examples::events());
    wire::is_readable_for_ever::<StripeEventEvent>();
}
