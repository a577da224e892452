//! What Stripe reports reaches its request, in any order, and what does not fit is set aside.

use domain::{
    design::{
        CreateRequest, Design, DesignStatus, PaymentFact, PaymentStatus, Provenance, Quote,
        RecordPayment, SubmitRequest,
    },
    stripe_event::{
        Payload, Receive, SetAside, StripeEvent, StripeEventEvent, StripeEventReceived,
        StripeEventSetAside,
    },
};
use kit::{
    Recorded,
    scenario::{id, noon},
};
use policies::RecordStripePayments;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    sentence::{happened, order, refused, whenever},
    world::World,
};

/// An event as Stripe writes it.
fn payload(event: &str, kind: &str, second: i64, change: impl FnOnce(&mut Value)) -> Payload {
    let mut body = json!({
        "id": event, "object": "event", "api_version": "2025-09-30.clover", "livemode": false,
        "created": noon().timestamp() + second, "pending_webhooks": 1, "type": kind,
        "request": {"id": null, "idempotency_key": null},
        "data": {"object": {
            "id": "pi_1", "object": "payment_intent", "amount": 4990, "amount_received": 0,
            "currency": "eur", "created": noon().timestamp(), "last_payment_error": null,
            "latest_charge": null, "livemode": false, "metadata": {"request_id": "request-1"},
            "payment_method_types": ["card"], "status": "requires_payment_method",
        }},
    });
    if kind == "payment_intent.succeeded" {
        body["data"]["object"]["amount_received"] = json!(4990);
    }
    change(&mut body["data"]["object"]);
    body.to_string().parse().unwrap()
}

fn received(kind: &str, change: impl FnOnce(&mut Value)) -> Recorded<StripeEventEvent> {
    happened::<StripeEventEvent, _>(StripeEventReceived {
        kind: kind.parse().unwrap(),
        created: noon(),
        livemode: false,
        api_version: None,
        payload: payload("ada", kind, 0, change).into(),
    })
}

#[test]
fn a_failed_payment_is_recorded_with_its_reason_by_stripe() {
    let event = received("payment_intent.payment_failed", |object| {
        object["last_payment_error"] = json!({"code": "card_declined", "message": "Declined."});
    });
    let record = RecordPayment {
        intent_id: "pi_1".parse().unwrap(),
        fact: PaymentFact::Failed,
        amount: 4_990,
        currency: "eur".parse().unwrap(),
        at: noon(),
        stripe_event_id: Some(id("ada")),
        method: Some("card".parse().unwrap()),
        failure_code: Some("card_declined".parse().unwrap()),
        failure_reason: Some("Declined.".parse().unwrap()),
        provenance: Some(Provenance::by("stripe_webhook".parse().unwrap())),
    };
    whenever(&RecordStripePayments, &event, [order::<Design>("request-1", record)]);
}

#[test]
fn what_says_nothing_that_could_be_recorded_is_set_aside_at_once() {
    let event = received("payment_intent.succeeded", |object| object["metadata"] = json!({}));
    let set_aside = SetAside {
        code: "no-request".parse().unwrap(),
        detail: "metadata.request_id is not there: the payment was made elsewhere".parse().unwrap(),
    };
    whenever(&RecordStripePayments, &event, [order::<StripeEvent>("ada", set_aside)]);
}

#[test]
fn what_the_request_refuses_is_set_aside_and_that_is_the_end_of_it() {
    let event = received("payment_intent.succeeded", |_| {});
    let set_aside =
        SetAside { code: "amount-mismatch".parse().unwrap(), detail: "-".parse().unwrap() };
    let answers = refused(&RecordStripePayments, &event, "amount-mismatch");
    assert_eq!(answers, [order::<StripeEvent>("ada", set_aside)]);
    let event = received("payment_intent.succeeded", |object| object["metadata"] = json!({}));
    assert!(refused(&RecordStripePayments, &event, "not-found").is_empty());
}

#[test]
fn neither_what_is_ignored_nor_what_is_set_aside_is_looked_at() {
    let set_aside = StripeEventSetAside {
        code: "amount-mismatch".parse().unwrap(),
        detail: "-".parse().unwrap(),
    };
    whenever(&RecordStripePayments, &happened::<StripeEventEvent, _>(set_aside), []);
}

