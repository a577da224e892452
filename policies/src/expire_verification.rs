//! A code that nobody handed back in time stops working, and its contact can be verified anew.
//! Not here: how long a code works; the request says until when.

use domain::person::{ExpireContactVerification, Person, PersonEvent};
use kit::{Order, PartId, Policy, Reaction, Recorded, Start, TimerKey};

/// Whenever the verification of a contact is requested, it is to expire when its code does; whenever
/// the verification ends before, it is not.
#[derive(Debug, Clone, Copy)]
pub struct ExpireVerification;

impl Policy for ExpireVerification {
    const NAME: &'static str = "expire-verification";
    // What was requested before there was this policy is to expire, too.
    const START: Start = Start::Beginning;
    type When = PersonEvent;

    fn react(&self, event: &Recorded<PersonEvent>) -> serde_json::Result<Vec<Reaction>> {
        use PersonEvent as E;
        // One for each contact: another code for it moves the timer.
        let timer = |contact: &PartId| TimerKey::of("expire-verification", contact);
        Ok(match &event.event {
            E::ContactVerificationRequested(e) => {
                let expire = ExpireContactVerification {
                    contact_id: e.contact_id.clone(),
                    challenge_id: e.challenge_id.clone(),
                };
                let order = Order::to::<Person>(&event.aggregate_id, expire)?;
                vec![timer(&e.contact_id).set(e.expires_at, order)]
            }
            E::ContactVerified(e) => vec![timer(&e.contact_id).cancel()],
            E::ContactVerificationExhausted(e) => vec![timer(&e.contact_id).cancel()],
            E::ContactUndeliverable(e) => vec![timer(&e.contact_id).cancel()],
            E::ContactRemoved(e) => vec![timer(&e.contact_id).cancel()],
            _ => Vec::new(),
        })
    }
}
