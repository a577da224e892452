//! Which money pays for a request: what was quoted, whichever came first.

use domain::design::{DesignError, DesignEvent, DesignStatus, PaymentStatus};
use serde_json::{Value, json};

use super::{quoted, tell, told, with};
use crate::design::{ask, asking, names, request, without_product};

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
    let (events, _) = tell(without_product(), cent());
    assert_eq!(names(&events), ["payment-succeeded"]);
}

#[test]
fn money_that_stands_aside_is_counted_once_whether_or_not_its_event_is_named() {
    let unnamed = |amount| with("succeeded", "pi_1", 1, &json!({"amount": amount}));
    let named = |amount| {
        with("succeeded", "pi_1", 3, &json!({"amount": amount, "stripe_event_id": "evt_1"}))
    };
    for amount in [4_990, 100] {
        let (events, given) = tell(request(&[]), named(amount));
        assert_eq!(names(&events), ["payment-held"]);
        let webhook_first = given.when(unnamed(amount)).then_unchanged();
        let (_, given) = tell(request(&[]), unnamed(amount));
        let (events, given) = tell(given, named(amount));
        assert_eq!(names(&events), ["payment-held"], "its event becomes known");
        let webhook_last = given.when(unnamed(amount)).then_unchanged();
        for given in [webhook_first, webhook_last] {
            let [held] = given.state().held.as_slice() else { panic!("{:?}", given.state()) };
            assert_eq!(held.stripe_event_id.as_ref().unwrap().as_str(), "evt_1");
            let (events, given) = tell(given.when(named(amount)).then_unchanged(), ask("quote"));
            let fits = amount == 4_990;
            let last = if fits { "payment-succeeded" } else { "payment-unfit" };
            assert_eq!(names(&events), ["request-quoted", last]);
            if !fits {
                // Nor does it fail for ever: it is known.
                given.when(unnamed(amount)).then_unchanged();
            }
        }
    }
    // Told after the quote, an event still takes the place of what had none.
    let (_, given) = tell(request(&[]), unnamed(100));
    let (_, given) = tell(given, ask("quote"));
    let (events, given) = tell(given, named(100));
    assert_eq!(names(&events), ["payment-unfit"]);
    assert_eq!(given.state().unfit.len(), 1, "{:?}", given.state().unfit);
    // Another amount of the same payment is other money.
    let (_, given) = tell(request(&[]), named(100));
    let (events, _) = tell(given, unnamed(200));
    assert_eq!(names(&events), ["payment-held"]);
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
    let (_, paid) = tell(without_product(), told("succeeded", "pi_1", 1));
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
