//! Whoever completes onboarding is welcomed, at the address that was verified.
//! Not on creation: a new person has no address yet. Not here: the text, and sending it.

use domain::{
    mail::{Letter, Mail, RequestMail},
    onboarding::OnboardingEvent,
};
use kit::{AggregateId, Order, Policy, Reaction, Recorded};
use uuid::Uuid;

/// Whenever an onboarding is completed, its person gets one welcome mail.
#[derive(Debug, Clone, Copy)]
pub struct Welcome;

impl Policy for Welcome {
    const NAME: &'static str = "welcome";
    type When = OnboardingEvent;

    fn react(&self, event: &Recorded<OnboardingEvent>) -> serde_json::Result<Vec<Reaction>> {
        let OnboardingEvent::OnboardingCompleted(completed) = &event.event else {
            return Ok(Vec::new());
        };
        let person = &event.aggregate_id;
        let letter = Letter::Welcome { person: person.clone(), contact: completed.contact.clone() };
        Ok(vec![Order::to::<Mail>(&mail_of(person), RequestMail(letter))?.into()])
    }
}

/// Namespace of mail ids for persons whose id leaves no room for the word.
const LONG: Uuid = Uuid::from_u128(0x8c1e_5d7f_3b52_5e0a_9a41_6f0d_2c77_b9e3);

/// One mail id per person, so that nobody is welcomed twice.
fn mail_of(person: &AggregateId) -> AggregateId {
    let name = format!("welcome-{person}");
    name.parse().unwrap_or_else(|_| Uuid::new_v5(&LONG, person.as_str().as_bytes()).into())
}
