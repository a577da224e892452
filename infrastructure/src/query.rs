//! What the query service asks of the read models.
//! Not here: subjects and messages; the read models themselves.

use std::future::Future;

use bytes::Bytes;

use crate::problem::Problem;

/// One read model and the queries it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryInfo {
    /// The projection's name, the second token of `query.<projection>.<name>`.
    pub projection: &'static str,
    /// The names of its queries, each the third token.
    pub names: Vec<&'static str>,
}

/// Read models that answer queries.
pub trait Queries: Send + Sync + 'static {
    /// Every read model with its queries.
    fn catalogue(&self) -> Vec<QueryInfo>;

    /// Answers the query `name` of `projection`, whose parameters are the JSON object `body`; an
    /// empty body is `{}`. May wait, for `after`, but no longer than the query's own `wait_ms`.
    ///
    /// # Errors
    /// `unknown-query`, `invalid`, `not-found`, `timeout` or `store-elsewhere`.
    fn query(
        &self,
        projection: &str,
        name: &str,
        body: Bytes,
    ) -> impl Future<Output = Result<Bytes, Problem>> + Send;
}
