//! What a client wishes for beside the query string: the form of the answer (`Accept`), what it brings
//! back (`Prefer`), and the schema (`Accept-Profile`, `Content-Profile`).
//! Not here: the answer.

use axum::http::{HeaderMap, StatusCode, header::ACCEPT};
use kit::excerpt;

use super::refusal::Refusal;

/// The only schema there is.
const SCHEMA: &str = "public";

/// What a client wishes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) form: Form,
    pub(super) returning: Returning,
    /// Whether to say how many rows there are in all.
    pub(super) count: bool,
}

/// The form of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Array,
    /// One row without an array around it, or a refusal.
    Object,
}

/// What comes back of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Returning {
    Nothing,
    Location,
    Row,
}

impl Wish {
    /// Reads the headers.
    pub(super) fn parse(headers: &HeaderMap) -> Result<Self, Refusal> {
        schema(headers)?;
        let mut wish = Self { form: form(headers)?, returning: Returning::Nothing, count: false };
        for word in words(headers, "prefer") {
            match word {
                "return=minimal" => wish.returning = Returning::Nothing,
                "return=headers-only" => wish.returning = Returning::Location,
                "return=representation" => wish.returning = Returning::Row,
                "count=exact" | "count=planned" | "count=estimated" => wish.count = true,
                // Whoever wishes for these and does not get them would be told what is not true.
                "tx=rollback" | "resolution=merge-duplicates" | "resolution=ignore-duplicates" => {
                    return Err(Refusal::unsupported(format!("Prefer: {word} is not supported")));
                }
                _ => {}
            }
        }
        Ok(wish)
    }
}

fn schema(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut named = words(headers, "accept-profile").chain(words(headers, "content-profile"));
    match named.find(|name| *name != SCHEMA) {
        None => Ok(()),
        Some(other) => {
            let message = format!("Invalid schema: {}", excerpt(other));
            Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "PGRST106", message)
                .hint("Only the following schemas are exposed: public"))
        }
    }
}

fn form(headers: &HeaderMap) -> Result<Form, Refusal> {
    let mut accepted = words(headers, ACCEPT.as_str()).peekable();
    if accepted.peek().is_none() {
        return Ok(Form::Array);
    }
    let known = accepted.find_map(|accepted| {
        let mut parts = accepted.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        if parts.any(|part| !part.starts_with("q=") && !part.starts_with("charset=")) {
            return None;
        }
        match kind {
            "*/*" | "application/*" | "application/json" | "application/vnd.pgrst.array+json" => {
                Some(Form::Array)
            }
            "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => {
                Some(Form::Object)
            }
            _ => None,
        }
    });
    known.ok_or_else(|| {
        let message = "None of these media types are available";
        Refusal::new(StatusCode::NOT_ACCEPTABLE, "PGRST107", message)
    })
}

/// The words between commas of all headers of a name.
fn words<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(headers: &[(&'static str, &str)]) -> Result<Wish, Refusal> {
        let headers = headers.iter().map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), value.parse().unwrap())
        });
        Wish::parse(&headers.collect())
    }

    #[test]
    fn what_supabase_js_sends_is_understood() {
        let read = wish(&[("accept", "*/*"), ("accept-profile", "public")]).unwrap();
        assert_eq!((read.form, read.returning), (Form::Array, Returning::Nothing));
        let insert = wish(&[
            ("accept", "application/vnd.pgrst.object+json"),
            ("prefer", "return=representation"),
            ("content-profile", "public"),
        ]);
        let insert = insert.unwrap();
        assert_eq!((insert.form, insert.returning), (Form::Object, Returning::Row));
        assert!(wish(&[("prefer", "missing=default, count=exact")]).unwrap().count);
    }

    #[test]
    fn what_would_not_be_done_is_refused() {
        for (name, value, status, code) in [
            ("accept", "text/csv", 406, "PGRST107"),
            (
                "accept",
                "application/vnd.pgrst.plan+text; for=\"application/json\"",
                406,
                "PGRST107",
            ),
            ("accept", "application/vnd.pgrst.object+json;nulls=stripped", 406, "PGRST107"),
            ("accept-profile", "private", 406, "PGRST106"),
            ("content-profile", "auth", 406, "PGRST106"),
            ("prefer", "tx=rollback", 400, "0A000"),
            ("prefer", "return=representation, resolution=merge-duplicates", 400, "0A000"),
        ] {
            let refused = wish(&[(name, value)]).unwrap_err();
            assert_eq!(
                (refused.status.as_u16(), &*refused.code),
                (status, code),
                "{name}: {value}"
            );
        }
    }
}
