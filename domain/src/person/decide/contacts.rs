//! Rules of contacts: added, preferred, bouncing, released, removed.
//! Not here: how they are verified.

use kit::{AggregateId, Context, PartId};

use super::{Decision, Stage, nothing, one, room};
use crate::person::{
    AddContact, Contact, ContactAdded, ContactReleased, ContactRemoved, ContactUndeliverable,
    MarkContactUndeliverable, Person, PersonError, PreferredContactChanged, ReleaseContact,
    RemoveContact, SetPreferredContact, Verification,
};

/// Most contacts of a person.
pub const CONTACTS_MAX: usize = 20;
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

    pub(super) fn contact(&self, id: &PartId) -> Result<&Contact, PersonError> {
        self.contacts.all.get(id).ok_or(PersonError::ContactNotFound)
    }
}

/// The id under which an address or number is reserved: nobody reads the address in it.
pub(super) fn reservation(contact: &Contact, context: &Context) -> AggregateId {
    AggregateId::hex(context.digest("reservation", contact.point.normalised().as_bytes()))
}

/// The reservation that the contact holds, if it is verified.
fn held(contact: &Contact, context: &Context) -> Option<AggregateId> {
    contact.is_verified().then(|| reservation(contact, context))
}
