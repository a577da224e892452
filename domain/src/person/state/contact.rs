//! The ways to reach a person, each with its own small machine of verification.
//! Not here: codes; a challenge's id is all that is kept.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use kit::{Machine, PartId};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::person::{ContactPoint, ContactUse, PersonEvent};

/// How long a request for a code counts against the limit.
pub(in crate::person) const REQUEST_WINDOW: TimeDelta = TimeDelta::hours(1);

/// Whether somebody who acts for the person reads what is sent to a contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(name(VerificationStage), doc = "The kinds of [`Verification`].")]
#[strum_discriminants(derive(VariantArray, IntoStaticStr))]
pub enum Verification {
    /// There is no such contact yet.
    #[default]
    Absent,
    /// Nobody knows.
    Unverified,
    /// A code was sent.
    Pending {
        /// The challenge that the code answers.
        challenge_id: PartId,
        /// When the code stops working.
        expires_at: DateTime<Utc>,
        /// How many codes may be tried.
        attempts_left: u8,
    },
    /// Somebody does.
    Verified,
    /// What is sent there comes back.
    Undeliverable,
    /// The contact is gone.
    Removed,
}

impl Machine for Verification {
    type Event = PersonEvent;
    type Stage = VerificationStage;

    #[rustfmt::skip] // A table: one arrow per line. It looks at kinds, never at values.
    fn after(self, event: &PersonEvent) -> Result<Self, Self> {
        use PersonEvent as E;
        Ok(match (self, event) {
            (Self::Absent, E::ContactAdded(_)) => Self::Unverified,
            (Self::Unverified | Self::Undeliverable | Self::Pending { .. }, E::ContactVerificationRequested(e)) =>
                Self::Pending { challenge_id: e.challenge_id.clone(), expires_at: e.expires_at, attempts_left: e.attempts },
            (Self::Pending { challenge_id, expires_at, .. }, E::ContactVerificationFailed(e)) =>
                Self::Pending { challenge_id, expires_at, attempts_left: e.attempts_left },
            (Self::Pending { .. }, E::ContactVerificationExhausted(_)) => Self::Unverified,
            (Self::Pending { .. }, E::ContactVerificationExpired(_))   => Self::Unverified,
            (Self::Pending { .. }, E::ContactVerified(_))              => Self::Verified,
            (Self::Verified, E::ContactReleased(_))                    => Self::Unverified,
            (Self::Unverified | Self::Pending { .. } | Self::Verified, E::ContactUndeliverable(_)) => Self::Undeliverable,
            (Self::Unverified | Self::Pending { .. } | Self::Verified | Self::Undeliverable, E::ContactRemoved(_)) => Self::Removed,
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> VerificationStage {
        self.into()
    }
}

/// One way to reach a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The way.
    #[serde(flatten)]
    pub point: ContactPoint,
    /// Where it reaches the person.
    #[serde(rename = "use")]
    pub usage: Option<ContactUse>,
    /// Whether it is known to lead there.
    pub verification: Verification,
}

impl Contact {
    /// Whether somebody who acts for the person reads what is sent there.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verification == Verification::Verified
    }
}

/// One request for a code, by the normalised contact: removing a contact and adding it again
/// must not reset the limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::person) struct Request {
    pub(in crate::person) contact: String,
    pub(in crate::person) at: DateTime<Utc>,
}

/// All ways to reach a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// The contacts by id.
    pub all: BTreeMap<PartId, Contact>,
    /// Where the person is to be reached first: always a verified contact.
    pub preferred: Option<PartId>,
    pub(in crate::person) requests: Vec<Request>,
}

impl Contacts {
    /// How many contacts are verified.
    #[must_use]
    pub fn verified(&self) -> usize {
        self.all.values().filter(|contact| contact.is_verified()).count()
    }

    pub(super) fn take(&mut self, event: &PersonEvent) {
        match event {
            PersonEvent::ContactAdded(added) => {
                self.all.entry(added.contact_id.clone()).or_insert_with(|| Contact {
                    point: added.point.clone(),
                    usage: added.usage,
                    verification: Verification::Absent,
                });
            }
            PersonEvent::ContactVerificationRequested(requested) => {
                self.remember(&requested.contact_id, requested.requested_at);
            }
            PersonEvent::PreferredContactChanged(changed) => {
                self.preferred = Some(changed.contact_id.clone());
            }
            _ => {}
        }
        if let Some((id, contact)) = self.touched(event) {
            contact.verification.advance(event);
            if contact.verification == Verification::Removed {
                self.all.remove(&id);
            }
        }
        let verified = |id: &PartId| self.all.get(id).is_some_and(Contact::is_verified);
        if !self.preferred.as_ref().is_some_and(verified) {
            self.preferred = None;
        }
    }

    fn remember(&mut self, id: &PartId, at: DateTime<Utc>) {
        let Some(contact) = self.all.get(id) else { return };
        let contact = contact.point.normalised();
        self.requests.retain(|request| at - request.at < REQUEST_WINDOW);
        self.requests.push(Request { contact, at });
    }

    fn touched(&mut self, event: &PersonEvent) -> Option<(PartId, &mut Contact)> {
        use PersonEvent as E;
        let id = match event {
            E::ContactAdded(event) => &event.contact_id,
            E::ContactVerificationRequested(event) => &event.contact_id,
            E::ContactVerified(event) => &event.contact_id,
            E::ContactVerificationFailed(event) => &event.contact_id,
            E::ContactVerificationExhausted(event) => &event.contact_id,
            E::ContactVerificationExpired(event) => &event.contact_id,
            E::ContactUndeliverable(event) => &event.contact_id,
            E::ContactReleased(event) => &event.contact_id,
            E::ContactRemoved(event) => &event.contact_id,
            _ => return None,
        };
        self.all.get_mut(id).map(|contact| (id.clone(), contact))
    }
}
