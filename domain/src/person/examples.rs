//! One sample of every command and of every event, as they stand on the wire.
//!
//! For charts, for the tests of every crate, and for people who look for a body to start from.
//! Not here: old versions; they are fixtures of the tests.

use super::{PersonCommand, PersonEvent};
use crate::samples;

/// Every event: its name and its data in the current version.
pub const EVENTS: &[(&str, &str)] = &[
    (
        "person-created",
        r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api","onboarding":true,"external_ids":[{"system":"payroll","value":"4711"}]}"#,
    ),
    (
        "name-changed",
        r#"{"use":"official","name":{"given":["Ada"],"family":["King"]},"reason":"marriage","effective":"2025-07-08"}"#,
    ),
    ("birth-date-set", r#"{"date":"1985-12-10"}"#),
    ("birth-date-corrected", r#"{"date":"1985-12-11","reason":"the passport says so"}"#),
    (
        "contact-added",
        r#"{"contact_id":"mail","kind":"email","value":"ada@example.org","use":"work"}"#,
    ),
    (
        "contact-verification-requested",
        r#"{"contact_id":"mail","kind":"email","challenge_id":"challenge-1","requested_at":"2026-01-02T03:04:05Z","expires_at":"2026-01-03T03:04:05Z","attempts":5}"#,
    ),
    ("contact-verified", r#"{"contact_id":"mail","kind":"email","reservation":"5f0c6c1e8d3b"}"#),
    (
        "contact-verification-failed",
        r#"{"contact_id":"mail","challenge_id":"challenge-1","attempts_left":4}"#,
    ),
    ("contact-verification-exhausted", r#"{"contact_id":"mail","challenge_id":"challenge-1"}"#),
    ("contact-verification-expired", r#"{"contact_id":"mail","challenge_id":"challenge-1"}"#),
    (
        "contact-undeliverable",
        r#"{"contact_id":"mail","kind":"email","reservation":"5f0c6c1e8d3b","reason":"550 no such mailbox"}"#,
    ),
    ("contact-released", r#"{"contact_id":"mail","kind":"email","reason":"contact-taken"}"#),
    ("preferred-contact-changed", r#"{"contact_id":"mail"}"#),
    ("contact-removed", r#"{"contact_id":"mail","kind":"email","reservation":"5f0c6c1e8d3b"}"#),
    ("skill-claimed", r#"{"skill_id":"analysis","name":"Analysis","level":"advanced"}"#),
    ("skill-adjusted", r#"{"skill_id":"analysis","level":"expert"}"#),
    ("skill-endorsed", r#"{"skill_id":"analysis","endorser":"charles"}"#),
    (
        "skill-certified",
        r#"{"skill_id":"analysis","issuer":"Royal Society","issued":"2025-01-01","expires":"2027-01-01"}"#,
    ),
    ("certification-expired", r#"{"skill_id":"analysis"}"#),
    ("skill-removed", r#"{"skill_id":"analysis"}"#),
    (
        "component-added",
        r#"{"component_id":"page","component_type":"website","data":{"url":"https://example.org/ada"}}"#,
    ),
    (
        "component-updated",
        r#"{"component_id":"page","component_type":"website","data":{"url":"https://example.org/ada","label":"Notes"}}"#,
    ),
    ("component-removed", r#"{"component_id":"page"}"#),
    ("tagged", r#"{"tag":"vip"}"#),
    ("untagged", r#"{"tag":"vip"}"#),
    (
        "preferences-changed",
        r#"{"language":"en","locale":"en-GB","timezone":"Europe/London","channels":["email","post"]}"#,
    ),
    ("person-activated", "{}"),
    ("person-suspended", r#"{"reason":"fees not paid"}"#),
    ("person-reactivated", r#"{"reason":"fees paid"}"#),
    ("death-recorded", r#"{"date":"2025-11-27"}"#),
    ("death-retracted", r#"{"reason":"mistaken identity"}"#),
    ("person-archived", r#"{"reason":"left"}"#),
    ("person-restored", r#"{"reason":"came back"}"#),
];

/// Every command: its name and a body.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "create-person",
        r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api","external_ids":[{"system":"payroll","value":"4711"}]}"#,
    ),
    (
        "change-name",
        r#"{"use":"official","name":{"given":["Ada"],"family":["King"]},"reason":"marriage","effective":"2025-07-08"}"#,
    ),
    ("set-birth-date", r#"{"date":"1985-12-10"}"#),
    ("correct-birth-date", r#"{"date":"1985-12-11","reason":"the passport says so"}"#),
    (
        "add-contact",
        r#"{"contact_id":"mail","kind":"email","value":"ada@example.org","use":"work"}"#,
    ),
    ("request-contact-verification", r#"{"contact_id":"mail","resend":false}"#),
    ("confirm-contact", r#"{"contact_id":"mail","challenge_id":"challenge-1","code":"123456"}"#),
    ("expire-contact-verification", r#"{"contact_id":"mail","challenge_id":"challenge-1"}"#),
    ("mark-contact-undeliverable", r#"{"contact_id":"mail","reason":"550 no such mailbox"}"#),
    ("set-preferred-contact", r#"{"contact_id":"mail"}"#),
    ("remove-contact", r#"{"contact_id":"mail","forced":false}"#),
    ("release-contact", r#"{"contact_id":"mail","reason":"contact-taken"}"#),
    ("claim-skill", r#"{"skill_id":"analysis","name":"Analysis","level":"advanced"}"#),
    ("adjust-skill", r#"{"skill_id":"analysis","level":"expert"}"#),
    ("endorse-skill", r#"{"skill_id":"analysis","endorser":"charles"}"#),
    (
        "certify-skill",
        r#"{"skill_id":"analysis","issuer":"Royal Society","issued":"2025-01-01","expires":"2027-01-01"}"#,
    ),
    ("expire-certification", r#"{"skill_id":"analysis"}"#),
    ("remove-skill", r#"{"skill_id":"analysis"}"#),
    (
        "add-component",
        r#"{"component_id":"page","component_type":"website","data":{"url":"https://example.org/ada"}}"#,
    ),
    (
        "update-component",
        r#"{"component_id":"page","component_type":"website","data":{"url":"https://example.org/ada","label":"Notes"}}"#,
    ),
    ("remove-component", r#"{"component_id":"page"}"#),
    ("tag", r#"{"tag":"vip"}"#),
    ("untag", r#"{"tag":"vip"}"#),
    (
        "set-preferences",
        r#"{"language":"en","locale":"en-GB","timezone":"Europe/London","channels":["email","post"]}"#,
    ),
    ("activate", "{}"),
    ("suspend", r#"{"reason":"fees not paid"}"#),
    ("reactivate", r#"{"reason":"fees paid"}"#),
    ("record-death", r#"{"date":"2025-11-27"}"#),
    ("retract-death", r#"{"reason":"mistaken identity"}"#),
    ("archive", r#"{"reason":"left"}"#),
    ("restore", r#"{"reason":"came back"}"#),
];

/// Every event, read.
#[must_use]
pub fn events() -> Vec<PersonEvent> {
    samples::events(EVENTS)
}

/// Every command, read.
#[must_use]
pub fn commands() -> Vec<PersonCommand> {
    samples::commands(COMMANDS)
}

#[cfg(test)]
mod tests {
    use kit::{Command, Event};

    use super::*;

    #[test]
    fn every_event_and_command_has_its_sample() {
        let kinds: Vec<_> = PersonEvent::KINDS.iter().map(|kind| kind.name).collect();
        let names =
            |all: &[(&'static str, &str)]| all.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(EVENTS), kinds);
        assert_eq!(events().len(), kinds.len());
        assert_eq!(names(COMMANDS), PersonCommand::NAMES);
        assert_eq!(commands().len(), PersonCommand::NAMES.len());
    }
}
