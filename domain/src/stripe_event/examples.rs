//! Samples of every event and command, for charts, documents and tests.
//! Not here: histories; scenarios tell them.

use super::{StripeEventCommand, StripeEventEvent};
use crate::samples;

/// Every event: its name and its data in the current version.
pub const EVENTS: &[(&str, &str)] = &[
    (
        "received",
        r#"{"type":"payment_intent.succeeded","created":"2026-01-02T03:06:05Z","livemode":false,"api_version":"2025-09-30.clover","payload":"{\n  \"id\": \"evt_1\",\n  \"object\": \"event\",\n  \"api_version\": \"2025-09-30.clover\",\n  \"created\": 1767323165,\n  \"data\": {\n    \"object\": {\n      \"id\": \"pi_1\",\n      \"object\": \"payment_intent\",\n      \"amount\": 4990,\n      \"amount_received\": 4990,\n      \"currency\": \"eur\",\n      \"created\": 1767323045,\n      \"customer\": null,\n      \"last_payment_error\": null,\n      \"latest_charge\": \"ch_1\",\n      \"livemode\": false,\n      \"metadata\": {\n        \"request_id\": \"request-1\"\n      },\n      \"payment_method_types\": [\n        \"card\"\n      ],\n      \"status\": \"succeeded\"\n    }\n  },\n  \"livemode\": false,\n  \"pending_webhooks\": 1,\n  \"request\": {\n    \"id\": null,\n    \"idempotency_key\": null\n  },\n  \"type\": \"payment_intent.succeeded\"\n}"}"#,
    ),
    (
        "ignored",
        r#"{"type":"charge.updated","created":"2026-01-02T03:06:06Z","livemode":false,"api_version":"2025-09-30.clover","payload":"{\n  \"id\": \"evt_2\",\n  \"object\": \"event\",\n  \"api_version\": \"2025-09-30.clover\",\n  \"created\": 1767323166,\n  \"data\": {\n    \"object\": {\n      \"id\": \"ch_1\",\n      \"object\": \"charge\"\n    }\n  },\n  \"livemode\": false,\n  \"pending_webhooks\": 1,\n  \"request\": {\n    \"id\": null,\n    \"idempotency_key\": null\n  },\n  \"type\": \"charge.updated\"\n}"}"#,
    ),
    (
        "set-aside",
        r#"{"code":"amount-mismatch","detail":"the request is about 49.90 EUR, this is 1.00 EUR"}"#,
    ),
    ("personal-data-erased", "{}"),
];

/// Every command: its name and a body. The payload is that of the event `evt_1`.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "receive",
        r#"{"payload":"{\n  \"id\": \"evt_1\",\n  \"object\": \"event\",\n  \"api_version\": \"2025-09-30.clover\",\n  \"created\": 1767323165,\n  \"data\": {\n    \"object\": {\n      \"id\": \"pi_1\",\n      \"object\": \"payment_intent\",\n      \"amount\": 4990,\n      \"amount_received\": 4990,\n      \"currency\": \"eur\",\n      \"created\": 1767323045,\n      \"customer\": null,\n      \"last_payment_error\": null,\n      \"latest_charge\": \"ch_1\",\n      \"livemode\": false,\n      \"metadata\": {\n        \"request_id\": \"request-1\"\n      },\n      \"payment_method_types\": [\n        \"card\"\n      ],\n      \"status\": \"succeeded\"\n    }\n  },\n  \"livemode\": false,\n  \"pending_webhooks\": 1,\n  \"request\": {\n    \"id\": null,\n    \"idempotency_key\": null\n  },\n  \"type\": \"payment_intent.succeeded\"\n}"}"#,
    ),
    (
        "set-aside",
        r#"{"code":"amount-mismatch","detail":"the request is about 49.90 EUR, this is 1.00 EUR"}"#,
    ),
    ("erase-personal-data", "{}"),
];

/// Every event, read.
#[must_use]
pub fn events() -> Vec<StripeEventEvent> {
    samples::events(EVENTS)
}

/// Every command, read.
#[must_use]
pub fn commands() -> Vec<StripeEventCommand> {
    samples::commands(COMMANDS)
}

#[cfg(test)]
mod tests {
    use kit::{Command, Event};

    use super::*;

    #[test]
    fn every_event_and_command_has_its_sample() {
        assert_eq!(events().len(), StripeEventEvent::KINDS.len());
        assert_eq!(commands().len(), StripeEventCommand::NAMES.len());
    }
}
