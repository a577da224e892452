//! A verified e-mail belongs to one person: who verifies it first has it, for as long as it stays
//! verified. Not for telephones: people share them. Not here: how an address becomes an id.

use domain::{
    person::{ContactKind, Person, PersonEvent, ReleaseContact, ReleaseReason},
    reservation::{Holder, Release, Reservation, Reserve},
};
use kit::{AggregateId, DomainError, Order, PartId, Policy, Reaction, Recorded, Refused};

/// Whenever an e-mail is verified, it is reserved for its person; if it is taken, the contact is
/// unverified again. Whenever a verified e-mail goes, its reservation is released.
#[derive(Debug, Clone, Copy)]
pub struct ReserveVerifiedEmail;

impl Policy for ReserveVerifiedEmail {
    const NAME: &'static str = "reserve-verified-email";
    type When = PersonEvent;

    fn react(&self, event: &Recorded<PersonEvent>) -> serde_json::Result<Vec<Reaction>> {
        use PersonEvent as E;
        let holder = |contact: &PartId| Holder {
            person: event.aggregate_id.clone(),
            contact: contact.clone(),
        };
        let release = |reservation: &Option<AggregateId>, contact| {
            let release =
                |id| Order::to::<Reservation>(id, Release(holder(contact))).map(Into::into);
            reservation.iter().map(release).collect()
        };
        match &event.event {
            E::ContactVerified(e) if e.kind == ContactKind::Email => {
                let Holder { person, contact } = holder(&e.contact_id);
                let reserve = Reserve { person, contact, as_of: event.version };
                Ok(vec![Order::to::<Reservation>(&e.reservation, reserve)?.into()])
            }
            E::ContactRemoved(e) if e.kind == ContactKind::Email => {
                release(&e.reservation, &e.contact_id)
            }
            E::ContactUndeliverable(e) if e.kind == ContactKind::Email => {
                release(&e.reservation, &e.contact_id)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn on_refused(
        &self,
        event: &Recorded<PersonEvent>,
        refused: &Refused,
    ) -> serde_json::Result<Vec<Order>> {
        let taken = domain::reservation::ReservationError::ContactTaken.code();
        match &event.event {
            PersonEvent::ContactVerified(e) if refused.code == taken => {
                let release = ReleaseContact {
                    contact_id: e.contact_id.clone(),
                    reason: ReleaseReason::ContactTaken,
                };
                Ok(vec![Order::to::<Person>(&event.aggregate_id, release)?])
            }
            _ => Ok(Vec::new()),
        }
    }
}
