//! What documents answer: one by its key, lists by declared fields, and counts.
//! Not here: waiting for `after`.

use kit::excerpt;

use super::{Answer, Found, Served, away, ready};
use crate::{
    problem::Problem,
    readmodel::{
        documents::AnyDocuments,
        params::{CountParams, GetParams, ListParams, Wait, cursor, limit, parse},
        reader::Condition,
        store::Store,
        text,
    },
};

/// The queries that documents answer.
pub(super) const NAMES: [&str; 3] = ["count", "get", "list"];

/// The documents of one projection, asked.
pub(super) struct Documents<'a> {
    pub(super) served: &'a Served,
    pub(super) documents: &'a dyn AnyDocuments,
    pub(super) store: &'a Store,
}

impl Documents<'_> {
    pub(super) async fn answer(&self, name: &str, body: &[u8]) -> Result<Answer, Problem> {
        match name {
            "get" => self.get(parse(body)?).await,
            "list" => self.list(parse(body)?).await,
            "count" => self.count(parse(body)?).await,
            _ => Err(Problem::unknown_query(format!(
                "{} has no query {name:?}; it has count, get and list",
                self.name()
            ))),
        }
    }

    fn name(&self) -> &'static str {
        self.served.projection.name()
    }

    async fn get(&self, params: GetParams) -> Result<Answer, Problem> {
        let wait = Wait::new(params.after, params.wait_ms)?;
        let mut snapshot = self.served.reached(self.store, wait, false).await?;
        // No document has such a key, and not every database can be asked for it.
        let key = Some(params.key.as_str()).filter(|key| text::is_key(key));
        let document = match key {
            Some(key) => snapshot.get(key).await.map_err(|error| away(&error))?,
            None => None,
        };
        let (parked, missing) = snapshot.parked(key).await.map_err(|error| away(&error))?;
        let missing = missing.filter(|from| wait.lacks(*from));
        let position = snapshot.position;
        let document = document.ok_or_else(|| {
            let name = self.name();
            let why = missing.map_or_else(String::new, |from| {
                format!("; its events from {from} on wait behind a dead letter")
            });
            Problem::not_found(format!("{name} has no document with that key at {position}{why}"))
        })?;
        let status = if missing.is_some() { "parked" } else { "ready" };
        Ok(Answer { status, position, parked, found: Found::One { document } })
    }

    async fn list(&self, params: ListParams) -> Result<Answer, Problem> {
        let wait = Wait::new(params.after, params.wait_ms)?;
        let (limit, start) = (limit(params.limit)?, params.start()?);
        let conditions: Result<Vec<_>, _> =
            params.conditions.iter().map(|(field, value)| self.condition(field, value)).collect();
        let conditions = conditions?;
        let mut snapshot = self.served.reached(self.store, wait, !conditions.is_empty()).await?;
        let page = snapshot.list(&conditions, start, limit).await.map_err(|error| away(&error))?;
        let next = page.next.map(|place| cursor(&place)).transpose();
        let next = next.map_err(|error| Problem::corrupt(error.to_string()))?;
        ready(snapshot, Found::Many { documents: page.documents, next }).await
    }

    async fn count(&self, params: CountParams) -> Result<Answer, Problem> {
        let wait = Wait::new(params.after, params.wait_ms)?;
        let field = self.condition(&params.by, "")?.field;
        let mut snapshot = self.served.reached(self.store, wait, true).await?;
        let counts = snapshot.count(field).await.map_err(|error| away(&error))?;
        ready(snapshot, Found::Counts { counts }).await
    }

    fn condition(&self, field: &str, value: &str) -> Result<Condition, Problem> {
        let fields = self.documents.fields();
        let Some(known) = fields.iter().find(|known| known.name == field) else {
            let names: Vec<_> = fields.iter().map(|field| field.name).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let (name, field) = (self.name(), excerpt(field));
            return Err(Problem::invalid(format!(
                "{name} has no field {field:?}; it has: {names}"
            )));
        };
        let value = self.documents.normalise(field, value);
        Ok(Condition { field: known.name, matches: known.matches, value })
    }
}
