//! Whoever asks for the verification of an e-mail gets a code there.

use chrono::TimeDelta;
use domain::{
    mail::{Letter, Mail, RequestMail},
    person::{ContactKind, ContactVerificationRequested, PersonEvent, Tagged},
};
use kit::scenario::{id, noon};
use policies::SendVerification;

use crate::sentence::{happened, order, whenever};

fn requested(kind: ContactKind) -> ContactVerificationRequested {
    ContactVerificationRequested {
        contact_id: "mail".parse().unwrap(),
        kind,
        challenge_id: "challenge".parse().unwrap(),
        requested_at: noon(),
        expires_at: noon() + TimeDelta::hours(24),
        attempts: 5,
    }
}

#[test]
fn a_requested_verification_becomes_the_mail_of_its_challenge() {
    let letter = Letter::VerifyContact {
        person: id("ada"),
        contact: "mail".parse().unwrap(),
        challenge: "challenge".parse().unwrap(),
        expires_at: noon() + TimeDelta::hours(24),
    };
    let event = happened::<PersonEvent, _>(requested(ContactKind::Email));
    whenever(&SendVerification, &event, [order::<Mail>("challenge", RequestMail(letter))]);
}

#[test]
fn no_mail_goes_to_a_telephone() {
    whenever(&SendVerification, &happened::<PersonEvent, _>(requested(ContactKind::Phone)), []);
}

#[test]
fn other_events_send_no_code() {
    let tagged = happened::<PersonEvent, _>(Tagged { tag: "vip".parse().unwrap() });
    whenever(&SendVerification, &tagged, []);
}
