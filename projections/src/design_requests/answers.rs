//! Every answer to every question. A row changes only in that it is no longer the current one.

use domain::design::DesignEvent;
use kit::{
    Personal, Recorded,
    tables::{Change, Column, Statement, Table, Type, Value},
};

use super::events::created_by;

pub(super) const ANSWERS: Table = Table {
    name: "design_request_answers_history",
    columns: &COLUMNS,
    key: &["id"],
    indexes: &[&["request_id", "question_id"]],
};

pub(super) const COLUMNS: [Column; 10] = [
    Column::text("id"),
    Column::text("request_id"),
    Column::text("question_id"),
    Column::text("answer_text").or_null(),
    Column::text("answer_file_url").or_null(),
    Column::json("answer_options").or_null(),
    Column::int("version"),
    Column::time("created_at"),
    Column::text("created_by").or_null(),
    Column::bool("is_current"),
];

/// By question, not by the version before: that one may have been discarded as a dead letter.
pub(super) const OUTDATE: Statement = Statement {
    sql: "UPDATE {design_request_answers_history} SET is_current = FALSE
          WHERE request_id = $1 AND question_id = $2 AND is_current",
    params: &[Type::Text, Type::Text],
};

pub(super) fn changes(event: &Recorded<DesignEvent>) -> serde_json::Result<Vec<Change>> {
    let DesignEvent::AnswerVersioned(answered) = &event.event else { return Ok(Vec::new()) };
    let (request, question) = (&event.aggregate_id, &answered.question_id);
    let answer = &answered.answer;
    let options = answer.options.as_ref().and_then(Personal::known);
    let options = options.map(Value::json).transpose()?;
    let (text, url) = (&answer.text, &answer.file_url);
    let text = text.as_ref().and_then(Personal::known);
    let url = url.as_ref().and_then(Personal::known);
    let row = ANSWERS.put([
        ("id", answered.answer_id.to_string().into()),
        ("request_id", request.into()),
        ("question_id", question.into()),
        ("answer_text", text.map(|text| text.as_str()).into()),
        ("answer_file_url", url.map(|url| url.as_str()).into()),
        ("answer_options", options.unwrap_or(Value::Null)),
        ("version", answered.version.into()),
        ("created_at", event.time.into()),
        ("created_by", created_by(event)),
        ("is_current", true.into()),
    ]);
    if answered.version == 1 {
        return Ok(vec![row]);
    }
    Ok(vec![OUTDATE.run([request.into(), question.into()]), row])
}
