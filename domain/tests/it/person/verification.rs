//! The rows of the contact's table: challenge, code, attempts, expiry, limits.

use chrono::{DateTime, TimeDelta, Utc};
use domain::person::{PersonCommand, PersonError, PersonEvent, REQUESTS_PER_HOUR_MAX};
use kit::{
    Command,
    scenario::{Given, given, noon},
};
use serde_json::json;
use uuid::Uuid;

use super::{Person, ask, asking, code, fact, happened, person};

const PENDING: [&str; 2] = ["contact-added", "contact-verification-requested"];

fn requested(challenge: Uuid, at: DateTime<Utc>) -> PersonEvent {
    fact(
        "contact-verification-requested",
        &json!({
            "contact_id": "mail", "kind": "email", "challenge_id": challenge, "attempts": 5,
            "requested_at": at, "expires_at": at + TimeDelta::hours(24),
        }),
    )
}

fn confirm(code: &str) -> PersonCommand {
    asking(
        "confirm-contact",
        &json!({"contact_id": "mail", "challenge_id": "challenge-1", "code": code}),
    )
}

/// A code that is not the right one.
fn wrong() -> String {
    if code() == "000000" { "000001".to_owned() } else { "000000".to_owned() }
}

fn resend() -> PersonCommand {
    asking("request-contact-verification", &json!({"contact_id": "mail", "resend": true}))
}

#[test]
fn an_unverified_or_bouncing_contact_is_challenged_for_a_day() {
    for past in [&["contact-added"][..], &["contact-added", "contact-undeliverable"]] {
        let given = person(past);
        let challenge = given.context().id();
        given.when(ask("request-contact-verification")).then([requested(challenge, noon())]);
    }
}

#[test]
fn while_a_code_is_under_way_another_is_sent_only_on_request() {
    let given = person(&PENDING).when(ask("request-contact-verification")).then_unchanged();
    let challenge = given.context().id();
    given.when(resend()).then_each_time([requested(challenge, noon())]);
}

#[test]
fn an_expired_code_is_replaced() {
    let later = noon() + TimeDelta::hours(24);
    let given = person(&PENDING).at(later);
    let challenge = given.context().id();
    given.when(ask("request-contact-verification")).then([requested(challenge, later)]);
}

#[test]
fn the_right_code_verifies_and_names_the_reservation_without_the_address() {
    let reservation = kit::scenario::secret().digest("reservation", b"email:ada@example.org");
    let data = json!({
        "contact_id": "mail", "kind": "email", "reservation": kit::AggregateId::hex(reservation),
    });
    person(&PENDING).when(confirm(&code())).then([fact("contact-verified", &data)]);
}

#[test]
fn a_verified_contact_is_not_verified_again() {
    let verified = person(&[&PENDING[..], &["contact-verified"]].concat());
    for command in [ask("request-contact-verification"), resend(), confirm(&code()), confirm("1")] {
        verified.clone().when(command).then_unchanged();
    }
}

#[test]
fn four_wrong_codes_fail_and_the_fifth_ends_the_challenge() {
    let mut given = person(&PENDING);
    for left in (1..5).rev() {
        let data =
            json!({"contact_id": "mail", "challenge_id": "challenge-1", "attempts_left": left});
        given = given
            .when(confirm(&wrong()))
            .then_each_time([fact("contact-verification-failed", &data)]);
    }
    given
        .when(confirm(&wrong()))
        .then([happened("contact-verification-exhausted")])
        .when(confirm(&code()))
        .then_refused(PersonError::NoChallenge);
}

#[test]
fn after_four_wrong_codes_the_right_one_still_counts() {
    let mut given = person(&PENDING);
    for _ in 0..4 {
        let decided = given.when(confirm(&wrong()));
        let events = decided.decided().clone().unwrap();
        given = decided.then_each_time(events);
    }
    let decided = given.when(confirm(&format!(" {} ", code())));
    let verified = |event: &PersonEvent| matches!(event, PersonEvent::ContactVerified(_));
    assert!(decided.decided().as_ref().unwrap().iter().all(verified));
}

#[test]
fn a_code_for_another_challenge_is_refused() {
    let body = json!({"contact_id": "mail", "challenge_id": "challenge-0", "code": code()});
    person(&PENDING)
        .when(asking("confirm-contact", &body))
        .then_refused(PersonError::ChallengeNotCurrent);
}

#[test]
fn a_code_without_a_challenge_is_refused() {
    person(&["contact-added"]).when(confirm(&code())).then_refused(PersonError::NoChallenge);
}

