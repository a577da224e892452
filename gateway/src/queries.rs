//! `GET /v1/{projection}/{query}`: the parameters that the query takes over NATS, from a URL.
//! Not here: which there are; the service refuses what it does not know.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use hyper::{
    HeaderMap, StatusCode,
    header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH},
};
use infrastructure::problem::Problem;
use kit::Version;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    access::Asks,
    etag::{self, Tags},
    params::Params,
    problem::Fault,
    service::Service,
};

/// Parameters that are numbers for every query.
const NUMBERS: [&str; 3] = ["after", "wait_ms", "limit"];
/// What stands before the name of a field that documents are found by.
const WHERE: &str = "where.";

/// Asks a projection.
pub(crate) async fn ask(
    State(service): State<Arc<Service>>,
    Path((projection, query)): Path<(String, String)>,
    asks: Asks,
    map: HeaderMap,
    params: Params,
) -> Result<Response, Fault> {
    asks.to_query(&projection, &query)?;
    let known = Tags::read(&map, &IF_NONE_MATCH)?;
    let params = json(params)?;
    asks.claim_query((&projection, &query), &params, &service.histories).await?;
    let answer = service.client.query(&projection, &query, &params).await?;
    let version = version(&query, answer.get());
    let mut response = match (version, known) {
        (Some(version), Some(known)) if known.name(version) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        _ => {
            let mut response = Box::<str>::from(answer).into_string().into_response();
            let json = HeaderValue::from_static(nats::headers::JSON);
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
    };
    if let Some(tag) = version.and_then(|version| etag::of(version).parse().ok()) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

fn json(mut params: Params) -> Result<Map<String, Value>, Problem> {
    let mut all = Map::new();
    for name in NUMBERS {
        if let Some(number) = params.number(name)? {
            all.insert(name.to_owned(), number.into());
        }
    }
    let mut wheres = Map::new();
    for (name, value) in params.rest()? {
        match name.strip_prefix(WHERE) {
            Some(field) => wheres.insert(field.to_owned(), value.into()),
            None => all.insert(name, value.into()),
        };
    }
    if !wheres.is_empty() {
        all.insert("where".to_owned(), wheres.into());
    }
    Ok(all)
}

/// The version of the one document in an answer. A document that says how many events of its
/// aggregate it is made of calls that `version`; it is what `If-Match` of a command takes.
fn version(query: &str, answer: &str) -> Option<Version> {
    #[derive(Deserialize)]
    struct Answer {
        document: Document,
    }
    #[derive(Deserialize)]
    struct Document {
        version: u64,
    }
    let answer = (query == "get").then(|| serde_json::from_str::<Answer>(answer).ok())??;
    Some(Version(answer.document.version))
}
