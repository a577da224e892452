//! A verified e-mail belongs to one person, for as long as it stays verified.

use domain::{
    person::{
        ContactKind, ContactReleased, ContactRemoved, ContactUndeliverable, ContactVerified,
        Person, PersonEvent, ReleaseContact, ReleaseReason,
    },
    reservation::{Holder, Release, Reservation, Reserve},
};
use kit::{AggregateId, PartId, Recorded, Version, scenario::id};
use policies::ReserveVerifiedEmail;

use crate::sentence::{happened, order, refused, whenever};

fn mail() -> PartId {
    "mail".parse().unwrap()
}

fn holder() -> Holder {
    Holder { person: id("ada"), contact: mail() }
}

fn verified(kind: ContactKind) -> Recorded<PersonEvent> {
    let reservation = id("digest");
    happened::<PersonEvent, _>(ContactVerified { contact_id: mail(), kind, reservation })
}

fn removed(reservation: Option<AggregateId>) -> Recorded<PersonEvent> {
    let kind = ContactKind::Email;
    happened::<PersonEvent, _>(ContactRemoved { contact_id: mail(), kind, reservation })
}

#[test]
fn a_verified_email_is_reserved_for_its_person() {
    let Holder { person, contact } = holder();
    let reserve = Reserve { person, contact, as_of: Version(3) };
    let reserve = order::<Reservation>("digest", reserve);
    whenever(&ReserveVerifiedEmail, &verified(ContactKind::Email), [reserve]);
}

#[test]
fn telephones_may_be_shared() {
    whenever(&ReserveVerifiedEmail, &verified(ContactKind::Phone), []);
}

#[test]
fn whoever_comes_second_has_an_unverified_contact_again() {
    let release = ReleaseContact { contact_id: mail(), reason: ReleaseReason::ContactTaken };
    let orders = refused(&ReserveVerifiedEmail, &verified(ContactKind::Email), "contact-taken");
    assert_eq!(orders, [order::<Person>("ada", release)]);
}

#[test]
fn another_refusal_releases_nothing() {
    assert!(refused(&ReserveVerifiedEmail, &verified(ContactKind::Email), "other").is_empty());
    let gone = removed(Some(id("digest")));
    assert!(refused(&ReserveVerifiedEmail, &gone, "contact-taken").is_empty());
}

#[test]
fn a_verified_email_that_goes_sets_its_address_free() {
    let release = || order::<Reservation>("digest", Release(holder()));
    whenever(&ReserveVerifiedEmail, &removed(Some(id("digest"))), [release()]);
    let bounced = happened::<PersonEvent, _>(ContactUndeliverable {
        contact_id: mail(),
        kind: ContactKind::Email,
        reservation: Some(id("digest")),
        reason: "550".parse().unwrap(),
    });
    whenever(&ReserveVerifiedEmail, &bounced, [release()]);
}

#[test]
fn what_was_never_reserved_is_not_set_free() {
    whenever(&ReserveVerifiedEmail, &removed(None), []);
    let taken = happened::<PersonEvent, _>(ContactReleased {
        contact_id: mail(),
        kind: ContactKind::Email,
        reason: ReleaseReason::ContactTaken,
    });
    whenever(&ReserveVerifiedEmail, &taken, []);
}
