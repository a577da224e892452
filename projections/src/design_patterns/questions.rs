//! How often the answers to each question are revised, by the month of the answer.

use domain::design::{AnswerVersioned, DesignEvent};
use kit::{
    Recorded,
    tables::{Change, Column, Param, Query, Statement, Table, Type},
};

use super::{month, read_month};

pub(super) const MONTHS: Table = Table {
    name: "design_question_months",
    columns: &[
        Column::text("month"),
        Column::text("question_id"),
        Column::int("answered"),
        Column::int("revised"),
        Column::int("revisions"),
    ],
    key: &["month", "question_id"],
    indexes: &[],
};

pub(super) const ANSWER: Statement = Statement {
    sql: "INSERT INTO {design_question_months} AS m (month, question_id, answered, revised, revisions)
          VALUES ($1, $2, $3, $4, $5)
          ON CONFLICT (month, question_id) DO UPDATE SET answered = m.answered + excluded.answered,
            revised = m.revised + excluded.revised, revisions = m.revisions + excluded.revisions",
    params: &[Type::Text, Type::Text, Type::Int, Type::Int, Type::Int],
};

/// In how many requests each question was answered, and in how many the answer was revised.
pub(super) const QUERY: Query = Query {
    name: "questions",
    params: &[
        Param::text("from_month").or_none().read_by(read_month),
        Param::text("to_month").or_none().read_by(read_month),
        Param::bool("by_month").or_none(),
    ],
    sql: "SELECT period, question_id, sum(answered) AS answered, sum(revised) AS revised,
                 sum(revisions) AS revisions
          FROM (SELECT CASE WHEN $3 THEN month ELSE '' END AS period, question_id, answered, revised,
                       revisions
                FROM {design_question_months}
                WHERE TRUE [from_month? AND month >= $1] [to_month? AND month <= $2]) AS chosen
          GROUP BY period, question_id",
    columns: &[
        // Blank for all of the time.
        Column::text("period"),
        Column::text("question_id"),
        Column::int("answered"),
        // Requests in which the answer was changed at all, and how often in all of them.
        Column::int("revised"),
        Column::int("revisions"),
    ],
    order: &["period", "question_id"],
};

pub(super) fn answered(event: &Recorded<DesignEvent>, answered: &AnswerVersioned) -> Change {
    let is = |version: bool| u32::from(version).into();
    ANSWER.run([
        month(event.time),
        (&answered.question_id).into(),
        is(answered.version == 1),
        is(answered.version == 2),
        is(answered.version > 1),
    ])
}
