//! What may be asked about the ways to reach a person.
//! Not here: whether it may be done.

use kit::{PartId, json};
use serde::{Deserialize, Serialize};

use crate::person::{ContactPoint, ContactUse, Invalid, Reason, ReleaseReason};

bodies! {
    /// Send a code to a contact.
    RequestContactVerification {
        /// The contact.
        contact_id: PartId,
        /// Whether to send another code though one is under way.
        #[serde(default)]
        resend: bool,
    }
    /// Hand back the code that was sent.
    ConfirmContact {
        /// The contact.
        contact_id: PartId,
        /// The challenge that the code answers.
        challenge_id: PartId,
        /// The six digits.
        code: String,
    }
    /// Let a code end when its time has come.
    ExpireContactVerification {
        /// The contact.
        contact_id: PartId,
        /// The challenge.
        challenge_id: PartId,
    }
    /// Say that what is sent to a contact comes back.
    MarkContactUndeliverable {
        /// The contact.
        contact_id: PartId,
        /// The evidence.
        reason: Reason,
    }
    /// Reach the person here first.
    SetPreferredContact {
        /// A verified contact.
        contact_id: PartId,
    }
    /// Take a contact away.
    RemoveContact {
        /// The contact.
        contact_id: PartId,
        /// Even if it is the only verified contact of an active person.
        #[serde(default)]
        forced: bool,
    }
    /// Take the verification of a contact back. Asked by a policy, not by people.
    ReleaseContact {
        /// The contact.
        contact_id: PartId,
        /// Why.
        reason: ReleaseReason,
    }
}

/// Add a way to reach the person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ContactForm")]
pub struct AddContact {
    /// The contact's id within the person; made if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<PartId>,
    /// The way: `kind` and `value`.
    #[serde(flatten)]
    pub point: ContactPoint,
    /// Where it reaches the person.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<ContactUse>,
}

/// Flattening and refusing unknown fields do not go together in serde, so the flat form is read first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactForm {
    contact_id: Option<PartId>,
    kind: serde_json::Value,
    value: serde_json::Value,
    #[serde(rename = "use")]
    usage: Option<ContactUse>,
}

impl TryFrom<ContactForm> for AddContact {
    type Error = Invalid;

    fn try_from(form: ContactForm) -> Result<Self, Invalid> {
        let point = serde_json::json!({ "kind": form.kind, "value": form.value });
        let point = json::from_value(&point).map_err(|error| Invalid(error.to_string()))?;
        Ok(Self { contact_id: form.contact_id, point, usage: form.usage })
    }
}
