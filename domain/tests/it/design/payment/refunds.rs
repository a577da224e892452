//! Which money is to be given back, and that nobody is given it twice.

use domain::design::{DesignEvent, RefundReason};
use kit::{
    Aggregate,
    scenario::{context, noon},
};
use serde_json::json;

use super::{quoted, tell, told, with};
use crate::design::{ask, names, request, without_product};

/// Every order of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[test]
fn money_of_another_amount_is_given_back_in_whichever_order_quote_cancel_and_it_come() {
    for request in [request(&["request-submitted"]), without_product()] {
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
fn what_was_paid_before_the_quote_is_given_back_when_the_request_is_called_off() {
    let (_, given) = tell(request(&["request-submitted"]), told("succeeded", "pi_1", 1));
    let (events, given) = tell(given, ask("cancel-request"));
    assert_eq!(names(&events), ["request-cancelled", "payment-succeeded", "refund-requested"]);
    // And when it comes afterwards.
    let (events, _) = tell(given, told("succeeded", "pi_2", 2));
    assert_eq!(names(&events), ["payment-succeeded", "refund-requested"]);
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
