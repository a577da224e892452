//! The two original functions: what they are called, and what they take.
//! Not here: what they do.

mod event;
mod history;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use kit::{AggregateId, excerpt};

use super::{Shared, answer, given::Given, refusal::Refusal, wish::Wish};
use crate::design::service::Asker;

/// A function: its name, what it takes, and how much of that it needs.
#[derive(Debug)]
pub(in crate::design) struct Function {
    pub(in crate::design) name: &'static str,
    pub(in crate::design) takes: &'static [&'static str],
    pub(in crate::design) needs: usize,
}

pub(in crate::design) const ADD_EVENT: Function = Function {
    name: "add_design_request_event",
    takes: &["p_request_id", "p_event_type", "p_event_data", "p_created_by", "p_metadata"],
    needs: 2,
};

pub(in crate::design) const ADD_ANSWER: Function = Function {
    name: "add_design_request_answer_history",
    takes: &[
        "p_request_id",
        "p_question_id",
        "p_answer_text",
        "p_answer_file_url",
        "p_answer_options",
        "p_created_by",
    ],
    needs: 2,
};

/// `POST /rest/v1/rpc/{function}`
pub(super) async fn call(
    State(service): State<Shared>,
    Path(name): Path<String>,
    asker: Asker,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refusal> {
    Wish::parse(&headers)?;
    if uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::unsupported("a function returns an id, of which nothing is selected"));
    }
    let id = if name == ADD_EVENT.name {
        event::add(&service, &asker, &ADD_EVENT.arguments(&body)?).await?
    } else if name == ADD_ANSWER.name {
        history::add(&service, &asker, &ADD_ANSWER.arguments(&body)?).await?
    } else {
        return Err(missing(&name, &[]));
    };
    answer::scalar(&id)
}

impl Function {
    fn arguments(&self, body: &[u8]) -> Result<Given, Refusal> {
        let given = Given::read(body)?;
        let needs = &self.takes[..self.needs];
        let lacking = needs.iter().any(|name| given.raw(&[name]).is_none());
        if lacking || given.unknown(self.takes).is_some() {
            return Err(missing(self.name, &given.names()));
        }
        Ok(given)
    }
}

/// Neither a function of that name, nor one that takes these arguments.
fn missing(name: &str, arguments: &[&str]) -> Refusal {
    let (name, arguments) = (excerpt(name), arguments.join(", "));
    let message = format!(
        "Could not find the function public.{name}({}) in the schema cache",
        excerpt(&arguments)
    );
    Refusal::new(StatusCode::NOT_FOUND, "PGRST202", message)
        .hint("there are add_design_request_event and add_design_request_answer_history")
}

fn request_id(given: &Given) -> Result<AggregateId, Refusal> {
    given.id(&["p_request_id"])?.ok_or_else(|| Refusal::no_value("uuid", ""))
}
