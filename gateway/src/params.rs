//! Query parameters: each once, each known, each read as what it is.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use axum::extract::{FromRequestParts, Query};
use hyper::http::request::Parts;
use infrastructure::problem::Problem;
use kit::excerpt;

use crate::problem::Fault;

/// The parameters of one request that were not read yet.
#[derive(Debug)]
pub(crate) struct Params(BTreeMap<String, Vec<String>>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let read = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = read.map_err(|error| Problem::invalid(error.body_text()))?;
        let mut all = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in pairs {
            all.entry(name).or_default().push(value);
        }
        Ok(Self(all))
    }
}

impl Params {
    /// Every value of `name`.
    pub(crate) fn many(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// `invalid`, if there are several.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.many(name).into_iter();
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(bad(name, "is given more than once")),
        }
    }

    /// The value of `name`, read.
    ///
    /// # Errors
    /// `invalid`, if there are several, or if it is not what is `expected`.
    pub(crate) fn read<T: FromStr>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let read = text.parse().map_err(|_| bad(name, format_args!("expected {expected}")))?;
        Ok(Some(read))
    }

    /// The value of `name`, a whole number of digits alone.
    ///
    /// # Errors
    /// `invalid`, if there are several, or if it is anything else.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        number.map(Some).ok_or_else(|| bad(name, "expected a whole number"))
    }

    /// What is left, each given once.
    ///
    /// # Errors
    /// `invalid`, if one is given more than once.
    pub(crate) fn rest(self) -> Result<Vec<(String, String)>, Problem> {
        let single = |(name, values): (String, Vec<String>)| match <[String; 1]>::try_from(values) {
            Ok([value]) => Ok((name, value)),
            Err(_) => Err(bad(&name, "is given more than once")),
        };
        self.0.into_iter().map(single).collect()
    }

    /// Refuses whatever was not read.
    ///
    /// # Errors
    /// `invalid`, naming one.
    pub(crate) fn end(self) -> Result<(), Problem> {
        match self.0.first_key_value() {
            None => Ok(()),
            Some((name, _)) => Err(bad(name, "there is no such parameter")),
        }
    }
}

pub(crate) fn bad(name: &str, reason: impl Display) -> Problem {
    Problem::invalid(format!("parameter {:?}: {reason}", excerpt(name)))
}
