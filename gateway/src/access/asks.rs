//! Who asks, as the gateway's own routes take it: also where nobody is known, because nothing guards
//! them and they serve this machine alone.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};

use infrastructure::histories::Histories;
use kit::AggregateId;
use serde_json::{Map, Value};

use super::{Claim, Principal};
use crate::problem::Fault;

/// Who asks, if that is known.
#[derive(Debug)]
pub(crate) struct Asks(Option<Principal>);

impl<S: Sync> FromRequestParts<S> for Asks {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

impl Asks {
    /// [`Principal::check_command`]
    pub(crate) fn to_command(&self, aggregate: &str, id: &str, name: &str) -> Result<(), Fault> {
        self.0.as_ref().map_or(Ok(()), |asks| asks.check_command(aggregate, id, name))
    }

    /// [`Principal::claim_command`]
    pub(crate) async fn claim_command(
        &self,
        command: (&str, &AggregateId, &str),
        histories: &Histories,
    ) -> Result<Claim, Fault> {
        let Some(asks) = &self.0 else { return Ok(Claim::Any) };
        asks.claim_command(command, histories).await
    }

    /// [`Principal::claim_read`]
    pub(crate) async fn claim_read(
        &self,
        history: (Option<&str>, Option<&AggregateId>),
        histories: &Histories,
    ) -> Result<(), Fault> {
        let Some(asks) = &self.0 else { return Ok(()) };
        asks.claim_read(history, histories).await
    }

    /// [`Principal::claim_query`]
    pub(crate) async fn claim_query(
        &self,
        query: (&str, &str),
        params: &Map<String, Value>,
        histories: &Histories,
    ) -> Result<(), Fault> {
        let Some(asks) = &self.0 else { return Ok(()) };
        let named = |name: &str| params.get(name)?.as_str().map(str::to_owned);
        asks.claim_query(query, named, histories).await
    }

    /// [`Principal::check_query`]
    pub(crate) fn to_query(&self, projection: &str, name: &str) -> Result<(), Fault> {
        self.0.as_ref().map_or(Ok(()), |asks| asks.check_query(projection, name))
    }

    /// [`Principal::check_read`]
    pub(crate) fn to_read(&self, aggregate: Option<&str>, id: Option<&str>) -> Result<(), Fault> {
        self.0.as_ref().map_or(Ok(()), |asks| asks.check_read(aggregate, id))
    }
}
