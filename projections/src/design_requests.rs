//! Design requests as tables, by the names and columns that reports know: every event, the state that
//! the events add up to, every answer, and the product beside.
//!
//! Events say what follows from them, so that no rule of a request is repeated here, but for the method
//! and the failure of a payment, which `payments` finds among its reports. Amounts are in major units,
//! with the decimals of their currency. Not here: how many requests get how far; `design_funnel` has
//! that.

mod answers;
mod audit;
mod changes;
mod erasure;
mod events;
mod moments;
mod payments;
mod products;
mod queries;
mod states;

use domain::{design::DesignEvent, product::ProductEvent};
use kit::{
    Recorded, TableProjection,
    tables::{Change, Query, Statement, Table, View},
};

kit::union! {
    /// What design requests are told of.
    pub enum DesignRequestsEvent { Design(DesignEvent), Product(ProductEvent) }
}

/// One row per request, event, answer, payment, change of a field or of a state, product and price.
#[derive(Debug, Clone, Copy)]
pub struct DesignRequests;

impl TableProjection for DesignRequests {
    const NAME: &'static str = "design-requests";
    const VERSION: u32 = 4;
    const TABLES: &'static [Table] = &[
        events::EVENTS,
        states::STATES,
        moments::MOMENTS,
        answers::ANSWERS,
        payments::PAYMENTS,
        changes::CHANGES,
        products::PRODUCTS,
        products::PRICES,
    ];
    const VIEWS: &'static [View] = &[queries::CURRENT_STATE_VIEW];
    const STATEMENTS: &'static [Statement] = &[
        states::QUOTED,
        answers::OUTDATE,
        payments::REPORT,
        payments::METHOD,
        payments::CONFIRMED,
        payments::FAILED,
        payments::COUNTS,
        moments::KEEP,
        erasure::EVENTS,
        erasure::ANSWERS,
        erasure::PAYMENTS,
        erasure::STATES,
        erasure::MOMENTS,
        erasure::CHANGES,
    ];
    const QUERIES: &'static [Query] = &[
        queries::ANSWERS,
        moments::ANSWERS_AT,
        audit::AUDIT,
        audit::CHANGES,
        queries::CURRENT_STATE,
        queries::EVENTS,
        queries::PRODUCTS,
        moments::STATE_AT,
        queries::STATES,
    ];
    type When = DesignRequestsEvent;

    fn changes(event: &Recorded<DesignRequestsEvent>) -> serde_json::Result<Vec<Change>> {
        match &event.event {
            DesignRequestsEvent::Product(product) => {
                Ok(products::changes(&event.aggregate_id, event.time, product))
            }
            DesignRequestsEvent::Design(design) => requests(&event.clone().map(|_| design.clone())),
        }
    }
}

fn requests(event: &Recorded<DesignEvent>) -> serde_json::Result<Vec<Change>> {
    let mut changes = erasure::changes(event);
    changes.extend([events::row(event)?, states::change(event)]);
    changes.extend(states::quoted(event));
    changes.extend(answers::changes(event)?);
    changes.extend(payments::changes(event));
    changes.extend(moments::change(event));
    changes.extend(changes::rows(event)?);
    Ok(changes)
}
