//! What the routes say of themselves, for the description that the gateway gives.

mod requests;

use gateway::openapi::answers;
use serde_json::{Value, json};

/// Their path items.
pub fn described() -> impl Iterator<Item = (String, Value)> {
    let payments = [("/api/create-payment-intent", intent()), ("/api/webhooks/stripe", webhook())];
    let payments = payments.into_iter().map(|(path, post)| (path, json!({ "post": post })));
    payments.chain(requests::described()).map(|(path, item)| (path.to_owned(), item))
}

fn intent() -> Value {
    let wanted = json!({
        "type": "object",
        "properties": {
            "request_id": {"type": "string", "description": "Or `applicationId`."},
            "applicationId": {"type": "string"},
            "currency": {"type": ["string", "null"], "examples": ["eur"]},
        },
        "additionalProperties": false,
    });
    let payable = json!({
        "type": "object",
        "properties": {
            "client_secret": {"type": "string"},
            "payment_intent_id": {"type": "string"},
            "amount": {"type": "integer", "description": "In minor units."},
            "currency": {"type": "string"},
        },
        "required": ["client_secret", "payment_intent_id", "amount", "currency"],
    });
    json!({
        "operationId": "payments.create-intent",
        "summary": "Begin to pay for a design request",
        "description": "Needs the grant `design.<id>.create-payment-intent`.",
        "tags": ["payments"],
        "requestBody": {"required": true, "content": {"application/json": {
            "schema": wanted, "example": {"request_id": "r-1", "currency": "eur"}}}},
        "responses": answers(
            json!({"200": {
                "description": "What Stripe's form needs.",
                "content": {"application/json": {"schema": payable}},
            }}),
            &[404, 409, 413, 415, 422, 504],
        ),
    })
}

fn webhook() -> Value {
    let signature = json!({
        "name": "Stripe-Signature", "in": "header", "required": true,
        "description": "What lets it in: no key is needed.", "schema": {"type": "string"},
    });
    json!({
        "operationId": "payments.webhook",
        "summary": "Take in an event of Stripe's",
        "tags": ["payments"],
        "security": [],
        "parameters": [signature],
        "requestBody": {"required": true, "content": {"application/json": {
            "schema": {"type": "object"}, "example": {"id": "evt_1", "type": "charge.updated"}}}},
        "responses": {
            "200": {"description": "It is stored."},
            "400": {"$ref": "#/components/responses/400"},
            "413": {"$ref": "#/components/responses/413"},
            "503": {"$ref": "#/components/responses/503"},
        },
    })
}
