//! Rules of proving that somebody who acts for the person reads what is sent to a contact.
//! Not here: sending the code.

use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};
use kit::Context;

use super::{Decision, contacts::reservation, nothing, one};
use crate::person::{
    CONTACT_VERIFICATION, ConfirmContact, Contact, ContactVerificationExhausted,
    ContactVerificationExpired, ContactVerificationFailed, ContactVerificationRequested,
    ContactVerified, ExpireContactVerification, Person, PersonError, RequestContactVerification,
    Verification,
    state::{REQUEST_WINDOW, Request},
    verification_code,
};

/// Most codes that are sent to one address or number in an hour, so that nobody is flooded.
pub const REQUESTS_PER_HOUR_MAX: usize = 3;
/// Most codes in an hour for all contacts of a person together.
const REQUESTS_OF_ALL_PER_HOUR_MAX: usize = 20;
/// How long a code works: long enough to find the mail the next morning.
pub const CHALLENGE_HOURS: i64 = 24;
/// How many codes may be tried: five guesses at a million codes three times an hour stay hopeless.
const ATTEMPTS: u8 = 5;

impl Person {
    pub(super) fn request_verification(
        &self,
        command: &RequestContactVerification,
        context: &Context,
    ) -> Decision {
        self.living()?;
        let contact = self.contact(&command.contact_id)?;
        match &contact.verification {
            Verification::Verified => return nothing(),
            // A challenge that nobody is told of could not be answered.
            _ if !contact.point.kind().takes_codes() => return Err(PersonError::NoChannel),
            Verification::Pending { expires_at, .. }
                if !command.resend && context.now < *expires_at =>
            {
                return nothing();
            }
            _ => {}
        }
        self.may_send_code(contact, context.now)?;
        one(ContactVerificationRequested {
            contact_id: command.contact_id.clone(),
            kind: contact.point.kind(),
            challenge_id: context.id().into(),
            requested_at: context.now,
            expires_at: context.now + TimeDelta::hours(CHALLENGE_HOURS),
            attempts: ATTEMPTS,
        })
    }

    fn may_send_code(&self, contact: &Contact, now: DateTime<Utc>) -> Result<(), PersonError> {
        let key = contact.point.normalised();
        let recent = |request: &&Request| now - request.at < REQUEST_WINDOW;
        let all: Vec<_> = self.contacts.requests.iter().filter(recent).collect();
        let here: Vec<_> = all.iter().copied().filter(|request| request.contact == key).collect();
        for (requests, max) in [(here, REQUESTS_PER_HOUR_MAX), (all, REQUESTS_OF_ALL_PER_HOUR_MAX)]
        {
            if requests.len() >= max
                && let Some(first) = requests.iter().map(|request| request.at).min()
            {
                return Err(PersonError::TooManyVerifications { retry_at: first + REQUEST_WINDOW });
            }
        }
        Ok(())
    }

    pub(super) fn confirm_contact(&self, command: &ConfirmContact, context: &Context) -> Decision {
        self.living()?;
        let contact = self.contact(&command.contact_id)?;
        let (challenge_id, expires_at, attempts_left) = match &contact.verification {
            Verification::Verified => return nothing(),
            Verification::Pending { challenge_id, expires_at, attempts_left } => {
                (challenge_id, *expires_at, *attempts_left)
            }
            _ => return Err(PersonError::NoChallenge),
        };
        if command.challenge_id != *challenge_id {
            return Err(PersonError::ChallengeNotCurrent);
        }
        if context.now >= expires_at {
            return Err(PersonError::ChallengeExpired);
        }
        let (contact_id, challenge_id) = (command.contact_id.clone(), challenge_id.clone());
        let digest = context.digest(CONTACT_VERIFICATION, challenge_id.as_str().as_bytes());
        if equal(command.code.trim(), &verification_code(digest)) {
            let (kind, reservation) = (contact.point.kind(), reservation(contact, context));
            return one(ContactVerified { contact_id, kind, reservation });
        }
        match attempts_left.saturating_sub(1) {
            0 => one(ContactVerificationExhausted { contact_id, challenge_id }),
            attempts_left => {
                one(ContactVerificationFailed { contact_id, challenge_id, attempts_left })
            }
        }
    }

    pub(super) fn expire_verification(
        &self,
        command: &ExpireContactVerification,
        context: &Context,
    ) -> Decision {
        let contact = self.contact(&command.contact_id)?;
        match &contact.verification {
            Verification::Pending { challenge_id, expires_at, .. }
                if *challenge_id == command.challenge_id =>
            {
                if context.now < *expires_at {
                    return Err(PersonError::NotDue { due: Some(*expires_at) });
                }
                one(ContactVerificationExpired {
                    contact_id: command.contact_id.clone(),
                    challenge_id: command.challenge_id.clone(),
                })
            }
            _ => nothing(),
        }
    }
}

/// Whether two texts are equal, in a time that does not tell where they differ.
fn equal(left: &str, right: &str) -> bool {
    let differs = |sum: u8, (left, right): (u8, u8)| black_box(sum | (left ^ right));
    left.len() == right.len() && left.bytes().zip(right.bytes()).fold(0, differs) == 0
}

#[cfg(test)]
mod tests {
    use super::equal;

    #[test]
    fn codes_are_equal_only_when_every_digit_is() {
        assert!(equal("123456", "123456"));
        for other in ["123457", "023456", "12345", "1234567", ""] {
            assert!(!equal("123456", other), "{other}");
        }
    }
}
