//! Names, the birth date, tags and preferences.

use domain::person::{LifecycleStage as Stage, PersonError};
use serde_json::json;

use super::{ask, asking, fact, happened, person};

#[test]
fn a_name_changes_once() {
    person(&[]).when(ask("change-name")).then([happened("name-changed")]);
}

#[test]
fn the_name_that_the_person_has_is_no_change() {
    let body = json!({"name": {"given": ["Ada"], "family": ["Lovelace"]}});
    person(&[]).when(asking("change-name", &body)).then_unchanged();
}

#[test]
fn a_nickname_leaves_the_official_name_alone() {
    let body = json!({"use": "nickname", "name": {"given": ["Ada"], "family": ["Lovelace"]}});
    let given = person(&[]).when(asking("change-name", &body)).then([fact("name-changed", &body)]);
    assert_eq!(given.state().names.len(), 2);
}

#[test]
fn a_name_does_not_change_in_the_future_nor_after_death() {
    let body = json!({"name": {"given": ["Ada"]}, "effective": "2026-01-03"});
    person(&[]).when(asking("change-name", &body)).then_refused(PersonError::InFuture);
    for (stage, name) in [(Stage::Deceased, "death-recorded"), (Stage::Archived, "person-archived")]
    {
        person(&[name]).when(ask("change-name")).then_refused(PersonError::NotWhile(stage));
    }
}

#[test]
fn a_birth_date_is_set_once_and_then_corrected_by_a_named_user() {
    let given = person(&[]).when(ask("set-birth-date")).then([happened("birth-date-set")]);
    let other = asking("set-birth-date", &json!({"date": "1985-12-12"}));
    let given = given.when(other).then_refused(PersonError::BirthDateAlreadySet);
    let given = given.when(ask("correct-birth-date")).then_refused(PersonError::ActorRequired);
    given.by("registrar").when(ask("correct-birth-date")).then([happened("birth-date-corrected")]);
}

#[test]
fn what_was_never_set_is_not_corrected() {
    person(&[])
        .by("registrar")
        .when(ask("correct-birth-date"))
        .then_refused(PersonError::BirthDateNotSet);
}

#[test]
fn nobody_is_born_in_the_future_or_after_death() {
    let birth = |date| asking("set-birth-date", &json!({"date": date}));
    let dead = person(&["death-recorded"]);
    dead.clone().when(birth("2026-01-03")).then_refused(PersonError::InFuture);
    dead.clone().when(birth("2025-11-28")).then_refused(PersonError::AfterDeath);
    dead.when(birth("2025-11-27")).then([fact("birth-date-set", &json!({"date": "2025-11-27"}))]);
    let fix = |date| asking("correct-birth-date", &json!({"date": date, "reason": "a letter"}));
    let dead = person(&["birth-date-set", "death-recorded"]).by("registrar");
    dead.when(fix("2025-11-28")).then_refused(PersonError::AfterDeath);
}

#[test]
fn a_tag_is_there_once_in_whatever_case() {
    person(&[])
        .when(ask("tag"))
        .then([happened("tagged")])
        .when(asking("tag", &json!({"tag": "VIP"})))
        .then_unchanged()
        .when(ask("untag"))
        .then([happened("untagged")])
        .when(ask("untag"))
        .then_unchanged();
}

#[test]
fn a_person_has_a_hundred_tags_at_most() {
    let tagged = |number: usize| fact("tagged", &json!({"tag": format!("tag-{number}")}));
    let full = kit::scenario::given::<super::Person>(
        std::iter::once(happened("person-created")).chain((0..100).map(tagged)),
    );
    let full = full.when(ask("tag")).then_refused(PersonError::TooMany { max: 100 });
    full.when(asking("tag", &json!({"tag": "tag-7"}))).then_unchanged();
}

#[test]
fn preferences_are_set_as_a_whole() {
    let given = person(&[]).when(ask("set-preferences")).then([happened("preferences-changed")]);
    let fewer = json!({"language": "en"});
    given.when(asking("set-preferences", &fewer)).then([fact("preferences-changed", &fewer)]);
    person(&[]).when(asking("set-preferences", &json!({}))).then_unchanged();
}