/// A world with a submitted request about 49.90 euro.
fn world() -> World {
    let mut world = World::default();
    let request = id("request-1");
    let design = Some("D-7".parse().unwrap());
    let create =
        CreateRequest { product_id: None, design_code: design, email: None, provenance: None };
    world.send::<Design>(&request, create);
    let currency = "eur".parse().unwrap();
    world.send::<Design>(&request, Quote { amount: 4_990, currency, provenance: None });
    let email = "ada@example.org".parse().unwrap();
    world.send::<Design>(&request, SubmitRequest { email, provenance: None });
    world
}

fn receive(world: &mut World, event: &str, payload: Payload) {
    world.send::<StripeEvent>(&id(event), Receive { payload });
}

#[test]
fn the_inbox_says_what_became_of_everything() {
    let mut world = world();
    let succeeded = "payment_intent.succeeded";
    let to = |request: &'static str| {
        move |object: &mut Value| object["metadata"] = json!({"request_id": request})
    };
    let less = |object: &mut Value| object["amount_received"] = json!(100);
    let dollars = |object: &mut Value| object["currency"] = json!("usd");
    receive(&mut world, "evt_1", payload("evt_1", succeeded, 1, to("nobody")));
    receive(&mut world, "evt_2", payload("evt_2", succeeded, 2, less));
    receive(&mut world, "evt_3", payload("evt_3", succeeded, 3, dollars));
    receive(&mut world, "evt_4", payload("evt_4", "charge.succeeded", 4, |_| {}));
    world.settle();
    let design = world.state::<Design>(&id("request-1"));
    assert_eq!(design.payment.status(), PaymentStatus::None);
    // What does not fit stays known there, for the day on which it is to be given back.
    assert_eq!(world.refusals, ["record-payment: not-found"]);
    assert_eq!(design.unfit.len(), 2);
    let standing =
        ["evt_1", "evt_2", "evt_3", "evt_4"].map(|event| world.state::<StripeEvent>(&id(event)));
    use StripeEvent as E;
    assert_eq!(standing, [E::SetAside, E::SetAside, E::SetAside, E::Ignored]);
}

#[test]
fn a_payment_of_a_cancelled_request_is_to_be_given_back() {
    let mut world = world();
    let cancel = domain::design::CancelRequest { reason: None, provenance: None };
    world.send::<Design>(&id("request-1"), cancel);
    let payload = payload("evt_1", "payment_intent.succeeded", 1, |_| {});
    receive(&mut world, "evt_1", payload.clone());
    receive(&mut world, "evt_1", payload);
    world.settle();
    let design = world.state::<Design>(&id("request-1"));
    assert_eq!(design.refunds.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Events of one payment, each twice, in any order, by any interleaving: the request is paid, by
    /// the same amount, with the same attempts, and nothing is refused.
    #[test]
    fn any_order_of_stripes_events_ends_the_same(
        order in Just((0..10).collect::<Vec<usize>>()).prop_shuffle(),
        turns in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let kinds = ["created", "processing", "payment_failed", "processing", "succeeded"];
        let mut world = world();
        let mut turns = turns.into_iter();
        for place in order {
            let (event, kind) = (format!("evt_{}", place % 5), kinds[place % 5]);
            let second = i64::try_from(place % 5).unwrap();
            let kind = format!("payment_intent.{kind}");
            receive(&mut world, &event, payload(&event, &kind, second, |_| {}));
            if let Some(turn) = turns.next() {
                world.step(|count| usize::from(turn) % count);
            }
        }
        world.settle();
        let design = world.state::<Design>(&id("request-1"));
        prop_assert_eq!(design.status(), DesignStatus::Paid);
        let summary = design.payment.summary().unwrap();
        prop_assert_eq!(summary.status, PaymentStatus::Succeeded);
        prop_assert_eq!((summary.amount, summary.attempts), (4_990, 2));
        prop_assert_eq!(design.payment.all().count(), 5);
        prop_assert!(world.refusals.is_empty());
        prop_assert_eq!(world.ids::<StripeEvent>().len(), 5);
    }
}