#[test]
fn a_code_works_until_its_last_second_and_not_after() {
    let end = noon() + TimeDelta::hours(24);
    let before = person(&PENDING).at(end - TimeDelta::seconds(1)).when(confirm(&code()));
    assert!(before.decided().is_ok());
    person(&PENDING).at(end).when(confirm(&code())).then_refused(PersonError::ChallengeExpired);
}

#[test]
fn a_challenge_ends_when_it_is_due_and_a_late_timer_changes_nothing() {
    let due = noon() + TimeDelta::hours(24);
    let command = ask("expire-contact-verification");
    person(&PENDING)
        .when(command.clone())
        .then_refused(PersonError::NotDue { due: Some(due) })
        .at(due)
        .when(command.clone())
        .then([happened("contact-verification-expired")]);
    for past in [&["contact-added"][..], &["contact-added", PENDING[1], "contact-verified"]] {
        person(past).at(due).when(command.clone()).then_unchanged();
    }
    let body = json!({"contact_id": "mail", "challenge_id": "challenge-0"});
    person(&PENDING).at(due).when(asking(command.name(), &body)).then_unchanged();
}

/// Asks for codes until no more are sent.
fn flood(mut given: Given<Person>, times: usize) -> Given<Person> {
    for _ in 0..times {
        let (now, challenge) = (given.context().now, given.context().id());
        given = given.when(resend()).then_each_time([requested(challenge, now)]);
    }
    given
}

#[test]
fn three_codes_an_hour_are_sent_to_one_address() {
    let given = flood(person(&["contact-added"]), REQUESTS_PER_HOUR_MAX);
    let retry_at = noon() + TimeDelta::hours(1);
    let given = given.when(resend()).then_refused(PersonError::TooManyVerifications { retry_at });
    flood(given.at(retry_at), REQUESTS_PER_HOUR_MAX);
}

#[test]
fn requests_older_than_an_hour_are_forgotten() {
    let given = flood(person(&["contact-added"]), REQUESTS_PER_HOUR_MAX);
    let given = flood(given.at(noon() + TimeDelta::hours(1)), 1);
    let state = serde_json::to_value(given.state()).unwrap();
    assert_eq!(state["contacts"]["requests"].as_array().unwrap().len(), 1);
}

#[test]
fn removing_and_adding_the_address_again_does_not_reset_the_limit() {
    let given = flood(person(&["contact-added"]), REQUESTS_PER_HOUR_MAX);
    let removed = fact("contact-removed", &json!({"contact_id": "mail", "kind": "email"}));
    let given = given.when(ask("remove-contact")).then([removed]);
    let given = given.when(ask("add-contact")).then([happened("contact-added")]);
    let retry_at = noon() + TimeDelta::hours(1);
    given.when(resend()).then_refused(PersonError::TooManyVerifications { retry_at });
}

#[test]
fn another_address_has_a_limit_of_its_own_up_to_twenty_codes_for_the_person() {
    let (now, inbox) = (noon(), |id: usize| format!("box-{id}"));
    let added = |id: usize| {
        let value = format!("box-{id}@example.org");
        fact("contact-added", &json!({"contact_id": inbox(id), "kind": "email", "value": value}))
    };
    let sent = |id: usize| {
        let end = now + TimeDelta::hours(24);
        let data = json!({
            "contact_id": inbox(id), "kind": "email", "challenge_id": "c", "attempts": 5,
            "requested_at": now, "expires_at": end,
        });
        fact("contact-verification-requested", &data)
    };
    let past = |codes: usize| {
        let created = [happened("person-created"), happened("contact-added")];
        created.into_iter().chain((0..7).map(added)).chain((0..codes).map(move |at| sent(at / 3)))
    };
    assert!(given::<Person>(past(19)).when(resend()).decided().is_ok());
    let retry_at = now + TimeDelta::hours(1);
    given::<Person>(past(20))
        .when(resend())
        .then_refused(PersonError::TooManyVerifications { retry_at });
}

#[test]
fn a_number_cannot_be_verified_because_no_code_can_be_sent_there() {
    let phone = json!({"contact_id": "phone", "kind": "phone", "value": "+4930123456"});
    let resend =
        asking("request-contact-verification", &json!({"contact_id": "phone", "resend": true}));
    let number = [happened("person-created"), fact("contact-added", &phone)];
    given::<Person>(number.clone()).when(resend.clone()).then_refused(PersonError::NoChannel);

    // A challenge of a history from before that still reads, and is not made longer.
    let end = noon() + TimeDelta::hours(24);
    let requested = json!({
        "contact_id": "phone", "kind": "phone", "challenge_id": "c", "attempts": 5,
        "requested_at": noon(), "expires_at": end,
    });
    let pending = number.into_iter().chain([fact("contact-verification-requested", &requested)]);
    given::<Person>(pending).when(resend).then_refused(PersonError::NoChannel);
}
