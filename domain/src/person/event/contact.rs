//! What has happened to the ways to reach a person.
//! Not here: what else changes with it; the state says so.

use chrono::{DateTime, Utc};
use kit::{AggregateId, PartId};

use crate::person::{ContactKind, ContactPoint, ContactUse, Reason, ReleaseReason};

payloads! {
    /// There is one more way to reach the person; nobody has verified it yet.
    ContactAdded {
        /// The contact's id within the person.
        contact_id: PartId,
        /// The way.
        #[serde(flatten)]
        point: ContactPoint,
        /// Where it reaches the person.
        #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
        usage: Option<ContactUse>,
    }
    /// A code is to be sent to the contact. An earlier challenge of the contact ends.
    ContactVerificationRequested {
        /// The contact.
        contact_id: PartId,
        /// Its kind, which says how the code is sent.
        kind: ContactKind,
        /// The challenge; whoever holds the service's secret makes the code from it.
        challenge_id: PartId,
        /// When it was asked for.
        requested_at: DateTime<Utc>,
        /// When the code stops working.
        expires_at: DateTime<Utc>,
        /// How many codes may be tried.
        attempts: u8,
    }
    /// The right code came: whoever acts for the person reads what is sent to the contact.
    ContactVerified {
        /// The contact.
        contact_id: PartId,
        /// Its kind.
        kind: ContactKind,
        /// The id of the reservation of this address or number: a keyed digest in hexadecimal.
        reservation: AggregateId,
    }
    /// A wrong code came, and others may be tried.
    ContactVerificationFailed {
        /// The contact.
        contact_id: PartId,
        /// The challenge.
        challenge_id: PartId,
        /// How many codes may still be tried.
        attempts_left: u8,
    }
    /// A wrong code came, and it was the last that could be tried.
    ContactVerificationExhausted {
        /// The contact.
        contact_id: PartId,
        /// The challenge.
        challenge_id: PartId,
    }
    /// The code stopped working before it came.
    ContactVerificationExpired {
        /// The contact.
        contact_id: PartId,
        /// The challenge.
        challenge_id: PartId,
    }
    /// What is sent to the contact comes back. It is not preferred any more.
    ContactUndeliverable {
        /// The contact.
        contact_id: PartId,
        /// Its kind.
        kind: ContactKind,
        /// The reservation that ends with it, if the contact was verified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reservation: Option<AggregateId>,
        /// The evidence.
        reason: Reason,
    }
    /// The contact is not verified any more, and not preferred.
    ContactReleased {
        /// The contact.
        contact_id: PartId,
        /// Its kind.
        kind: ContactKind,
        /// Why.
        reason: ReleaseReason,
    }
    /// The person is to be reached here first.
    PreferredContactChanged {
        /// The contact.
        contact_id: PartId,
    }
    /// The contact is gone, and not preferred.
    ContactRemoved {
        /// The contact.
        contact_id: PartId,
        /// Its kind.
        kind: ContactKind,
        /// The reservation that ends with it, if the contact was verified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reservation: Option<AggregateId>,
    }
}
