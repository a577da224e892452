//! Request headers whose values travel on: into commands, events and logs.

use std::fmt::Display;

use hyper::{
    HeaderMap,
    header::{CONTENT_TYPE, HeaderValue},
};
use infrastructure::problem::Problem;

use crate::problem::Fault;

/// Longest value that travels on: it is stored with every event.
const BYTES_MAX: usize = 256;

/// The only value of the header `name`, as bytes.
///
/// # Errors
/// `invalid`, if it is given more than once, or empty.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (values.next(), value.is_empty()) {
        (Some(_), _) => Err(bad(name, "is given more than once")),
        (None, true) => Err(bad(name, "is empty")),
        (None, false) => Ok(Some(value)),
    }
}

/// The only value of the header `name`, as text that can stand in a header of NATS.
///
/// # Errors
/// `invalid`, if it cannot.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = single(headers, name)? else { return Ok(None) };
    // A line end cannot come this far; a tab and what is not ASCII can.
    let visible = |text: &&str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let text = value.to_str().ok().filter(visible);
    let text = text.ok_or_else(|| bad(name, "holds something else than visible ASCII"))?;
    if text.len() > BYTES_MAX {
        return Err(bad(name, format_args!("is longer than {BYTES_MAX} bytes")));
    }
    Ok(Some(text))
}

/// Whether the body is said to be JSON. Other types are refused rather than guessed at: a form that was
/// sent by mistake, and what a page of another site may send without being asked.
///
/// # Errors
/// `unsupported-media-type`, if it is not.
pub fn is_json(headers: &HeaderMap) -> Result<(), Fault> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json =
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    let refused = || Fault::unsupported_media_type("the body is to be application/json");
    is_json.then_some(()).ok_or_else(refused)
}

pub(crate) fn bad(name: &str, reason: impl Display) -> Problem {
    Problem::invalid(format!("header {name}: {reason}"))
}
