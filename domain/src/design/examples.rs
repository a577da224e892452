//! Samples of every command and of every event, as they stand on the wire.
//!
//! For charts, for the tests of every crate, and for people who look for a body to start from. There
//! are several of a kind where they lead to different places. Not here: old versions; they are fixtures
//! of the tests.

use super::{DesignCommand, DesignEvent};
use crate::samples;

/// Every event: its name and its data in the current version.
pub const EVENTS: &[(&str, &str)] = &[
    (
        "request-created",
        r#"{"product_id":"sofa","design_code":"D-7","provenance":{"data":{"email":null,"design_code":"D-7","product_id":"sofa"}}}"#,
    ),
    (
        "answer-versioned",
        r#"{"answer_id":"7a0c8a5e-4d0e-5a57-9e1f-0a5c5f1f0a01","question_id":"colour","version":1,"text":"Green,\nlike moss.","file_url":"https://example.org/moss.png","options":{"colours":["green"],"shades":2},"provenance":{"created_by":"ada@example.org"}}"#,
    ),
    (
        "request-submitted",
        r#"{"email":"ada@example.org","status":"SUBMITTED","provenance":{"created_by":"ada@example.org","metadata":{"ip":"192.0.2.1"},"data":{"email":"ada@example.org","status":"SUBMITTED"}}}"#,
    ),
    ("request-cancelled", r#"{"reason":"changed my mind"}"#),
    ("request-quoted", r#"{"amount":4990,"currency":"eur"}"#),
    (
        "payment-intent-created",
        r#"{"intent_id":"pi_1","amount":4990,"currency":"eur","at":"2026-01-02T03:04:05Z","stripe_event_id":"evt_1","method":"card","superseded":false,"payment":{"status":"PENDING","intent_id":"pi_1","amount":4990,"currency":"eur","attempts":0},"processing":false,"provenance":{"created_by":"stripe_webhook"}}"#,
    ),
    (
        "payment-succeeded",
        r#"{"intent_id":"pi_1","amount":4990,"currency":"eur","at":"2026-01-02T03:06:05Z","stripe_event_id":"evt_4","method":"card","superseded":false,"payment":{"status":"SUCCEEDED","intent_id":"pi_1","amount":4990,"currency":"eur","attempts":2,"last_attempt_at":"2026-01-02T03:06:05Z"},"status":"PAID","provenance":{"created_by":"stripe_webhook"}}"#,
    ),
    (
        "payment-failed",
        r#"{"intent_id":"pi_1","amount":4990,"currency":"eur","at":"2026-01-02T03:05:05Z","stripe_event_id":"evt_3","method":"card","failure_code":"card_declined","failure_reason":"Your card was declined.","superseded":false,"payment":{"status":"FAILED","intent_id":"pi_1","amount":4990,"currency":"eur","attempts":1,"last_attempt_at":"2026-01-02T03:05:05Z"},"provenance":{"created_by":"stripe_webhook"}}"#,
    ),
    (
        "payment-cancelled",
        r#"{"intent_id":"pi_1","amount":4990,"currency":"eur","at":"2026-01-02T03:05:35Z","stripe_event_id":"evt_5","reason":"abandoned","superseded":false,"payment":{"status":"CANCELLED","intent_id":"pi_1","amount":4990,"currency":"eur","attempts":1,"last_attempt_at":"2026-01-02T03:05:05Z"},"provenance":{"created_by":"stripe_webhook"}}"#,
    ),
    (
        "payment-held",
        r#"{"intent_id":"pi_3","amount":4990,"currency":"eur","at":"2026-01-02T03:03:05Z","stripe_event_id":"evt_6","method":"card","provenance":{"created_by":"stripe_webhook"}}"#,
    ),
    (
        "payment-unfit",
        r#"{"intent_id":"pi_3","amount":4990,"currency":"eur","at":"2026-01-02T03:03:05Z","stripe_event_id":"evt_6","method":"card","code":"amount-mismatch","detail":"the request is about 10.00 EUR, this is 49.90 EUR","provenance":{"created_by":"stripe_webhook"}}"#,
    ),
    ("payment-fees-recorded", r#"{"intent_id":"pi_1","fee":170,"net":4820,"currency":"eur"}"#),
    (
        "refund-requested",
        r#"{"intent_id":"pi_1","amount":4990,"currency":"eur","reason":"cancelled","provenance":{"created_by":"ada@example.org"}}"#,
    ),
    ("design-started", r#"{"provenance":{"created_by":"grace"}}"#),
    ("design-completed", r#"{"provenance":{"created_by":"grace"}}"#),
    ("personal-data-erased", r#"{"stripe_events":["evt_1","evt_4"]}"#),
    (
        "payment-intent-created",
        r#"{"intent_id":"pi_1","amount":4990,"currency":"eur","at":"2026-01-02T03:04:35Z","stripe_event_id":"evt_2","superseded":false,"payment":{"status":"PROCESSING","intent_id":"pi_1","amount":4990,"currency":"eur","attempts":0},"processing":true}"#,
    ),
    (
        "payment-intent-created",
        r#"{"intent_id":"pi_2","amount":4990,"currency":"eur","at":"2026-01-02T03:05:45Z","superseded":true,"payment":{"status":"PROCESSING","intent_id":"pi_1","amount":4990,"currency":"eur","attempts":0},"processing":false}"#,
    ),
    (
        "payment-failed",
        r#"{"intent_id":"pi_2","amount":4990,"currency":"eur","at":"2026-01-02T03:05:50Z","superseded":true,"payment":{"status":"PROCESSING","intent_id":"pi_1","amount":4990,"currency":"eur","attempts":1,"last_attempt_at":"2026-01-02T03:05:50Z"}}"#,
    ),
    (
        "payment-succeeded",
        r#"{"intent_id":"pi_2","amount":4990,"currency":"eur","at":"2026-01-02T03:07:05Z","superseded":true,"payment":{"status":"SUCCEEDED","intent_id":"pi_1","amount":4990,"currency":"eur","attempts":2,"last_attempt_at":"2026-01-02T03:07:05Z"},"status":"PAID"}"#,
    ),
    (
        "refund-requested",
        r#"{"intent_id":"pi_2","amount":4990,"currency":"eur","reason":"paid-twice"}"#,
    ),
];

/// Every command: its name and a body.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "create-request",
        r#"{"product_id":"sofa","design_code":"D-7","email":"ada@example.org","provenance":{"data":{"design_code":"D-7","product_id":"sofa"}}}"#,
    ),
    (
        "answer-question",
        r#"{"question_id":"colour","text":"Green,\nlike moss.","file_url":"https://example.org/moss.png","options":{"colours":["green"]},"provenance":{"created_by":"ada@example.org"}}"#,
    ),
    (
        "submit-request",
        r#"{"email":"ada@example.org","provenance":{"created_by":"ada@example.org"}}"#,
    ),
    (
        "cancel-request",
        r#"{"reason":"changed my mind","provenance":{"created_by":"ada@example.org"}}"#,
    ),
    ("quote", r#"{"amount":4990,"currency":"eur","provenance":{"created_by":"shop"}}"#),
    (
        "record-payment",
        r#"{"intent_id":"pi_1","fact":"failed","amount":4990,"currency":"eur","at":"2026-01-02T03:05:05Z","stripe_event_id":"evt_3","method":"card","failure_code":"card_declined","failure_reason":"Your card was declined.","provenance":{"created_by":"stripe_webhook"}}"#,
    ),
    (
        "record-fees",
        r#"{"intent_id":"pi_1","fee":170,"net":4820,"currency":"eur","provenance":{"created_by":"stripe_webhook"}}"#,
    ),
    ("start-design", r#"{"provenance":{"created_by":"grace"}}"#),
    ("complete-design", r#"{"provenance":{"created_by":"grace"}}"#),
    ("erase-personal-data", "{}"),
];

/// Every event, read.
#[must_use]
pub fn events() -> Vec<DesignEvent> {
    samples::events(EVENTS)
}

/// Every command, read.
#[must_use]
pub fn commands() -> Vec<DesignCommand> {
    samples::commands(COMMANDS)
}

#[cfg(test)]
mod tests {
    use kit::{Command, Event};

    use super::*;

    #[test]
    fn every_event_and_command_has_its_sample() {
        for kind in DesignEvent::KINDS {
            assert!(EVENTS.iter().any(|(name, _)| *name == kind.name), "{}", kind.name);
        }
        assert_eq!(events().len(), EVENTS.len());
        let names: Vec<_> = COMMANDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, DesignCommand::NAMES);
        assert_eq!(commands().len(), DesignCommand::NAMES.len());
    }
}
