//! `POST /rest/v1/design_requests`: a new row is a new request.
//! Not here: every other change of a row; there is none.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use kit::AggregateId;
use uuid::Uuid;

use super::{
    Shared, answer,
    call::Body,
    given::Given,
    read,
    refusal::Refusal,
    relation::{self, Relation},
    select::Select,
    wish::{Returning, Wish},
};
use crate::design::service::Asker;

/// The only table that takes rows.
pub(in crate::design) const TABLE: &str = "design_requests";
/// What it takes to make one.
const CREATE: &str = "create-request";
/// What a row may say.
pub(in crate::design) const FIELDS: &[&str] =
    &["id", "product_id", "design_code", "email", "status"];

/// `POST /rest/v1/{table}`
pub(super) async fn insert(
    State(service): State<Shared>,
    Path(table): Path<String>,
    asker: Asker,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refusal> {
    let relation = relation::named(&table)?;
    if relation.name != TABLE {
        return Err(Refusal::read_only(relation.name));
    }
    // Everything that can be refused is refused before anything is done.
    let wish = Wish::parse(&headers)?;
    let given = row(&body)?;
    let id = given.id(&["id"])?.unwrap_or_else(|| Uuid::now_v7().into());
    let select = shown(relation, &read::pairs(&uri)?, &id)?;
    if wish.returning == Returning::Row {
        asker.may_ask(relation.query)?;
    }
    service.may_send(&asker, &id, CREATE).await?;
    service.check_product(&id, given.id(&["product_id"])?.as_ref()).await?;
    let mut command = Body::default();
    for field in ["product_id", "design_code", "email"] {
        command.keep(field, given.raw(&[field]));
    }
    let call = (CREATE, command.bytes()?);
    let reply = service.send(&asker, &id, call, Uuid::now_v7().into()).await?;
    let rows = match wish.returning {
        Returning::Row => {
            read::found(&service, &asker, (relation, &select, None), reply.position).await?
        }
        Returning::Nothing | Returning::Location => Vec::new(),
    };
    answer::inserted(relation, id.as_str(), &select.page(rows)?, wish)
}

/// What is shown of the new row `id`.
fn shown(
    relation: &'static Relation,
    pairs: &[(String, String)],
    id: &AggregateId,
) -> Result<Select, Refusal> {
    let of_the_row = |name: &str| matches!(name, "select" | "columns");
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !of_the_row(name)) {
        let name = kit::excerpt(name);
        return Err(Refusal::unsupported(format!("{name}= is not supported for an insert")));
    }
    let select = pairs.iter().filter(|(name, _)| name == "select").cloned();
    let this = ("id".to_owned(), format!("eq.{id}"));
    Select::parse(relation, &select.chain([this]).collect::<Vec<_>>())
}

/// What the one row says. An array of one is a row, too.
fn row(body: &[u8]) -> Result<Given, Refusal> {
    let given = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => {
            let rows: Vec<Given> =
                kit::json::read(body).map_err(|e| Refusal::body(e.to_string()))?;
            let count = rows.len();
            let mut rows = rows.into_iter();
            match (rows.next(), rows.next()) {
                (Some(row), None) => row,
                _ => {
                    let why = format!("{count} rows at once are not supported: insert one");
                    return Err(Refusal::unsupported(why));
                }
            }
        }
        _ => Given::read(body)?,
    };
    if let Some(name) = given.unknown(FIELDS) {
        let name = kit::excerpt(name);
        let message =
            format!("Could not find the '{name}' column of '{TABLE}' in the schema cache");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "PGRST204", message));
    }
    if given.text(&["status"])?.is_some_and(|status| status != "DRAFT") {
        let message = "a new request is a DRAFT; other statuses follow from events";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "not-a-draft", message)
            .hint("call add_design_request_event"));
    }
    Ok(given)
}
