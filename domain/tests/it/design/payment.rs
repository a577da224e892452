//! Payments: what is checked, what is superseded, and what is to be given back.

use domain::design::{
    Design, DesignCommand, DesignError, DesignEvent, DesignStatus, FACTS_MAX, PaymentReport,
    PaymentStatus, RefundReason,
};
use kit::{
    Aggregate,
    scenario::{Given, context, noon},
};
use serde_json::{Value, json};

use super::{ask, asking, names, request};

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
fn what_was_quoted_is_what_is_paid() {
    let refused = |fact: &str, more: Value| {
        let refused = quoted(&[]).when(with(fact, "pi_1", 1, &more));
        kit::DomainError::code(refused.decided().as_ref().unwrap_err())
    };
    assert_eq!(refused("succeeded", json!({"amount": 4989})), "amount-mismatch");
    assert_eq!(refused("succeeded", json!({"currency": "usd"})), "currency-mismatch");
    assert_eq!(refused("succeeded", json!({"amount": 0})), "invalid-amount");
    assert_eq!(refused("succeeded", json!({"amount": -4990})), "invalid-amount");
    let (events, _) = tell(quoted(&[]), told("succeeded", "pi_1", 1));
    assert_eq!(names(&events), ["payment-succeeded"]);
}

#[test]
fn money_that_the_provider_has_stays_known_though_it_is_not_what_was_quoted() {
    let unfit = |mut more: Value| {
        more["stripe_event_id"] = json!("evt_1");
        let (events, given) = tell(quoted(&[]), with("succeeded", "pi_1", 1, &more));
        let [DesignEvent::PaymentUnfit(unfit)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(given.state().payment.status(), PaymentStatus::None);
        let given = given.when(with("succeeded", "pi_1", 1, &more)).then_unchanged();
        let (events, _) = tell(given, told("succeeded", "pi_2", 2));
        assert_eq!(names(&events), ["payment-succeeded"], "it pays for nothing");
        unfit.code.as_str().to_owned()
    };
    assert_eq!(unfit(json!({"amount": 4989})), "amount-mismatch");
    assert_eq!(unfit(json!({"currency": "usd"})), "currency-mismatch");
    let more = json!({"amount": 4989, "stripe_event_id": "evt_1"});
    let refused = quoted(&[]).when(with("failed", "pi_1", 1, &more));
    let code = kit::DomainError::code(refused.decided().as_ref().unwrap_err());
    assert_eq!(code, "amount-mismatch", "no money has moved");
}

/// Every order of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[test]
fn money_of_another_amount_is_given_back_in_whichever_order_quote_cancel_and_it_come() {
    for request in [request(&["request-submitted"]), super::without_product()] {
        for order in ORDERS {
            let steps = [
                ask("quote"),
                ask("cancel-request"),
                with("succeeded", "pi_1", 1, &json!({"amount": 4_000, "stripe_event_id": "evt_1"})),
            ];
            let mut design = request.state().clone();
            let mut refunds = Vec::new();
            for step in order {
                // A quote may be refused; money may not.
                let decided = design.decide(&steps[step], &context(noon(), 1));
                assert!(step == 0 || decided.is_ok(), "{order:?}: {decided:?}");
                for event in decided.unwrap_or_default() {
                    if let DesignEvent::RefundRequested(refund) = &event {
                        refunds.push((refund.intent_id.to_string(), refund.amount, refund.reason));
                    }
                    design.evolve(&event);
                }
            }
            let expected = [("pi_1".to_owned(), 4_000, RefundReason::Cancelled)];
            assert_eq!(refunds, expected, "{order:?}");
            assert!(design.held.is_empty() && design.unfit.is_empty(), "{order:?}");
        }
    }
}

#[test]
fn nothing_pays_for_a_product_before_its_price_is_quoted() {
    let cent = || with("succeeded", "pi_1", 1, &json!({"amount": 1}));
    let (events, given) = tell(request(&["request-submitted"]), cent());
    assert_eq!(names(&events), ["payment-held"]);
    let given = given.when(cent()).then_unchanged();
    let (events, given) = tell(given, told("succeeded", "pi_2", 2));
    assert_eq!(names(&events), ["payment-held"]);
    assert_eq!(given.state().status(), DesignStatus::Submitted);
    assert_eq!(given.state().payment.status(), PaymentStatus::None);
    // What fits is recorded with the quote, what does not is told apart.
    let (events, given) = tell(given, ask("quote"));
    assert_eq!(names(&events), ["request-quoted", "payment-unfit", "payment-succeeded"]);
    let DesignEvent::PaymentUnfit(unfit) = &events[1] else { panic!("{events:?}") };
    assert_eq!((unfit.held.intent_id.as_str(), unfit.code.as_str()), ("pi_1", "amount-mismatch"));
    assert_eq!(given.state().status(), DesignStatus::Paid);
    assert!(given.state().held.is_empty());
    let given = given.when(told("succeeded", "pi_2", 2)).then_unchanged();
    given.when(cent()).then_unchanged();
    // Without a product there is no price to check.
    let (events, _) = tell(super::without_product(), cent());
    assert_eq!(names(&events), ["payment-succeeded"]);
}

#[test]
fn what_was_paid_before_the_quote_is_given_back_when_the_request_is_called_off() {
    let (_, given) = tell(request(&["request-submitted"]), told("succeeded", "pi_1", 1));
    let (events, given) = tell(given, ask("cancel-request"));
    assert_eq!(names(&events), ["request-cancelled", "payment-succeeded", "refund-requested"]);
    // And when it comes afterwards.
    let (events, _) = tell(given, told("succeeded", "pi_2", 2));
    assert_eq!(names(&events), ["payment-succeeded", "refund-requested"]);
}

#[test]
fn what_waits_for_a_quote_is_bounded() {
    let mut given = request(&[]);
    for at in 0..100 {
        given = tell(given, told("succeeded", &format!("pi_{at}"), at)).1;
    }
    given
        .when(told("succeeded", "pi_more", 1))
        .then_refused(DesignError::TooManyFacts { max: 100 });
}

#[test]
fn the_first_quote_stands_and_agrees_with_the_money_that_came_before() {
    let quote = |amount| asking("quote", &json!({"amount": amount, "currency": "eur"}));
    let (_, paid) = tell(super::without_product(), told("succeeded", "pi_1", 1));
    let refused = paid.when(quote(4_991));
    let code = kit::DomainError::code(refused.decided().as_ref().unwrap_err());
    assert_eq!(code, "amount-mismatch");
    // What was only begun, or has failed, with another amount pays for nothing.
    let (_, given) = tell(request(&[]), with("created", "pi_1", 1, &json!({"amount": 1})));
    let (_, given) = tell(given, with("failed", "pi_1", 2, &json!({"amount": 1})));
    let (_, given) = tell(given, quote(4_990));
    let quoted = given.state().quote.unwrap();
    given.when(quote(5_000)).then_refused(DesignError::AlreadyQuoted(quoted));
    for amount in [0, -1, i64::MAX] {
        request(&[]).when(quote(amount)).then_refused(DesignError::InvalidAmount);
    }
}

#[test]
fn a_payment_of_a_cancelled_request_is_to_be_given_back_in_either_order_and_once() {
    let refund = |events: &[DesignEvent]| {
        let [_, DesignEvent::RefundRequested(refund)] = events else { panic!("{events:?}") };
        assert_eq!((refund.amount, refund.reason), (4_990, RefundReason::Cancelled));
    };
    let (events, given) = tell(quoted(&["request-cancelled"]), told("succeeded", "pi_1", 1));
    assert_eq!(names(&events), ["payment-succeeded", "refund-requested"]);
    refund(&events);
    let (events, _) = tell(given, told("succeeded", "pi_1", 2));
    assert_eq!(names(&events), ["payment-succeeded"]);

    let (_, given) = tell(quoted(&["request-submitted"]), told("succeeded", "pi_1", 1));
    let (events, given) = tell(given, ask("cancel-request"));
    assert_eq!(names(&events), ["request-cancelled", "refund-requested"]);
    refund(&events);
    given.when(ask("cancel-request")).then_unchanged();
}

#[test]
fn what_is_paid_twice_is_given_back_once_and_the_first_payment_stands() {
    let (_, given) = tell(quoted(&["request-submitted"]), told("succeeded", "pi_2", 20));
    let (events, given) = tell(given, told("succeeded", "pi_1", 10));
    let [DesignEvent::PaymentSucceeded(first), DesignEvent::RefundRequested(refund)] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert!(!first.report.superseded);
    assert_eq!((refund.intent_id.as_str(), refund.reason), ("pi_2", RefundReason::PaidTwice));
    let (events, _) = tell(given, ask("cancel-request"));
    let [_, DesignEvent::RefundRequested(refund)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((refund.intent_id.as_str(), refund.reason), ("pi_1", RefundReason::Cancelled));
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
