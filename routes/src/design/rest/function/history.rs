//! `add_design_request_answer_history`: one more version of an answer.
//! Not here: which version it is; the aggregate counts.

use domain::design::{Answer, AnswerQuestion, Design, DesignEvent};
use infrastructure::problem::Problem;
use kit::{AggregateId, EventId, Personal, Position, Recorded};
use uuid::Uuid;

use super::{
    super::{
        call::{Body, Provenance},
        given::Given,
        refusal::Refusal,
    },
    request_id,
};
use crate::design::service::{Asker, Service};

/// Adds the answer, and returns its id; that of the current one, if it says the same already.
pub(super) async fn add(service: &Service, asker: &Asker, given: &Given) -> Result<Uuid, Refusal> {
    let id = request_id(given)?;
    let mut body = Body::default();
    body.keep("question_id", given.raw(&["p_question_id"]));
    body.keep("text", given.raw(&["p_answer_text"]));
    body.keep("file_url", given.raw(&["p_answer_file_url"]));
    body.keep("options", given.raw(&["p_answer_options"]));
    let created_by = given.raw(&["p_created_by"]);
    if created_by.is_some() {
        body.set("provenance", &Provenance { created_by, ..Provenance::default() })?;
    }
    let body = body.bytes()?;
    let call = ("answer-question", body.clone());
    let reply = service.send(asker, &id, call, Uuid::now_v7().into()).await?;
    match reply.events.first() {
        Some(made) => answered(service, &id, (reply.position, made.id)).await,
        None => standing(service, &id, &body).await,
    }
}

/// The answer that the event `made`, at its position, tells.
async fn answered(
    service: &Service,
    id: &AggregateId,
    (position, made): (Position, EventId),
) -> Result<Uuid, Refusal> {
    let mut answer = None;
    let before = Position(position.0.saturating_sub(1));
    let visit = |recorded: &Recorded<DesignEvent>| {
        if let (true, DesignEvent::AnswerVersioned(told)) = (recorded.id == made, &recorded.event) {
            answer = Some(told.answer_id);
        }
    };
    service.past().each::<Design>(id, before, visit).await?;
    answer.ok_or_else(gone)
}

/// The answer that says the same already.
async fn standing(service: &Service, id: &AggregateId, body: &[u8]) -> Result<Uuid, Refusal> {
    let asked: AnswerQuestion =
        serde_json::from_slice(body).map_err(|error| Refusal::body(error.to_string()))?;
    let AnswerQuestion { question_id, text, file_url, options, .. } = asked;
    let answer = Answer {
        text: text.map(Personal::Known),
        file_url: file_url.map(Personal::Known),
        options: options.map(Personal::Known),
    };
    let mut last = None;
    let visit = |recorded: &Recorded<DesignEvent>| match &recorded.event {
        DesignEvent::AnswerVersioned(known)
            if known.question_id == question_id && known.answer == answer =>
        {
            last = Some(known.answer_id);
        }
        _ => {}
    };
    service.past().each::<Design>(id, Position::ZERO, visit).await?;
    last.ok_or_else(gone)
}

fn gone() -> Refusal {
    Problem::internal("an answer that is there is nowhere in the history").into()
}
