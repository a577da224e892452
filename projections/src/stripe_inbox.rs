//! What Stripe has reported, event by event, and what became of it: so that money which came and pays
//! for nothing stands on a list, and so does what is to be given back.
//!
//! The inbox says what came, and requests say what they have recorded. Either may be folded first; a
//! row does not depend on it. Money that was told without an event of Stripe has a row while it pays
//! for nothing.
//! Not here: where requests stand; `design_requests` has that.

mod queries;
mod refunds;
mod reports;

use domain::{design::DesignEvent, stripe_event::StripeEventEvent};
use kit::{
    Recorded, TableProjection,
    tables::{Change, Query, Statement, Table},
};

kit::union! {
    /// What the list is made of.
    pub enum StripeInboxEvent { Stripe(StripeEventEvent), Design(DesignEvent) }
}

/// One row per event of Stripe, and per payment that is to be given back.
#[derive(Debug, Clone, Copy)]
pub struct StripeInbox;

impl TableProjection for StripeInbox {
    const NAME: &'static str = "stripe-inbox";
    const VERSION: u32 = 1;
    const TABLES: &'static [Table] = &[reports::REPORTS, refunds::REFUNDS];
    const STATEMENTS: &'static [Statement] =
        &[reports::COME, reports::TOLD, reports::NAMED, reports::SET_ASIDE, reports::ERASED];
    const QUERIES: &'static [Query] =
        &[queries::EVENTS, queries::REFUNDS_DUE, queries::TOTALS, queries::UNACCOUNTED];
    type When = StripeInboxEvent;

    fn changes(event: &Recorded<StripeInboxEvent>) -> serde_json::Result<Vec<Change>> {
        let id = &event.aggregate_id;
        Ok(match &event.event {
            StripeInboxEvent::Stripe(event) => reports::come(id, event),
            StripeInboxEvent::Design(design) => {
                let mut changes = reports::told(id, design);
                changes.extend(refunds::due(id, event.time, design));
                changes
            }
        })
    }
}
