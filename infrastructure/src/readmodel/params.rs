//! What the queries of every read model take. Not here: what they answer.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use kit::{Position, json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::text;
use crate::problem::Problem;

/// How long a query waits for `after` unless it says so.
const WAIT_MS_DEFAULT: u64 = 2_000;
/// The longest it may wait: the caller's own patience ends soon after.
const WAIT_MS_MAX: u64 = 30_000;
/// Documents in one answer; an answer must fit one message.
pub(super) const LIMIT_MAX: u32 = 200;
const LIMIT_DEFAULT: u32 = 50;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GetParams {
    pub(super) key: String,
    pub(super) after: Option<u64>,
    pub(super) wait_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    #[serde(default, rename = "where")]
    pub(super) conditions: BTreeMap<String, String>,
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
    pub(super) after: Option<u64>,
    pub(super) wait_ms: Option<u64>,
}

impl ListParams {
    /// The place in the list that the cursor names.
    pub(super) fn start(&self) -> Result<Option<(String, String)>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let place: Option<(String, String)> = place(cursor);
        let place = place.filter(|(sort, key)| text::is_key(sort) && text::is_key(key));
        place.map(Some).ok_or_else(no_cursor)
    }
}

/// What the declared query of a table takes, beside its own parameters.
#[derive(Debug, Deserialize)]
pub(super) struct SelectParams {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
    pub(super) after: Option<u64>,
    pub(super) wait_ms: Option<u64>,
    #[serde(flatten)]
    pub(super) given: BTreeMap<String, serde_json::Value>,
}

/// How many rows or documents were asked for.
pub(super) fn limit(given: Option<u32>) -> Result<u32, Problem> {
    let limit = given.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid(format!("`limit` is {limit} and may be 1 to {LIMIT_MAX}")))
}

/// The place behind a row or document in the order of an answer, as one word that a shell and a URL
/// leave as it is.
pub(super) fn cursor<T: Serialize>(place: &T) -> serde_json::Result<String> {
    serde_json::to_vec(place).map(|json| BASE64_URL_SAFE_NO_PAD.encode(json))
}

pub(super) fn place<T: DeserializeOwned>(cursor: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

pub(super) fn no_cursor() -> Problem {
    Problem::invalid("`cursor` is not the `next` of an earlier answer of this query")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountParams {
    pub(super) by: String,
    pub(super) after: Option<u64>,
    pub(super) wait_ms: Option<u64>,
}

/// The place in the log that must have been reached, and for how long to wait for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    pub(super) after: Position,
    pub(super) patience: Duration,
}

impl Wait {
    pub(super) fn new(after: Option<u64>, wait_ms: Option<u64>) -> Result<Self, Problem> {
        let wait_ms = wait_ms.unwrap_or(WAIT_MS_DEFAULT);
        if wait_ms > WAIT_MS_MAX {
            return Err(Problem::invalid(format!(
                "`wait_ms` is {wait_ms} and may be 0 to {WAIT_MS_MAX}"
            )));
        }
        let patience = Duration::from_millis(wait_ms);
        Ok(Self { after: Position(after.unwrap_or(0)), patience })
    }

    /// Whether events that are missing from `from` on are among those that are waited for.
    pub(super) fn lacks(&self, from: Position) -> bool {
        self.after == Position::ZERO || from <= self.after
    }
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let body = if body.is_empty() { b"{}" } else { body };
    json::read(body).map_err(|error| Problem::invalid(format!("parameters: {error}")))
}
