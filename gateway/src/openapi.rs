//! What the gateway says of itself, by the standard `OpenAPI` 3.1, and a page to read it with.
//!
//! It is made from what the composition knows already. Not here: schemas of commands and documents; the kit derives them from their readers.

mod commands;
mod page;
mod queries;
mod reads;
mod schemas;
mod shared;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    http::header::{CONTENT_TYPE, HeaderValue},
    response::IntoResponse,
    routing::get,
};
use infrastructure::composition::Composition;
use serde_json::{Map, Value, json};

pub use self::{
    queries::{column, row},
    shared::{answers, parameter, schema},
};

/// A description of everything that can be asked over HTTP.
#[derive(Debug, Clone)]
pub struct OpenApi {
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl OpenApi {
    /// What any gateway answers for `composition`.
    #[must_use]
    pub fn of(composition: &Composition) -> Self {
        let catalogue = composition.aggregates().catalogue();
        let projections = composition.projections();
        let paths = commands::paths(&catalogue)
            .chain(queries::paths(&projections))
            .chain(reads::paths(&catalogue))
            .collect();
        let schemas = schemas::all().into_iter().chain(queries::schemas(&projections)).collect();
        Self { paths, schemas }
    }

    /// The same with what a context's own routes say of themselves: path items, and schemas that they
    /// refer to as `#/components/schemas/…`.
    #[must_use]
    pub fn and(
        mut self,
        paths: impl IntoIterator<Item = (String, Value)>,
        schemas: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        self.paths.extend(paths);
        self.schemas.extend(schemas);
        self
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "openapi": "3.1.0",
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "info": {
                "title": "Headwater",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Event-sourced aggregates over HTTP. A command is answered once it is \
                    in the log; every answer names a position, and a query with `after` waits for it.",
                "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
            },
            "servers": [{"url": "/"}],
            "security": [{"token": []}, {"key": []}, {"apikey": []}],
            "tags": self.tags(),
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "parameters": shared::parameters(),
                "headers": shared::headers(),
                "responses": shared::responses(),
                "securitySchemes": shared::security(),
            },
        })
    }

    /// The tags of all operations, each once, in the order in which they come.
    fn tags(&self) -> Vec<Value> {
        let mut names: Vec<&str> = Vec::new();
        let operations = self.paths.values().filter_map(Value::as_object).flat_map(Map::values);
        for tag in operations.filter_map(|operation| operation["tags"].as_array()).flatten() {
            match tag.as_str() {
                Some(tag) if !names.contains(&tag) => names.push(tag),
                _ => {}
            }
        }
        names.into_iter().map(|name| json!({"name": name})).collect()
    }

    /// `/openapi.json`, for whoever is let in.
    pub fn routes(&self) -> Router {
        let text: Arc<[u8]> = self.document().to_string().into_bytes().into();
        let answer = move || async move {
            let json = HeaderValue::from_static(nats::headers::JSON);
            ([(CONTENT_TYPE, json)], Bytes::from_owner(text)).into_response()
        };
        Router::new().route("/openapi.json", get(answer))
    }

    /// `/docs`, open: the page is the same everywhere and knows nothing before it is given a key.
    pub fn page() -> Router {
        page::routes()
    }
}
