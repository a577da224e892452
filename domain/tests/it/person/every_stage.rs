//! Every stage of life against every command: one row per command, one column per stage.

use chrono::{DateTime, TimeZone, Utc};
use domain::person::{LifecycleStage, Person, PersonCommand};
use kit::{
    Command,
    scenario::{fold, noon},
};
use strum::VariantArray;

use super::{answer, ask, happened};

const ADDED: &[&str] = &["contact-added"];
const PENDING: &[&str] = &["contact-added", "contact-verification-requested"];
const VERIFIED: &[&str] = &["contact-added", "contact-verification-requested", "contact-verified"];
const CLAIMED: &[&str] = &["skill-claimed"];
const CERTIFIED: &[&str] = &["skill-claimed", "skill-certified"];
const WITH_PAGE: &[&str] = &["component-added"];

/// A row: the command, what has happened to the person before, and the answer while they are
/// unknown, provisional, active, suspended, deceased, archived. `.` stands for unchanged, an answer
/// in the past tense for the event that follows, any other for the code of the refusal.
type Row = (&'static str, &'static [&'static str], [&'static str; 6]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("create-person", &[], ["person-created", ".", ".", ".", ".", "."]),
    ("change-name", &[], ["not-found", "name-changed", "name-changed", "name-changed", "not-while", "not-while"]),
    ("set-birth-date", &[], ["not-found", "birth-date-set", "birth-date-set", "birth-date-set", "birth-date-set", "not-while"]),
    ("correct-birth-date", &["birth-date-set"], ["not-found", "birth-date-corrected", "birth-date-corrected", "birth-date-corrected", "birth-date-corrected", "not-while"]),
    ("add-contact", &[], ["not-found", "contact-added", "contact-added", "contact-added", "not-while", "not-while"]),
    ("request-contact-verification", ADDED, ["not-found", "contact-verification-requested", "contact-verification-requested", "contact-verification-requested", "not-while", "not-while"]),
    ("confirm-contact", PENDING, ["not-found", "contact-verification-failed", "contact-verification-failed", "contact-verification-failed", "not-while", "not-while"]),
    ("expire-contact-verification", PENDING, ["not-found", "contact-verification-expired", "contact-verification-expired", "contact-verification-expired", "contact-verification-expired", "contact-verification-expired"]),
    ("mark-contact-undeliverable", ADDED, ["not-found", "contact-undeliverable", "contact-undeliverable", "contact-undeliverable", "contact-undeliverable", "contact-undeliverable"]),
    ("set-preferred-contact", VERIFIED, ["not-found", "preferred-contact-changed", "preferred-contact-changed", "preferred-contact-changed", "not-while", "not-while"]),
    ("remove-contact", VERIFIED, ["not-found", "contact-removed", "only-verified-contact", "contact-removed", "not-while", "not-while"]),
    ("release-contact", VERIFIED, ["not-found", "contact-released", "contact-released", "contact-released", "contact-released", "contact-released"]),
    ("claim-skill", &[], ["not-found", "skill-claimed", "skill-claimed", "skill-claimed", "not-while", "not-while"]),
    ("adjust-skill", CLAIMED, ["not-found", "skill-adjusted", "skill-adjusted", "skill-adjusted", "not-while", "not-while"]),
    ("endorse-skill", CLAIMED, ["not-found", "skill-endorsed", "skill-endorsed", "skill-endorsed", "not-while", "not-while"]),
    ("certify-skill", CLAIMED, ["not-found", "skill-certified", "skill-certified", "skill-certified", "not-while", "not-while"]),
    ("expire-certification", CERTIFIED, ["not-found", "certification-expired", "certification-expired", "certification-expired", "certification-expired", "certification-expired"]),
    ("remove-skill", CLAIMED, ["not-found", "skill-removed", "skill-removed", "skill-removed", "not-while", "not-while"]),
    ("add-component", &[], ["not-found", "component-added", "component-added", "component-added", "not-while", "not-while"]),
    ("update-component", WITH_PAGE, ["not-found", "component-updated", "component-updated", "component-updated", "not-while", "not-while"]),
    ("remove-component", WITH_PAGE, ["not-found", "component-removed", "component-removed", "component-removed", "not-while", "not-while"]),
    ("tag", &[], ["not-found", "tagged", "tagged", "tagged", "not-while", "not-while"]),
    ("untag", &["tagged"], ["not-found", "untagged", "untagged", "untagged", "not-while", "not-while"]),
    ("set-preferences", &[], ["not-found", "preferences-changed", "preferences-changed", "preferences-changed", "not-while", "not-while"]),
    ("activate", &[], ["not-found", "no-verified-contact", ".", "no-verified-contact", "not-while", "not-while"]),
    ("activate", VERIFIED, ["not-found", "person-activated", ".", "person-activated", "not-while", "not-while"]),
    ("suspend", &[], ["not-found", "person-suspended", "person-suspended", ".", "not-while", "not-while"]),
    ("reactivate", &[], ["not-found", ".", ".", "person-reactivated", "not-while", "not-while"]),
    ("record-death", &[], ["not-found", "death-recorded", "death-recorded", "death-recorded", ".", "not-while"]),
    ("retract-death", &[], ["not-found", ".", ".", ".", "death-retracted", "not-while"]),
    ("archive", &[], ["not-found", "person-archived", "person-archived", "person-archived", "person-archived", "."]),
    ("restore", &[], ["not-found", ".", ".", ".", ".", "person-restored"]),
];

/// A person in `stage` to whom `more` has happened while they were free.
fn person(stage: LifecycleStage, more: &[&str]) -> Person {
    let way: &[&str] = match stage {
        LifecycleStage::Unknown => return Person::default(),
        LifecycleStage::Provisional => &[],
        LifecycleStage::Active => &["person-activated"],
        LifecycleStage::Suspended => &["person-suspended"],
        LifecycleStage::Deceased => &["death-recorded"],
        LifecycleStage::Archived => &["person-archived"],
    };
    let names: Vec<_> = [&["person-created"], more, way].concat();
    let events: Vec<_> = names.into_iter().map(happened).collect();
    let person: Person = fold(&events);
    assert_eq!(person.stage(), stage);
    person
}

/// Late enough for what expires, and otherwise the usual time.
fn time(command: &str) -> DateTime<Utc> {
    let late = Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).unwrap();
    if command.starts_with("expire-") { late } else { noon() }
}

#[test]
fn every_command_has_a_row() {
    for name in PersonCommand::NAMES {
        assert!(TABLE.iter().any(|(row, ..)| row == name), "{name} has no row");
    }
}

#[test]
fn every_stage_answers_every_command_as_the_table_says() {
    for (command, past, answers) in TABLE {
        for (stage, expected) in LifecycleStage::VARIANTS.iter().zip(answers) {
            let got = answer(&person(*stage, past), &ask(command), time(command));
            assert_eq!(got, *expected, "{command} while {stage:?}");
        }
    }
}
