//! A way to reach a person, as readers see it.
//! Not here: codes. A challenge is only the name of one.

use chrono::{DateTime, Utc};
use domain::person::{
    ContactAdded, ContactPoint, ContactUse, ContactVerificationRequested, ReleaseReason,
};
use kit::PartId;
use serde::{Deserialize, Serialize};

/// Whether a contact is known to reach the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactStatus {
    /// Nobody knows.
    Unverified,
    /// A code is on its way.
    Pending,
    /// It does.
    Verified,
    /// It does not.
    Undeliverable,
}

/// A verification under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// What to name when handing the code back.
    pub challenge_id: PartId,
    /// When the code stops working.
    pub expires_at: DateTime<Utc>,
    /// How many codes may be tried.
    pub attempts_left: u8,
}

/// A way to reach a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactView {
    /// The way: `kind` and `value`.
    #[serde(flatten)]
    pub point: ContactPoint,
    /// Where it reaches the person.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<ContactUse>,
    /// Whether it does.
    pub status: ContactStatus,
    /// The verification under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// Why it is verified no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<ReleaseReason>,
}

impl From<&ContactAdded> for ContactView {
    fn from(added: &ContactAdded) -> Self {
        Self {
            point: added.point.clone(),
            usage: added.usage,
            status: ContactStatus::Unverified,
            challenge: None,
            released: None,
        }
    }
}

impl From<&ContactVerificationRequested> for Challenge {
    fn from(requested: &ContactVerificationRequested) -> Self {
        Self {
            challenge_id: requested.challenge_id.clone(),
            expires_at: requested.expires_at,
            attempts_left: requested.attempts,
        }
    }
}

impl ContactView {
    pub(super) fn challenged(&mut self, challenge: Challenge) {
        self.status = ContactStatus::Pending;
        self.challenge = Some(challenge);
    }

    pub(super) const fn failed(&mut self, attempts_left: u8) {
        if let Some(challenge) = &mut self.challenge {
            challenge.attempts_left = attempts_left;
        }
    }

    pub(super) fn verified(&mut self) {
        self.becomes(ContactStatus::Verified);
        self.released = None;
    }

    pub(super) fn unverified(&mut self) {
        self.becomes(ContactStatus::Unverified);
    }

    pub(super) fn undeliverable(&mut self) {
        self.becomes(ContactStatus::Undeliverable);
    }

    pub(super) fn released(&mut self, reason: ReleaseReason) {
        self.becomes(ContactStatus::Unverified);
        self.released = Some(reason);
    }

    fn becomes(&mut self, status: ContactStatus) {
        self.status = status;
        self.challenge = None;
    }
}
