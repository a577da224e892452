//! Payments: which facts are recorded, what is superseded, and what the provider keeps.
//! Not here: which money pays for a request, and what is given back; `quotes` and `refunds` have that.

mod quotes;
mod refunds;

use domain::design::{
    Design, DesignCommand, DesignError, DesignEvent, FACTS_MAX, PaymentReport, PaymentStatus,
};
use kit::{
    Aggregate,
    scenario::{Given, context, noon},
};
use serde_json::{Value, json};

use super::{asking, names, request};

/// A request for a product whose price was quoted, and to which `names` have happened.
#[track_caller]
fn quoted(names: &[&str]) -> Given<Design> {
    request(&[&["request-quoted"], names].concat())
}

/// The command that tells `fact` of the payment `intent`, `second` seconds after noon.
pub(super) fn told(fact: &str, intent: &str, second: i64) -> DesignCommand {
    with(fact, intent, second, &json!({}))
}

fn with(fact: &str, intent: &str, second: i64, more: &Value) -> DesignCommand {
    let at = noon() + chrono::TimeDelta::seconds(second);
    let mut body =
        json!({"intent_id": intent, "fact": fact, "amount": 4990, "currency": "eur", "at": at});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    asking("record-payment", &body)
}

/// Tells `command` and goes on with what follows from it.
#[track_caller]
fn tell(given: Given<Design>, command: DesignCommand) -> (Vec<DesignEvent>, Given<Design>) {
    let when = given.when(command);
    let events = when.decided().clone().unwrap();
    (events.clone(), when.then(events))
}

#[track_caller]
fn report(event: &DesignEvent) -> &PaymentReport {
    match event {
        DesignEvent::PaymentIntentCreated(e) => &e.report,
        DesignEvent::PaymentSucceeded(e) => &e.report,
        DesignEvent::PaymentFailed(e) => &e.report,
        DesignEvent::PaymentCancelled(e) => &e.report,
        other => panic!("{other:?} reports no payment"),
    }
}

#[test]
fn a_late_fact_is_recorded_and_regresses_nothing() {
    let (_, given) = tell(quoted(&["request-submitted"]), told("succeeded", "pi_1", 30));
    let mut given = given;
    for (fact, second) in [("created", 0), ("processing", 10), ("failed", 40), ("cancelled", 50)] {
        let (events, next) = tell(given, told(fact, "pi_1", second));
        given = next;
        let report = report(&events[0]);
        assert!(report.superseded, "{fact}");
        assert_eq!(report.payment.status, PaymentStatus::Succeeded, "{fact}");
        assert_eq!(given.state().payment.status(), PaymentStatus::Succeeded, "{fact}");
    }
    assert_eq!(given.state().payment.summary().unwrap().attempts, 2);
}

#[test]
fn the_same_fact_twice_yields_nothing() {
    let by = |id: &str, second| with("failed", "pi_1", second, &json!({"stripe_event_id": id}));
    let (_, given) = tell(quoted(&[]), by("evt_1", 10));
    let (_, given) = tell(given.when(by("evt_1", 10)).then_unchanged(), told("failed", "pi_1", 20));
    given
        .when(told("failed", "pi_1", 20))
        .then_unchanged()
        // One event of the provider is one fact, whatever a repeat makes of it.
        .when(by("evt_1", 99))
        .then_unchanged()
        .when(with("succeeded", "pi_2", 99, &json!({"stripe_event_id": "evt_1"})))
        .then_unchanged();
}

#[test]
fn fractions_of_a_second_do_not_count() {
    let (_, given) = tell(quoted(&[]), told("created", "pi_1", 0));
    let late = json!({"at": noon() + chrono::TimeDelta::milliseconds(400)});
    given.when(with("created", "pi_1", 0, &late)).then_unchanged();
}

#[test]
fn a_failed_attempt_can_be_followed_by_another() {
    let (_, given) = tell(quoted(&[]), told("failed", "pi_1", 10));
    let (events, given) = tell(given, told("processing", "pi_1", 20));
    assert!(!report(&events[0]).superseded);
    assert_eq!(given.state().payment.status(), PaymentStatus::Processing);
    let (events, _) = tell(given, told("failed", "pi_1", 20));
    assert_eq!(report(&events[0]).payment.status, PaymentStatus::Failed);
    assert_eq!(report(&events[0]).payment.attempts, 2);
}

#[test]
fn the_intent_that_got_the_furthest_counts() {
    let (_, given) = tell(quoted(&[]), told("processing", "pi_1", 10));
    let (events, given) = tell(given, told("failed", "pi_2", 20));
    let other = report(&events[0]);
    assert!(other.superseded && other.payment.intent_id.as_str() == "pi_1");
    let (events, _) = tell(given, told("failed", "pi_1", 30));
    assert!(!report(&events[0]).superseded);
    assert_eq!(report(&events[0]).payment.status, PaymentStatus::Failed);
}

#[test]
fn thousands_of_failed_attempts_do_not_keep_a_success_out() {
    let mut design = quoted(&["request-submitted"]).state().clone();
    for second in 0..i64::try_from(FACTS_MAX).unwrap() {
        let failed = told("failed", &format!("pi_{}", second % 7), second);
        design.evolve(&design.clone().decide(&failed, &context(noon(), 1)).unwrap()[0]);
    }
    let one_more = design.decide(&told("failed", "pi_1", 1_000), &context(noon(), 2));
    assert_eq!(one_more, Err(DesignError::TooManyFacts { max: FACTS_MAX }));
    let again = design.decide(&told("failed", "pi_1", 1), &context(noon(), 2));
    assert_eq!(again, Ok(vec![]), "what is known is no more");
    let paid = design.decide(&told("succeeded", "pi_1", 1_000), &context(noon(), 2)).unwrap();
    assert_eq!(names(&paid), ["payment-succeeded"]);
    assert!(serde_json::to_vec(&design).unwrap().len() < 128 * 1024);
}

#[test]
fn fees_are_recorded_once_and_only_of_a_known_payment() {
    let fees = |fee, net| {
        let body = json!({"intent_id": "pi_1", "fee": fee, "net": net, "currency": "usd"});
        asking("record-fees", &body)
    };
    quoted(&[]).when(fees(170, 4_820)).then_refused(DesignError::PaymentNotFound);
    let (_, given) = tell(quoted(&[]), told("succeeded", "pi_1", 1));
    let given = given.when(fees(-1, 4_820)).then_refused(DesignError::InvalidAmount);
    let (_, given) = tell(given, fees(170, 4_820));
    given.when(fees(171, 4_819)).then_refused(DesignError::FeesDiffer);
}
