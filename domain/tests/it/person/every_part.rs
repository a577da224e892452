//! Every stage of a contact and of a skill against every command about it: one row per command
//! and what makes a difference to it, one column per stage. The person is provisional.
//! Not here: what depends on the stage of life.

use chrono::{DateTime, TimeDelta, Utc};
use domain::person::{Person, PersonCommand, RecognitionStage, VerificationStage};
use kit::{
    Command, Machine,
    scenario::{fold, noon},
};
use serde_json::{Value, json};
use strum::VariantArray;

use super::{answer, asking, code, examples, happened};

/// A row: the command, what its body has instead of the sample's, the days that have gone by, and
/// the answers. `.` stands for unchanged, an answer in the past tense for the event that follows,
/// any other for the code of the refusal.
type Row<const STAGES: usize> = (&'static str, Value, i64, [&'static str; STAGES]);

/// The answers while the contact is absent, unverified, pending, verified, undeliverable, removed.
#[rustfmt::skip]
fn of_contacts() -> Vec<Row<6>> {
    let (same, right) = (json!({}), json!({"code": code()}));
    let other = json!({"challenge_id": "challenge-0", "code": code()});
    vec![
        ("add-contact", same.clone(), 0, ["contact-added", ".", ".", ".", ".", "contact-added"]),
        ("add-contact", json!({"value": "ada@example.com"}), 0, ["contact-added", "contact-exists", "contact-exists", "contact-exists", "contact-exists", "contact-added"]),
        ("request-contact-verification", same.clone(), 0, ["contact-not-found", "contact-verification-requested", ".", ".", "contact-verification-requested", "contact-not-found"]),
        ("request-contact-verification", json!({"resend": true}), 0, ["contact-not-found", "contact-verification-requested", "contact-verification-requested", ".", "contact-verification-requested", "contact-not-found"]),
        ("request-contact-verification", same.clone(), 1, ["contact-not-found", "contact-verification-requested", "contact-verification-requested", ".", "contact-verification-requested", "contact-not-found"]),
        ("confirm-contact", right.clone(), 0, ["contact-not-found", "no-challenge", "contact-verified", ".", "no-challenge", "contact-not-found"]),
        ("confirm-contact", same.clone(), 0, ["contact-not-found", "no-challenge", "contact-verification-failed", ".", "no-challenge", "contact-not-found"]),
        ("confirm-contact", other, 0, ["contact-not-found", "no-challenge", "challenge-not-current", ".", "no-challenge", "contact-not-found"]),
        ("confirm-contact", right, 1, ["contact-not-found", "no-challenge", "challenge-expired", ".", "no-challenge", "contact-not-found"]),
        ("expire-contact-verification", same.clone(), 0, ["contact-not-found", ".", "not-due", ".", ".", "contact-not-found"]),
        ("expire-contact-verification", same.clone(), 1, ["contact-not-found", ".", "contact-verification-expired", ".", ".", "contact-not-found"]),
        ("expire-contact-verification", json!({"challenge_id": "challenge-0"}), 1, ["contact-not-found", ".", ".", ".", ".", "contact-not-found"]),
        ("mark-contact-undeliverable", same.clone(), 0, ["contact-not-found", "contact-undeliverable", "contact-undeliverable", "contact-undeliverable", ".", "contact-not-found"]),
        ("set-preferred-contact", same.clone(), 0, ["contact-not-found", "contact-not-verified", "contact-not-verified", "preferred-contact-changed", "contact-not-verified", "contact-not-found"]),
        ("remove-contact", same.clone(), 0, ["contact-not-found", "contact-removed", "contact-removed", "contact-removed", "contact-removed", "contact-not-found"]),
        ("release-contact", same, 0, ["contact-not-found", ".", ".", "contact-released", ".", "contact-not-found"]),
    ]
}

