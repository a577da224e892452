//! The original tables and views, as they can be read: their columns, and which query of the read
//! models has their rows. Not here: how their rows come about.

use axum::http::StatusCode;
use kit::excerpt;

use super::{refusal::Refusal, value::Kind};

/// A table or view.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::design) struct Relation {
    pub(in crate::design) name: &'static str,
    pub(in crate::design) columns: &'static [Column],
    /// The query that has the rows of one request.
    pub(in crate::design) query: &'static str,
    /// The column that holds the id of the request.
    pub(in crate::design) request: &'static str,
    /// The query that has the rows of all requests, if there is one.
    pub(in crate::design) list: Option<&'static str>,
    /// Columns that the queries can be asked to narrow by themselves.
    pub(super) narrowing: &'static [&'static str],
}

/// One column.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::design) struct Column {
    pub(in crate::design) name: &'static str,
    pub(super) kind: Kind,
    /// What the read model calls it.
    pub(in crate::design) source: &'static str,
}

impl Column {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, source: name }
    }

    const fn from(self, source: &'static str) -> Self {
        Self { source, ..self }
    }
}

const fn id(name: &'static str) -> Column {
    Column::new(name, Kind::Id)
}

const fn text(name: &'static str) -> Column {
    Column::new(name, Kind::Text)
}

const fn number(name: &'static str) -> Column {
    Column::new(name, Kind::Number)
}

const fn time(name: &'static str) -> Column {
    Column::new(name, Kind::Time)
}

const fn json(name: &'static str) -> Column {
    Column::new(name, Kind::Json)
}

const STATE: [Column; 20] = [
    id("id"),
    id("request_id"),
    text("current_status"),
    text("current_payment_status"),
    text("email"),
    text("design_code"),
    id("product_id"),
    number("total_amount"),
    text("stripe_payment_intent_id"),
    number("payment_net_amount"),
    text("payment_currency"),
    number("payment_fee_amount"),
    text("payment_failure_reason"),
    text("payment_failure_code"),
    number("payment_attempts"),
    time("last_payment_attempt_at"),
    time("payment_confirmed_at"),
    text("payment_method"),
    time("created_at"),
    time("updated_at"),
];

const PRODUCT: [Column; 4] = [
    text("product_name"),
    text("product_description"),
    Column::new("product_active", Kind::Bool),
    number("product_price"),
];

const fn with_product() -> [Column; 24] {
    let mut all = [const { text("") }; 24];
    let mut at = 0;
    while at < all.len() {
        let column = if at < STATE.len() { &STATE[at] } else { &PRODUCT[at - STATE.len()] };
        all[at] = Column { name: column.name, kind: column.kind, source: column.source };
        at += 1;
    }
    all
}

const STATE_NARROWING: &[&str] = &[
    "email",
    "current_status",
    "current_payment_status",
    "design_code",
    "product_id",
    "stripe_payment_intent_id",
];

/// All of them.
pub(in crate::design) const ALL: &[Relation] = &[
    Relation {
        name: "design_requests",
        columns: &[
            id("id").from("request_id"),
            id("product_id"),
            text("design_code"),
            text("email"),
            text("status").from("current_status"),
            time("created_at"),
            time("updated_at"),
        ],
        query: "current-state",
        request: "id",
        list: Some("states"),
        narrowing: STATE_NARROWING,
    },
    Relation {
        name: "design_request_events",
        columns: &[
            id("id"),
            id("request_id"),
            text("event_type"),
            json("event_data"),
            time("created_at"),
            text("created_by"),
            json("metadata"),
        ],
        query: "events",
        request: "request_id",
        list: None,
        narrowing: &["event_type"],
    },
    Relation {
        name: "design_request_states",
        columns: &STATE,
        query: "current-state",
        request: "request_id",
        list: Some("states"),
        narrowing: STATE_NARROWING,
    },
    Relation {
        name: "design_request_answers_history",
        columns: &[
            id("id"),
            id("request_id"),
            id("question_id"),
            text("answer_text"),
            text("answer_file_url"),
            json("answer_options"),
            number("version"),
            time("created_at"),
            text("created_by"),
            Column::new("is_current", Kind::Bool),
        ],
        query: "answers",
        request: "request_id",
        list: None,
        narrowing: &["question_id"],
    },
    Relation {
        name: "design_requests_current_state",
        columns: &const { with_product() },
        query: "current-state",
        request: "request_id",
        list: Some("states"),
        narrowing: STATE_NARROWING,
    },
];

/// The table or view of that name.
pub(super) fn named(name: &str) -> Result<&'static Relation, Refusal> {
    ALL.iter().find(|relation| relation.name == name).ok_or_else(|| {
        let name = excerpt(name);
        let message = format!("Could not find the table 'public.{name}' in the schema cache");
        Refusal::new(StatusCode::NOT_FOUND, "PGRST205", message)
    })
}
