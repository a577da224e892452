//! Ways to reach a person: adding, preferring, bouncing, releasing, removing.

use domain::person::{CONTACTS_MAX, PersonError};
use serde_json::json;

use super::{Person, ask, asking, fact, happened, person};

const VERIFIED: [&str; 3] = ["contact-added", "contact-verification-requested", "contact-verified"];

/// What the reservation of the samples' address is under the scenarios' secret.
fn reservation() -> kit::AggregateId {
    kit::AggregateId::hex(kit::scenario::secret().digest("reservation", b"email:ada@example.org"))
}

#[test]
fn a_contact_is_added_under_the_id_it_comes_with_or_a_new_one() {
    person(&[]).when(ask("add-contact")).then([happened("contact-added")]);
    let given = person(&[]);
    let id = given.context().id();
    given.when(asking("add-contact", &json!({"kind": "phone", "value": "+49 30 123456"}))).then([
        fact("contact-added", &json!({"contact_id": id, "kind": "phone", "value": "+4930123456"})),
    ]);
}

#[test]
fn the_same_address_in_another_case_is_unchanged() {
    let body = json!({"kind": "email", "value": "ADA@EXAMPLE.org", "use": "work"});
    person(&["contact-added"]).when(asking("add-contact", &body)).then_unchanged();
}

#[test]
fn an_address_or_an_id_belongs_to_one_contact() {
    for body in [
        json!({"contact_id": "mail", "kind": "email", "value": "ada@example.com"}),
        json!({"contact_id": "mail-2", "kind": "email", "value": "ada@example.org", "use": "work"}),
        json!({"kind": "email", "value": "ada@example.org", "use": "home"}),
    ] {
        person(&["contact-added"])
            .when(asking("add-contact", &body))
            .then_refused(PersonError::ContactExists);
    }
}

#[test]
fn a_person_has_twenty_contacts_at_most() {
    let added = |number: usize| {
        let value = format!("ada+{number}@example.org");
        fact(
            "contact-added",
            &json!({"contact_id": number.to_string(), "kind": "email", "value": value}),
        )
    };
    kit::scenario::given::<Person>(
        std::iter::once(happened("person-created")).chain((0..CONTACTS_MAX).map(added)),
    )
    .when(ask("add-contact"))
    .then_refused(PersonError::TooMany { max: CONTACTS_MAX });
}

#[test]
fn only_a_verified_contact_is_preferred() {
    for past in [&VERIFIED[..1], &VERIFIED[..2]] {
        person(past)
            .when(ask("set-preferred-contact"))
            .then_refused(PersonError::ContactNotVerified);
    }
    person(&VERIFIED)
        .when(ask("set-preferred-contact"))
        .then([happened("preferred-contact-changed")]);
}

#[test]
fn what_is_verified_no_longer_is_preferred_no_longer() {
    for gone in ["contact-undeliverable", "contact-released", "contact-removed"] {
        let given = person(&[&VERIFIED[..], &["preferred-contact-changed", gone]].concat());
        assert_eq!(given.state().contacts.preferred, None, "{gone}");
    }
}

#[test]
fn a_contact_bounces_and_gives_up_its_reservation_if_it_had_one() {
    let bounced = |reservation: Option<_>| {
        let mut data =
            json!({"contact_id": "mail", "kind": "email", "reason": "550 no such mailbox"});
        if let Some(reservation) = reservation {
            data["reservation"] = json!(reservation);
        }
        fact("contact-undeliverable", &data)
    };
    for (past, reservation) in
        [(1, None), (2, None), (3, Some(reservation()))].map(|(n, held)| (&VERIFIED[..n], held))
    {
        person(past).when(ask("mark-contact-undeliverable")).then([bounced(reservation)]);
    }
    person(&["contact-added", "contact-undeliverable"])
        .when(ask("mark-contact-undeliverable"))
        .then_unchanged();
}

#[test]
fn a_bounce_is_taken_in_even_when_the_record_is_closed() {
    let given = person(&["contact-added", "person-archived"]);
    let decided = given.when(ask("mark-contact-undeliverable"));
    assert_eq!(decided.decided().as_ref().map(Vec::len), Ok(1));
}

#[test]
fn a_taken_contact_is_verified_no_longer() {
    let given = person(&VERIFIED).when(ask("release-contact")).then([happened("contact-released")]);
    assert_eq!(given.state().contacts.verified(), 0);
    for past in [&VERIFIED[..1], &VERIFIED[..2]] {
        person(past).when(ask("release-contact")).then_unchanged();
    }
}

#[test]
fn a_contact_is_removed_in_every_state_and_gives_up_its_reservation() {
    for past in [&VERIFIED[..1], &VERIFIED[..2], &["contact-added", "contact-undeliverable"]] {
        let removed = fact("contact-removed", &json!({"contact_id": "mail", "kind": "email"}));
        let given = person(past).when(ask("remove-contact")).then([removed]);
        assert!(given.state().contacts.all.is_empty());
    }
    let data = json!({"contact_id": "mail", "kind": "email", "reservation": reservation()});
    person(&VERIFIED).when(ask("remove-contact")).then([fact("contact-removed", &data)]);
}

#[test]
fn the_only_verified_contact_of_an_active_person_is_removed_by_force_only() {
    let active = person(&[&VERIFIED[..], &["person-activated"]].concat());
    let active = active.when(ask("remove-contact")).then_refused(PersonError::OnlyVerifiedContact);
    let data = json!({"contact_id": "mail", "kind": "email", "reservation": reservation()});
    active
        .when(asking("remove-contact", &json!({"contact_id": "mail", "forced": true})))
        .then([fact("contact-removed", &data)]);
}

#[test]
fn an_unverified_contact_of_an_active_person_is_removed_without_force() {
    let phone = json!({"contact_id": "phone", "kind": "phone", "value": "+4930123456"});
    let decided = person(&[&VERIFIED[..], &["person-activated"]].concat())
        .when(asking("add-contact", &phone))
        .then([fact("contact-added", &phone)])
        .when(asking("remove-contact", &json!({"contact_id": "phone"})));
    assert_eq!(decided.decided().as_ref().map(Vec::len), Ok(1));
}

#[test]
fn one_of_two_verified_contacts_is_removed_without_force() {
    let phone = [
        ("contact-added", json!({"contact_id": "phone", "kind": "phone", "value": "+4930123456"})),
        (
            "contact-verification-requested",
            json!({"contact_id": "phone", "kind": "phone", "challenge_id": "c", "attempts": 5,
                "requested_at": "2026-01-02T03:04:05Z", "expires_at": "2026-01-03T03:04:05Z"}),
        ),
        ("contact-verified", json!({"contact_id": "phone", "kind": "phone", "reservation": "x"})),
    ];
    let past = ["person-created"].iter().chain(&VERIFIED).chain(&["person-activated"]);
    let past = past.map(|name| happened(name)).chain(phone.map(|(name, data)| fact(name, &data)));
    let decided = kit::scenario::given::<Person>(past).when(ask("remove-contact"));
    assert_eq!(decided.decided().as_ref().map(Vec::len), Ok(1));
}

#[test]
fn an_unknown_contact_is_refused_by_every_command_about_it() {
    for name in [
        "request-contact-verification",
        "confirm-contact",
        "expire-contact-verification",
        "mark-contact-undeliverable",
        "set-preferred-contact",
        "remove-contact",
        "release-contact",
    ] {
        person(&[]).when(ask(name)).then_refused(PersonError::ContactNotFound);
    }
}
