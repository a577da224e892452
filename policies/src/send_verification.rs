//! Whoever asks for the verification of an e-mail gets a code there.
//! Not here: the code; the mail refers to the challenge from which it is made.

use domain::{
    mail::{Letter, Mail, RequestMail},
    person::{ContactKind, PersonEvent},
};
use kit::{Order, Policy, Reaction, Recorded};

/// Whenever the verification of an e-mail is requested, a mail with its code is requested. The
/// mail's id is the challenge's, so that one challenge is one mail.
#[derive(Debug, Clone, Copy)]
pub struct SendVerification;

impl Policy for SendVerification {
    const NAME: &'static str = "send-verification";
    type When = PersonEvent;

    fn react(&self, event: &Recorded<PersonEvent>) -> serde_json::Result<Vec<Reaction>> {
        let PersonEvent::ContactVerificationRequested(requested) = &event.event else {
            return Ok(Vec::new());
        };
        // A number's verification stands in histories from before it was refused.
        if requested.kind != ContactKind::Email {
            return Ok(Vec::new());
        }
        let letter = Letter::VerifyContact {
            person: event.aggregate_id.clone(),
            contact: requested.contact_id.clone(),
            challenge: requested.challenge_id.clone(),
            expires_at: requested.expires_at,
        };
        let mail = requested.challenge_id.clone().into();
        Ok(vec![Order::to::<Mail>(&mail, RequestMail(letter))?.into()])
    }
}
