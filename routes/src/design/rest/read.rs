//! Reading tables and views. Not here: what a query string says, and how rows are shown.

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use kit::Position;

use super::{
    Shared, answer,
    refusal::Refusal,
    relation::{self, Relation},
    select::Select,
    wish::Wish,
};
use crate::design::service::{Ask, Asker, Row, Service};

/// `GET /rest/v1/{table}`
pub(super) async fn read(
    State(service): State<Shared>,
    Path(table): Path<String>,
    asker: Asker,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let relation = relation::named(&table)?;
    let wish = Wish::parse(&headers)?;
    let select = Select::parse(relation, &pairs(&uri)?)?;
    let after = service.fresh(select.request(relation).as_ref()).await?;
    let enough = select.enough().filter(|_| !wish.count);
    let rows = found(&service, &asker, (relation, &select, enough), after).await?;
    answer::rows(&select.page(rows)?, &select, wish)
}

/// The rows for which the conditions hold, of one request or of all; all, or `enough` of them.
pub(super) async fn found(
    service: &Service,
    asker: &Asker,
    (relation, select, enough): (&'static Relation, &Select, Option<usize>),
    after: Position,
) -> Result<Vec<Row>, Refusal> {
    let request = select.request(relation);
    let mut params = select.narrowed(relation);
    let query = match (&request, relation.list) {
        (Some(id), _) => {
            // The query of one request takes no more than its id, where there is one of all.
            if relation.list.is_some() {
                params.clear();
            }
            params.push(("request_id", id.as_str()));
            relation.query
        }
        (None, Some(list)) => list,
        (None, None) => {
            let (name, column) = (relation.name, relation.request);
            let why = format!("{name} is read by {column}: add {column}=eq.<id>");
            return Err(Refusal::unsupported(why));
        }
    };
    let whole = request.is_some();
    let keep = |row: &Row| select.keeps(row);
    service.rows(asker, Ask { query, params: &params, after, whole, enough }, keep).await
}

/// The names and values of a query string.
pub(super) fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = Query::try_from_uri(uri).map(|Query(pairs)| pairs);
    pairs.map_err(|_| Refusal::unreadable("query string", uri.query().unwrap_or_default()))
}
