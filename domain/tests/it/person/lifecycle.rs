//! The rows of the lifecycle's table.

use domain::person::{LifecycleStage as Stage, PersonError};
use kit::{Command, scenario::given_nothing};
use serde_json::{Value, json};

use super::{Person, ask, asking, fact, happened, person};

const ACTIVE: [&str; 4] =
    ["contact-added", "contact-verification-requested", "contact-verified", "person-activated"];

#[test]
fn a_person_is_created_provisional_and_to_be_onboarded() {
    let given =
        given_nothing::<Person>().when(ask("create-person")).then([happened("person-created")]);
    assert_eq!(given.state().stage(), Stage::Provisional);
}

#[test]
fn a_person_from_a_trusted_source_needs_no_onboarding() {
    let name = json!({"given": ["Ada"], "family": ["Lovelace"]});
    given_nothing::<Person>()
        .when(asking("create-person", &json!({"name": name, "source": "hr"})))
        .then([fact(
            "person-created",
            &json!({"name": name, "source": "hr", "onboarding": false}),
        )]);
}

#[test]
fn creating_the_same_person_again_is_unchanged_even_after_a_change_of_name() {
    person(&["name-changed"]).when(ask("create-person")).then_unchanged();
}

#[test]
fn creating_another_person_under_the_same_id_is_refused() {
    let same = serde_json::from_slice::<Value>(&ask("create-person").body().unwrap()).unwrap();
    for (field, other) in [
        ("name", json!({"given": ["Charles"]})),
        ("source", json!("hr")),
        ("external_ids", json!([])),
    ] {
        let mut body = same.clone();
        body[field] = other;
        let command = asking("create-person", &body);
        person(&[]).when(command).then_refused(PersonError::AlreadyExists);
    }
}

#[test]
fn a_person_comes_with_twenty_external_ids_at_most() {
    let person = |count: usize| {
        let ids = vec![json!({"system": "payroll", "value": "4711"}); count];
        let name = json!({"given": ["Ada"]});
        asking("create-person", &json!({"name": name, "source": "api", "external_ids": ids}))
    };
    let nobody = given_nothing::<Person>().when(person(21));
    let nobody = nobody.then_refused(PersonError::TooMany { max: 20 });
    assert!(nobody.when(person(20)).decided().is_ok());
}

#[test]
fn a_person_with_a_verified_contact_is_activated() {
    person(&ACTIVE[..3]).when(ask("activate")).then([happened("person-activated")]);
}

#[test]
fn a_person_from_a_trusted_source_is_activated_without_a_contact() {
    let created = json!({"name": {"given": ["Ada"]}, "source": "import", "onboarding": false});
    kit::scenario::given::<Person>([fact("person-created", &created)])
        .when(ask("activate"))
        .then([happened("person-activated")]);
}

#[test]
fn a_person_nobody_can_reach_is_not_activated() {
    let refused = PersonError::NoVerifiedContact;
    person(&[]).when(ask("activate")).then_refused(refused);
    person(&ACTIVE[..2]).when(ask("activate")).then_refused(refused);
}

#[test]
fn a_provisional_or_active_person_is_suspended_and_returns_to_what_they_were() {
    for (before, stage) in [(&ACTIVE[..3], Stage::Provisional), (&ACTIVE[..], Stage::Active)] {
        let given = person(before)
            .when(ask("suspend"))
            .then([happened("person-suspended")])
            .when(ask("reactivate"))
            .then([happened("person-reactivated")]);
        assert_eq!(given.state().stage(), stage);
    }
}

#[test]
fn who_is_activated_while_suspended_takes_part_when_the_suspension_ends() {
    let suspended = person(&[&ACTIVE[..3], &["person-suspended"]].concat());
    let given = suspended.when(ask("activate")).then([happened("person-activated")]);
    assert_eq!(given.state().stage(), Stage::Suspended);
    let given = given.when(ask("reactivate")).then([happened("person-reactivated")]);
    assert_eq!(given.state().stage(), Stage::Active);
}

#[test]
fn the_dead_and_the_archived_are_not_activated() {
    for (stage, name) in [(Stage::Deceased, "death-recorded"), (Stage::Archived, "person-archived")]
    {
        person(&[&ACTIVE[..3], &[name]].concat())
            .when(ask("activate"))
            .then_refused(PersonError::NotWhile(stage));
    }
}

#[test]
fn a_death_is_recorded_of_whoever_lives_and_retracted_by_a_named_user() {
    let suspended = [&ACTIVE[..], &["person-suspended"]].concat();
    let all = [
        (&ACTIVE[..3], Stage::Provisional),
        (&ACTIVE[..], Stage::Active),
        (&suspended[..], Stage::Suspended),
    ];
    for (before, stage) in all {
        let given = person(before)
            .by("registrar")
            .when(ask("record-death"))
            .then([happened("death-recorded")])
            .when(ask("retract-death"))
            .then([happened("death-retracted")]);
        assert_eq!((given.state().stage(), given.state().death_date), (stage, None));
    }
    person(&["death-recorded"]).when(ask("retract-death")).then_refused(PersonError::ActorRequired);
}

#[test]
fn nobody_dies_before_birth_or_in_the_future() {
    let death = |date| asking("record-death", &json!({"date": date}));
    let born = person(&["birth-date-set"]);
    born.clone().when(death("1985-12-09")).then_refused(PersonError::BeforeBirth);
    born.clone().when(death("2026-01-03")).then_refused(PersonError::InFuture);
    born.clone()
        .when(death("1985-12-10"))
        .then([fact("death-recorded", &json!({"date": "1985-12-10"}))]);
    born.when(death("2026-01-02")).then([fact("death-recorded", &json!({"date": "2026-01-02"}))]);
}

#[test]
fn another_date_of_death_is_refused() {
    person(&["death-recorded"])
        .when(asking("record-death", &json!({"date": "2025-11-26"})))
        .then_refused(PersonError::NotWhile(Stage::Deceased));
}

#[test]
fn everybody_is_archived_and_restored_as_they_were() {
    let all: [(&[&str], Stage); 5] = [
        (&[], Stage::Provisional),
        (&ACTIVE, Stage::Active),
        (&["person-suspended"], Stage::Suspended),
        (&["death-recorded"], Stage::Deceased),
        (&["person-suspended", "death-recorded"], Stage::Deceased),
    ];
    for (before, stage) in all {
        let alike = person(before);
        let given = alike
            .clone()
            .when(ask("archive"))
            .then([happened("person-archived")])
            .when(ask("restore"))
            .then([happened("person-restored")]);
        assert_eq!(given.state().stage(), stage);
        assert_eq!(given.state(), alike.state());
    }
}

#[test]
fn a_death_is_not_retracted_in_a_closed_record() {
    person(&["death-recorded", "person-archived"])
        .by("registrar")
        .when(ask("retract-death"))
        .then_refused(PersonError::NotWhile(Stage::Archived));
}
