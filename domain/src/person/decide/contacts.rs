//! Rules of contacts and their verification.
//! Not here: sending the code.

use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};
use kit::{AggregateId, Context, PartId};

use super::{Decision, Stage, nothing, one, room};
use crate::person::{
    AddContact, CONTACT_VERIFICATION, ConfirmContact, Contact, ContactAdded, ContactReleased,
    ContactRemoved, ContactUndeliverable, ContactVerificationExhausted, ContactVerificationExpired,
    ContactVerificationFailed, ContactVerificationRequested, ContactVerified,
    ExpireContactVerification, MarkContactUndeliverable, Person, PersonError,
    PreferredContactChanged, ReleaseContact, RemoveContact, RequestContactVerification,
    SetPreferredContact, Verification,
    state::{REQUEST_WINDOW, Request},
    verification_code,
};

/// Most contacts of a person.
pub const CONTACTS_MAX: usize = 20;
/// Most codes that are sent to one address or number in an hour, so that nobody is flooded.
pub const REQUESTS_PER_HOUR_MAX: usize = 3;
/// Most codes in an hour for all contacts of a person together.
const REQUESTS_OF_ALL_PER_HOUR_MAX: usize = 20;
/// How long a code works: long enough to find the mail the next morning.
pub const CHALLENGE_HOURS: i64 = 24;
/// How many codes may be tried: five guesses at a million codes three times an hour stay hopeless.
const ATTEMPTS: u8 = 5;

impl Person {
    pub(super) fn add_contact(&self, command: &AddContact, context: &Context) -> Decision {
        self.living()?;
        let AddContact { contact_id, point, usage } = command;
        let key = point.normalised();
        for (id, contact) in &self.contacts.all {
            let same_id = contact_id.as_ref() == Some(id);
            if contact.point.normalised() == key {
                let same = (same_id || contact_id.is_none()) && contact.usage == *usage;
                return if same { nothing() } else { Err(PersonError::ContactExists) };
            }
            if same_id {
                return Err(PersonError::ContactExists);
            }
        }
        room(self.contacts.all.len(), CONTACTS_MAX)?;
        one(ContactAdded {
            contact_id: contact_id.clone().unwrap_or_else(|| context.id().into()),
            point: point.clone(),
            usage: *usage,
        })
    }

    pub(super) fn request_verification(
        &self,
        command: &RequestContactVerification,
        context: &Context,
    ) -> Decision {
        self.living()?;
        let contact = self.contact(&command.contact_id)?;
        match &contact.verification {
            Verification::Verified => return nothing(),
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

    pub(super) fn mark_undeliverable(
        &self,
        command: &MarkContactUndeliverable,
        context: &Context,
    ) -> Decision {
        let contact = self.contact(&command.contact_id)?;
        if contact.verification == Verification::Undeliverable {
            return nothing();
        }
        one(ContactUndeliverable {
            contact_id: command.contact_id.clone(),
            kind: contact.point.kind(),
            reservation: held(contact, context),
            reason: command.reason.clone(),
        })
    }

    pub(super) fn set_preferred_contact(&self, command: &SetPreferredContact) -> Decision {
        self.living()?;
        if !self.contact(&command.contact_id)?.is_verified() {
            return Err(PersonError::ContactNotVerified);
        }
        if self.contacts.preferred.as_ref() == Some(&command.contact_id) {
            return nothing();
        }
        one(PreferredContactChanged { contact_id: command.contact_id.clone() })
    }

    pub(super) fn remove_contact(&self, command: &RemoveContact, context: &Context) -> Decision {
        self.living()?;
        let contact = self.contact(&command.contact_id)?;
        let only = contact.is_verified() && self.contacts.verified() == 1;
        if only && self.stage() == Stage::Active && !command.forced {
            return Err(PersonError::OnlyVerifiedContact);
        }
        one(ContactRemoved {
            contact_id: command.contact_id.clone(),
            kind: contact.point.kind(),
            reservation: held(contact, context),
        })
    }

    pub(super) fn release_contact(&self, command: &ReleaseContact) -> Decision {
        let contact = self.contact(&command.contact_id)?;
        if !contact.is_verified() {
            return nothing();
        }
        one(ContactReleased {
            contact_id: command.contact_id.clone(),
            kind: contact.point.kind(),
            reason: command.reason,
        })
    }

    fn contact(&self, id: &PartId) -> Result<&Contact, PersonError> {
        self.contacts.all.get(id).ok_or(PersonError::ContactNotFound)
    }
}

/// The id under which an address or number is reserved: nobody reads the address in it.
fn reservation(contact: &Contact, context: &Context) -> AggregateId {
    AggregateId::hex(context.digest("reservation", contact.point.normalised().as_bytes()))
}

/// The reservation that the contact holds, if it is verified.
fn held(contact: &Contact, context: &Context) -> Option<AggregateId> {
    contact.is_verified().then(|| reservation(contact, context))
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
