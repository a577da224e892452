//! Answers as PostgREST gives them. Not here: refusals.

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION},
    },
    response::{IntoResponse, Response},
};
use infrastructure::problem::Problem;
use serde::Serialize;

use super::{
    refusal::Refusal,
    relation::Relation,
    rows::Page,
    select::Select,
    wish::{Form, Returning, Wish},
};

const JSON: &str = "application/json; charset=utf-8";
const OBJECT: &str = "application/vnd.pgrst.object+json; charset=utf-8";

/// The rows of a read.
pub(super) fn rows(page: &Page<'_>, select: &Select, wish: Wish) -> Result<Response, Refusal> {
    let shown = page.rows.len();
    let total = wish.count.then_some(page.total);
    // A part of a whole that is known is a partial content; of one that is not, it is all there is.
    let partial = total.is_some_and(|total| shown < total);
    let status = if partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = formed(status, page, wish.form)?;
    let range = range(select.offset, shown, total);
    let range = HeaderValue::try_from(range).map_err(|error| bug(&error))?;
    response.headers_mut().insert(CONTENT_RANGE, range);
    Ok(response)
}

/// What an insert brings back.
pub(super) fn inserted(
    relation: &Relation,
    id: &str,
    page: &Page<'_>,
    wish: Wish,
) -> Result<Response, Refusal> {
    match wish.returning {
        Returning::Nothing => Ok(StatusCode::CREATED.into_response()),
        Returning::Location => {
            let location = format!("/{}?id=eq.{id}", relation.name);
            let location = HeaderValue::try_from(location).map_err(|error| bug(&error))?;
            Ok((StatusCode::CREATED, [(LOCATION, location)]).into_response())
        }
        Returning::Row => formed(StatusCode::CREATED, page, wish.form),
    }
}

/// What a function returns.
pub(super) fn scalar(value: &impl Serialize) -> Result<Response, Refusal> {
    json(StatusCode::OK, JSON, value)
}

fn formed(status: StatusCode, page: &Page<'_>, form: Form) -> Result<Response, Refusal> {
    match (form, page.rows.as_slice()) {
        (Form::Array, rows) => json(status, JSON, &rows),
        (Form::Object, [row]) => json(status, OBJECT, row),
        (Form::Object, rows) => {
            let message = "Cannot coerce the result to a single JSON object";
            let refusal = Refusal::new(StatusCode::NOT_ACCEPTABLE, "PGRST116", message);
            Err(refusal.details(format!("The result contains {} rows", rows.len())))
        }
    }
}

fn json(
    status: StatusCode,
    kind: &'static str,
    value: &impl Serialize,
) -> Result<Response, Refusal> {
    let body = serde_json::to_vec(value).map_err(|error| bug(&error))?;
    let kind: [(HeaderName, HeaderValue); 1] = [(CONTENT_TYPE, HeaderValue::from_static(kind))];
    Ok((status, kind, body).into_response())
}

/// RFC 9110 has no such unit; PostgREST's clients count rows by it.
fn range(offset: usize, shown: usize, total: Option<usize>) -> String {
    let total = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
    match shown.checked_sub(1) {
        None => format!("*/{total}"),
        Some(last) => format!("{offset}-{}/{total}", offset + last),
    }
}

fn bug(error: &dyn std::fmt::Display) -> Refusal {
    Problem::internal(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_says_which_rows_these_are_and_of_how_many() {
        assert_eq!(range(0, 3, None), "0-2/*");
        assert_eq!(range(2, 2, Some(9)), "2-3/9");
        assert_eq!(range(5, 0, None), "*/*");
        assert_eq!(range(0, 0, Some(0)), "*/0");
    }
}
