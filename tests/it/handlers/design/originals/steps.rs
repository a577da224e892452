//! The ways that requests go, and what each step is in the tables.

use serde_json::{Value, json};

use crate::handlers::design::report;

/// A command, the event that it leads to, and what of the state is another than before.
pub(super) struct Step {
    pub(super) command: (&'static str, Value),
    pub(super) event: (&'static str, Value),
    pub(super) by: &'static str,
    pub(super) becomes: Value,
}

fn step(
    command: (&'static str, Value),
    event: (&'static str, Value),
    by: &'static str,
    becomes: Value,
) -> Step {
    Step { command, event, by, becomes }
}

fn given(mut body: Value, by: &str, data: &Value) -> Value {
    body["provenance"] = json!({"created_by": by, "data": data, "metadata": {"ip": "192.0.2.1"}});
    body
}

/// The way of a request that is paid at the second attempt, with the data of the original samples where they have some.
pub(super) fn to_the_end() -> Vec<Step> {
    let mut steps = handed_in();
    steps.extend(paid());
    steps.extend([
        step(
            ("record-fees", json!({"intent_id": "pi_1", "fee": 5, "net": 4895, "currency": "eur"})),
            (
                "PAYMENT_FEES_RECORDED",
                json!({"intent_id": "pi_1", "fee": 5, "net": 4895, "currency": "eur"}),
            ),
            "clerk",
            json!({"payment_fee_amount": 0.05, "payment_net_amount": 48.95}),
        ),
        step(
            ("start-design", json!({"provenance": {"created_by": "grace"}})),
            ("DESIGN_STARTED", json!({})),
            "grace",
            json!({"current_status": "IN_DESIGN"}),
        ),
        step(
            ("complete-design", json!({})),
            ("DESIGN_COMPLETED", json!({})),
            "clerk",
            json!({"current_status": "COMPLETED"}),
        ),
    ]);
    steps
}

fn handed_in() -> Vec<Step> {
    let created = json!({"email": null, "design_code": "D-7", "product_id": "sofa"});
    let submitted = json!({"email": "ada@example.org", "status": "SUBMITTED"});
    vec![
        step(
            (
                "create-request",
                json!({"design_code": "D-7", "product_id": "sofa", "provenance": {"data": created}}),
            ),
            ("REQUEST_CREATED", created),
            "clerk",
            json!({"current_status": "DRAFT", "current_payment_status": "NONE",
                "design_code": "D-7", "product_id": "sofa", "payment_attempts": 0,
                "product_name": "Sofa", "product_description": null, "product_active": true}),
        ),
        step(
            ("quote", json!({"amount": 4900, "currency": "eur"})),
            ("REQUEST_QUOTED", json!({"amount": 4900, "currency": "eur"})),
            "clerk",
            json!({"total_amount": 49.0, "payment_currency": "eur", "product_price": 49.0}),
        ),
        step(
            (
                "submit-request",
                given(json!({"email": "ada@example.org"}), "ada@example.org", &submitted),
            ),
            ("REQUEST_SUBMITTED", submitted),
            "ada@example.org",
            json!({"current_status": "SUBMITTED", "email": "ada@example.org"}),
        ),
    ]
}

fn paid() -> Vec<Step> {
    let paid = json!({"amount": 49.0, "currency": "eur", "payment_method": "card"});
    let failed = json!({"failure_code": "card_declined", "failure_reason": "No money."});
    let mut declined = report("pi_1", "failed", 2);
    declined.as_object_mut().unwrap().extend(failed.as_object().unwrap().clone());
    let mut succeeded = report("pi_1", "succeeded", 3);
    succeeded["method"] = "card".into();
    vec![
        step(
            ("record-payment", given(report("pi_1", "created", 1), "stripe_webhook", &json!({}))),
            ("PAYMENT_INTENT_CREATED", json!({})),
            "stripe_webhook",
            json!({"current_payment_status": "PENDING", "stripe_payment_intent_id": "pi_1"}),
        ),
        step(
            ("record-payment", given(declined, "stripe_webhook", &failed)),
            ("PAYMENT_FAILED", failed),
            "stripe_webhook",
            json!({"current_payment_status": "FAILED", "payment_failure_code": "card_declined",
                "payment_failure_reason": "No money.", "payment_attempts": 1,
                "last_payment_attempt_at": "2026-01-02T03:04:02Z"}),
        ),
        step(
            ("record-payment", given(succeeded, "stripe_webhook", &paid)),
            ("PAYMENT_SUCCEEDED", paid),
            "stripe_webhook",
            json!({"current_status": "PAID", "current_payment_status": "SUCCEEDED",
                "payment_failure_code": null, "payment_failure_reason": null,
                "payment_attempts": 2, "last_payment_attempt_at": "2026-01-02T03:04:03Z",
                "payment_confirmed_at": "2026-01-02T03:04:03Z", "payment_method": "card"}),
        ),
    ]
}

/// Two that end otherwise.
pub(super) fn to_other_ends() -> Vec<Step> {
    vec![
        step(
            ("create-request", json!({"email": "bob@example.org"})),
            ("REQUEST_CREATED", json!({"email": "bob@example.org"})),
            "clerk",
            json!({"email": "bob@example.org", "current_status": "DRAFT",
                "current_payment_status": "NONE", "payment_attempts": 0}),
        ),
        step(
            ("record-payment", given(report("pi_2", "cancelled", 9), "stripe_webhook", &json!({}))),
            ("PAYMENT_CANCELLED", json!({})),
            "stripe_webhook",
            json!({"current_payment_status": "CANCELLED", "stripe_payment_intent_id": "pi_2",
                "total_amount": 49.0, "payment_currency": "eur"}),
        ),
        step(
            ("cancel-request", json!({"reason": "too late"})),
            ("REQUEST_CANCELLED", json!({"reason": "too late"})),
            "clerk",
            json!({"current_status": "CANCELLED"}),
        ),
    ]
}