/// The answers while the skill is absent, claimed, endorsed, certified, removed.
#[rustfmt::skip]
fn of_skills() -> Vec<Row<5>> {
    let same = json!({});
    let renewal = json!({"issued": "2026-01-01", "expires": null});
    vec![
        ("claim-skill", same.clone(), 0, ["skill-claimed", ".", ".", ".", "skill-claimed"]),
        ("claim-skill", json!({"level": "expert"}), 0, ["skill-claimed", "skill-exists", "skill-exists", "skill-exists", "skill-claimed"]),
        ("adjust-skill", same.clone(), 0, ["skill-not-found", "skill-adjusted", "skill-adjusted", "skill-adjusted", "skill-not-found"]),
        ("adjust-skill", json!({"level": "advanced"}), 0, ["skill-not-found", ".", ".", ".", "skill-not-found"]),
        ("endorse-skill", same.clone(), 0, ["skill-not-found", "skill-endorsed", ".", "skill-endorsed", "skill-not-found"]),
        ("endorse-skill", json!({"endorser": "mary"}), 0, ["skill-not-found", "skill-endorsed", "skill-endorsed", "skill-endorsed", "skill-not-found"]),
        ("endorse-skill", json!({"endorser": "self"}), 0, ["skill-not-found", "own-endorsement", "own-endorsement", "own-endorsement", "skill-not-found"]),
        ("certify-skill", same.clone(), 0, ["skill-not-found", "skill-certified", "skill-certified", ".", "skill-not-found"]),
        ("certify-skill", renewal, 0, ["skill-not-found", "skill-certified", "skill-certified", "skill-certified", "skill-not-found"]),
        ("expire-certification", same.clone(), 0, ["skill-not-found", ".", ".", "not-due", "skill-not-found"]),
        ("expire-certification", same.clone(), 365, ["skill-not-found", ".", ".", "certification-expired", "skill-not-found"]),
        ("remove-skill", same, 0, ["skill-not-found", "skill-removed", "skill-removed", "skill-removed", "skill-not-found"]),
    ]
}

const fn way_of_contact(stage: VerificationStage) -> &'static [&'static str] {
    match stage {
        VerificationStage::Absent => &[],
        VerificationStage::Unverified => &["contact-added"],
        VerificationStage::Pending => &["contact-added", "contact-verification-requested"],
        VerificationStage::Verified => {
            &["contact-added", "contact-verification-requested", "contact-verified"]
        }
        VerificationStage::Undeliverable => &["contact-added", "contact-undeliverable"],
        VerificationStage::Removed => &["contact-added", "contact-removed"],
    }
}

const fn way_of_skill(stage: RecognitionStage) -> &'static [&'static str] {
    match stage {
        RecognitionStage::Absent => &[],
        RecognitionStage::Claimed => &["skill-claimed"],
        RecognitionStage::Endorsed => &["skill-claimed", "skill-endorsed"],
        RecognitionStage::Certified => &["skill-claimed", "skill-certified"],
        RecognitionStage::Removed => &["skill-claimed", "skill-removed"],
    }
}

fn person(way: &[&str]) -> Person {
    let events: Vec<_> = ["person-created"].iter().chain(way).map(|name| happened(name)).collect();
    fold(&events)
}

/// The sample of the command `name` with `changes`.
fn with(name: &str, changes: &Value) -> PersonCommand {
    let sample = examples::COMMANDS.iter().find(|(sample, _)| *sample == name).unwrap().1;
    let mut body: Value = serde_json::from_str(sample).unwrap();
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    asking(name, &body)
}

fn after(days: i64) -> DateTime<Utc> {
    noon() + TimeDelta::days(days)
}

/// Asks every row of every column.
#[track_caller]
fn is_answered<S: VariantArray + Copy + std::fmt::Debug, const STAGES: usize>(
    table: &[Row<STAGES>],
    about: &[&str],
    person: impl Fn(S) -> Person,
) {
    for name in PersonCommand::NAMES {
        let is_about = about.iter().any(|word| name.contains(word));
        assert_eq!(table.iter().any(|(row, ..)| row == name), is_about, "{name}");
    }
    assert_eq!(S::VARIANTS.len(), STAGES);
    for (command, changes, days, answers) in table {
        for (stage, expected) in S::VARIANTS.iter().zip(answers) {
            let got = answer(&person(*stage), &with(command, changes), after(*days));
            assert_eq!(got, *expected, "{command} {changes} after {days} days, while {stage:?}");
        }
    }
}

#[test]
fn every_stage_of_a_contact_answers_every_command_as_the_table_says() {
    is_answered(&of_contacts(), &["contact"], |stage: VerificationStage| {
        let person = person(way_of_contact(stage));
        let found = person.contacts.all.values().next().map(|contact| contact.verification.stage());
        let gone = matches!(stage, VerificationStage::Absent | VerificationStage::Removed);
        assert_eq!(found, (!gone).then_some(stage));
        person
    });
}

#[test]
fn every_stage_of_a_skill_answers_every_command_as_the_table_says() {
    is_answered(&of_skills(), &["skill", "certification"], |stage: RecognitionStage| {
        let person = person(way_of_skill(stage));
        let found = person.skills.all.values().next().map(|skill| skill.recognition.stage());
        let gone = matches!(stage, RecognitionStage::Absent | RecognitionStage::Removed);
        assert_eq!(found, (!gone).then_some(stage));
        person
    });
}
