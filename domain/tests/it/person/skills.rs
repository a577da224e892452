//! The rows of the skill's table.

use chrono::{DateTime, TimeZone, Utc};
use domain::person::{Person, PersonError, Recognition};
use kit::scenario::{Given, id};
use serde_json::json;

use super::{ask, asking, fact, happened, person};

fn recognition(given: &Given<Person>) -> Recognition {
    given.state().skills.all.values().next().unwrap().recognition
}

fn day(year: i32, month: u32, day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, month, day, 0, 0, 0).unwrap()
}

#[test]
fn a_skill_is_claimed_under_the_id_it_comes_with_or_a_new_one() {
    let given = person(&[]).when(ask("claim-skill")).then([happened("skill-claimed")]);
    assert_eq!(recognition(&given), Recognition::Claimed);
    let given = person(&[]);
    let skill = json!({"skill_id": given.context().id(), "name": "Rust", "level": "beginner"});
    given
        .when(asking("claim-skill", &json!({"name": "Rust", "level": "beginner"})))
        .then([fact("skill-claimed", &skill)]);
}

#[test]
fn a_name_or_an_id_belongs_to_one_skill() {
    let claimed = person(&["skill-claimed"]);
    claimed
        .clone()
        .when(asking("claim-skill", &json!({"name": "ANALYSIS", "level": "advanced"})))
        .then_unchanged();
    for body in [
        json!({"name": "analysis", "level": "expert"}),
        json!({"skill_id": "other", "name": "Analysis", "level": "advanced"}),
        json!({"skill_id": "analysis", "name": "Weaving", "level": "advanced"}),
    ] {
        claimed.clone().when(asking("claim-skill", &body)).then_refused(PersonError::SkillExists);
    }
}

#[test]
fn a_skill_is_adjusted_in_every_state() {
    for more in [&[][..], &["skill-endorsed"], &["skill-certified"]] {
        let before = person(&[&["skill-claimed"], more].concat());
        let stands = recognition(&before);
        let after = before.when(ask("adjust-skill")).then([happened("skill-adjusted")]);
        assert_eq!(recognition(&after), stands);
    }
}

#[test]
fn a_skill_is_endorsed_once_by_each_other_person() {
    let given =
        person(&["skill-claimed"]).when(ask("endorse-skill")).then([happened("skill-endorsed")]);
    let other = json!({"skill_id": "analysis", "endorser": "mary"});
    let given = given.when(asking("endorse-skill", &other)).then([fact("skill-endorsed", &other)]);
    assert_eq!(recognition(&given), Recognition::Endorsed);
    let own = json!({"skill_id": "analysis", "endorser": id("self")});
    given.when(asking("endorse-skill", &own)).then_refused(PersonError::OwnEndorsement);
}

#[test]
fn a_certificate_holds_until_its_day_and_leaves_what_was_before() {
    for (more, before) in
        [(&[][..], Recognition::Claimed), (&["skill-endorsed"], Recognition::Endorsed)]
    {
        let given = person(&[&["skill-claimed"], more].concat());
        let given = given.when(ask("certify-skill")).then([happened("skill-certified")]);
        let due = day(2027, 1, 1);
        let given = given
            .when(ask("expire-certification"))
            .then_refused(PersonError::NotDue { due: Some(due) })
            .at(due)
            .when(ask("expire-certification"))
            .then([happened("certification-expired")]);
        assert_eq!(recognition(&given), before);
    }
}

#[test]
fn who_is_endorsed_while_certified_is_endorsed_afterwards() {
    let past = ["skill-claimed", "skill-certified", "skill-endorsed", "certification-expired"];
    assert_eq!(recognition(&person(&past)), Recognition::Endorsed);
}

#[test]
fn a_certificate_is_renewed() {
    let renewal =
        json!({"skill_id": "analysis", "issuer": "Royal Society", "issued": "2026-01-01"});
    person(&["skill-claimed", "skill-certified"])
        .when(asking("certify-skill", &renewal))
        .then([fact("skill-certified", &renewal)])
        .at(day(2099, 1, 1))
        .when(ask("expire-certification"))
        .then_refused(PersonError::NotDue { due: None });
}

#[test]
fn a_certificate_has_its_dates_in_order_and_holds_today() {
    for (issued, expires, refused) in [
        ("2026-01-03", "2027-01-01", PersonError::InFuture),
        ("2025-01-01", "2025-01-01", PersonError::CertificationDates),
        ("2025-01-01", "2026-01-02", PersonError::CertificationOver),
    ] {
        let body =
            json!({"skill_id": "analysis", "issuer": "X", "issued": issued, "expires": expires});
        person(&["skill-claimed"]).when(asking("certify-skill", &body)).then_refused(refused);
    }
}

#[test]
fn without_a_certificate_nothing_expires() {
    person(&["skill-claimed"])
        .at(day(2027, 1, 1))
        .when(ask("expire-certification"))
        .then_unchanged();
}

#[test]
fn a_skill_is_removed_in_every_state() {
    for more in [&[][..], &["skill-endorsed"], &["skill-certified"]] {
        let given = person(&[&["skill-claimed"], more].concat());
        let given = given.when(ask("remove-skill")).then([happened("skill-removed")]);
        assert!(given.state().skills.all.is_empty());
    }
}

#[test]
fn an_unknown_skill_is_refused_by_every_command_about_it() {
    for name in
        ["adjust-skill", "endorse-skill", "certify-skill", "expire-certification", "remove-skill"]
    {
        person(&[]).when(ask(name)).then_refused(PersonError::SkillNotFound);
    }
}

#[test]
fn a_person_has_a_hundred_skills_and_a_skill_a_hundred_endorsers_at_most() {
    let full = PersonError::TooMany { max: 100 };
    let claimed = |number: usize| {
        let id = number.to_string();
        fact("skill-claimed", &json!({"skill_id": id, "name": id, "level": "expert"}))
    };
    let created = || std::iter::once(happened("person-created"));
    kit::scenario::given::<Person>(created().chain((0..100).map(claimed)))
        .when(ask("claim-skill"))
        .then_refused(full);
    let endorsed = |number: usize| {
        fact("skill-endorsed", &json!({"skill_id": "analysis", "endorser": number.to_string()}))
    };
    let claimed = std::iter::once(happened("skill-claimed"));
    kit::scenario::given::<Person>(created().chain(claimed).chain((0..100).map(endorsed)))
        .when(ask("endorse-skill"))
        .then_refused(full);
}
