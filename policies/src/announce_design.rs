//! Whoever asked for a design hears that it is done.
//! Not here: the address, which the request knows when the mail goes out; the text, and sending it.

use domain::{
    design::DesignEvent,
    mail::{Letter, Mail, RequestMail},
};
use kit::{AggregateId, Order, Policy, Reaction, Recorded};
use uuid::Uuid;

/// Whenever a design is completed, whoever submitted the request gets one mail.
#[derive(Debug, Clone, Copy)]
pub struct AnnounceDesign;

impl Policy for AnnounceDesign {
    const NAME: &'static str = "announce-design";
    type When = DesignEvent;

    fn react(&self, event: &Recorded<DesignEvent>) -> serde_json::Result<Vec<Reaction>> {
        let DesignEvent::DesignCompleted(_) = &event.event else { return Ok(Vec::new()) };
        let letter = Letter::DesignCompleted { design: event.aggregate_id.clone() };
        let mail = mail_of(&event.aggregate_id);
        Ok(vec![Order::to::<Mail>(&mail, RequestMail(letter))?.into()])
    }
}

/// Namespace of mail ids for requests whose id leaves no room for the word.
const LONG: Uuid = Uuid::from_u128(0x2f6a_90d3_7c14_5b8e_8d02_51e7_a4c9_6b30);

/// One mail id per request, so that nobody hears of it twice.
fn mail_of(design: &AggregateId) -> AggregateId {
    let name = format!("design-completed-{design}");
    name.parse().unwrap_or_else(|_| Uuid::new_v5(&LONG, design.as_str().as_bytes()).into())
}
