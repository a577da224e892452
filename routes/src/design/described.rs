//! What the routes say of themselves, for the description that the gateway gives.

mod applications;
mod parts;
mod supabase;

use gateway::openapi::answers;
use serde_json::{Value, json};

use self::parts::{body, found};

/// Their path items.
pub fn paths() -> impl Iterator<Item = (String, Value)> {
    let payments = [("/api/create-payment-intent", intent()), ("/api/webhooks/stripe", webhook())];
    let payments = payments.into_iter().map(|(path, post)| (path, json!({ "post": post })));
    let named = payments.chain(applications::paths());
    named.map(|(path, item)| (path.to_owned(), item)).chain(supabase::paths())
}

/// The schemas that they refer to.
pub fn schemas() -> impl Iterator<Item = (String, Value)> {
    let named = applications::schemas().into_iter();
    named.map(|(name, schema)| (name.to_owned(), schema)).chain(supabase::schemas())
}

fn intent() -> Value {
    let wanted = json!({
        "type": "object",
        "properties": {
            "request_id": {"type": "string"},
            "applicationId": {"type": "string", "description": "The same, by its other name."},
            "currency": {"type": ["string", "null"], "description":
                "Where the product has several prices.", "examples": ["eur"]},
        },
        // Both at once would be the same thing twice.
        "oneOf": [{"required": ["request_id"]}, {"required": ["applicationId"]}],
        "additionalProperties": false,
    });
    let payable = json!({
        "type": "object",
        "properties": {
            "client_secret": {"type": "string"},
            "payment_intent_id": {"type": "string"},
            "amount": {"type": "integer", "description": "In minor units."},
            "currency": {"type": "string", "pattern": "^[a-z]{3}$"},
        },
        "required": ["client_secret", "payment_intent_id", "amount", "currency"],
    });
    json!({
        "operationId": "payments.create-intent",
        "summary": "Begin to pay for a design request",
        "description": "Needs the grant `design.<id>.create-payment-intent`.",
        "tags": ["payments"],
        "requestBody": body(&wanted, &json!({"request_id": "r-1", "currency": "eur"})),
        "responses": answers(
            json!({"200": found("What Stripe's form needs.", &payable)}),
            &[404, 409, 413, 415, 422, 504],
        ),
    })
}

fn webhook() -> Value {
    let signature = json!({
        "name": "Stripe-Signature", "in": "header", "required": true,
        "description": "What lets it in: no key is needed.", "schema": {"type": "string"},
    });
    let event = json!({
        "type": "object",
        "description": "As Stripe made it; what else it holds is kept as it came.",
        "properties": {
            "id": {"type": "string", "pattern": "^evt_[A-Za-z0-9_]+$"},
            "object": {"const": "event"},
            "type": {"type": "string", "minLength": 1},
            "created": {"type": "integer"},
            "livemode": {"type": "boolean"},
        },
        "required": ["id", "object", "type", "created", "livemode"],
    });
    let example = json!({
        "id": "evt_1", "object": "event", "type": "charge.updated", "created": 1_764_000_000,
        "livemode": false,
    });
    json!({
        "operationId": "payments.webhook",
        "summary": "Take in an event of Stripe's",
        "tags": ["payments"],
        "security": [],
        "parameters": [signature],
        "requestBody": body(&event, &example),
        "responses": {
            "200": {"description": "It is stored."},
            "400": {"$ref": "#/components/responses/400"},
            "413": {"$ref": "#/components/responses/413"},
            "503": {"$ref": "#/components/responses/503"},
        },
    })
}
