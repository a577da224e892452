//! The service as one caller has it: commands and queries on the caller's behalf, as far as the caller
//! may. Not here: what is asked.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use domain::{design::Design, product::Product};
use gateway::{
    Caller, Fault, RequestId,
    access::{Claim, Principal},
};
use infrastructure::{
    client::Client,
    histories::Histories,
    problem::Problem,
    request::{CommandRequest, Reply},
    telemetry,
};
use kit::{Aggregate as _, AggregateId, CommandId, Position, Version};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tracing::Span;

/// The read model of all that is shown here.
pub(super) const PROJECTION: &str = "design-requests";
/// Rows that are asked for at a time.
const PAGE: u32 = 200;
/// Most rows that are read for one answer: what is not found by then is to be asked for more narrowly.
const ROWS_READ_MAX: usize = 10_000;
/// How long a read waits for what was written before it.
const WAIT_MS: u64 = 5_000;

/// One row: what stands in a column stays as it was written.
pub(super) type Row = BTreeMap<String, Box<RawValue>>;

/// Who asks, as access control has found out.
#[derive(Debug, Default)]
pub(super) struct Asker {
    pub(super) caller: Caller,
    principal: Option<Principal>,
    request: Option<RequestId>,
    traceparent: Option<String>,
}

/// Commands to design requests, and queries about them.
#[derive(Debug)]
pub(super) struct Service {
    client: Client,
    past: Histories,
    /// The last commit that was made from here: what is asked about all requests comes after it.
    written: AtomicU64,
}

/// What is asked of the read model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) query: &'static str,
    pub(super) params: &'a [(&'static str, &'a str)],
    /// What the read model must have reached.
    pub(super) after: Position,
    /// Whether an event that it lacks, because it is among the dead letters, makes the answer wrong.
    pub(super) whole: bool,
    /// How many rows are enough; else all are read.
    pub(super) enough: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Page {
    status: String,
    rows: Vec<Row>,
    next: Option<String>,
}

impl Service {
    pub(super) const fn new(client: Client, past: Histories) -> Self {
        Self { client, past, written: AtomicU64::new(0) }
    }

    pub(super) const fn past(&self) -> &Histories {
        &self.past
    }

    /// Sends a command to the request `id`.
    pub(super) async fn send(
        &self,
        asker: &Asker,
        id: &AggregateId,
        (name, body): (&str, Vec<u8>),
        command_id: CommandId,
    ) -> Result<Reply, Problem> {
        let claim = self.may_send(asker, id, name).await?;
        let mut request = CommandRequest::new(Design::TYPE, id.clone(), name, body);
        request.command_id = Some(command_id);
        request.expected_version = (claim == Claim::First).then_some(Version::ZERO);
        request.user_id = asker.caller.user.as_deref().map(str::to_owned);
        request.session_id = asker.caller.session.as_deref().map(str::to_owned);
        request.request_id = asker.request.as_ref().map(|id| id.as_str().to_owned());
        request.traceparent.clone_from(&asker.traceparent);
        let reply = self.client.send(&request).await?;
        self.written.fetch_max(reply.position.0, Ordering::Relaxed);
        Ok(reply)
    }

    /// Whether the caller may send this command to this very request.
    pub(super) async fn may_send(
        &self,
        asker: &Asker,
        id: &AggregateId,
        name: &str,
    ) -> Result<Claim, Problem> {
        let Some(principal) = &asker.principal else { return Ok(Claim::Any) };
        let claim = principal.claim_command((Design::TYPE, id, name), &self.past);
        claim.await.map_err(|Fault(problem)| problem)
    }

    /// Whether the caller may be told what is asked for.
    async fn may_see(&self, asker: &Asker, ask: Ask<'_>) -> Result<(), Problem> {
        let Some(principal) = &asker.principal else { return Ok(()) };
        let named = |name: &str| {
            let found = ask.params.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let claim = principal.claim_query((PROJECTION, ask.query), named, &self.past);
        claim.await.map_err(|Fault(problem)| problem)
    }

    /// Whether the request `id` may be about `product`: one that is there already may, whatever has
    /// become of the product since.
    pub(super) async fn check_product(
        &self,
        id: &AggregateId,
        product: Option<&AggregateId>,
    ) -> Result<(), Problem> {
        let Some(product) = product else { return Ok(()) };
        if self.past.last::<Design>(id).await? > Position::ZERO {
            return Ok(());
        }
        match self.past.fold::<Product>(product).await? {
            Product::Active(_) => Ok(()),
            Product::Unknown => {
                Err(Problem::refused("unknown-product", "there is no such product"))
            }
            Product::Retired(_) => {
                Err(Problem::refused("product-retired", "the product is no longer offered"))
            }
        }
    }

    /// Where the last commit stands that a read must see: of `id`, or of all that were made from here.
    pub(super) async fn fresh(&self, id: Option<&AggregateId>) -> Result<Position, Problem> {
        match id {
            Some(id) => self.past.last::<Design>(id).await,
            None => Ok(Position(self.written.load(Ordering::Relaxed))),
        }
    }

    /// The rows of a query for which `keep` holds.
    pub(super) async fn rows<E: From<Problem>>(
        &self,
        asker: &Asker,
        ask: Ask<'_>,
        keep: impl Fn(&Row) -> Result<bool, E>,
    ) -> Result<Vec<Row>, E> {
        let (mut kept, mut read, mut cursor) = (Vec::new(), 0, None);
        loop {
            let (rows, next) = self.page(asker, ask, (None, cursor.as_deref())).await?;
            read += rows.len();
            for row in rows {
                if keep(&row)? {
                    kept.push(row);
                }
            }
            cursor = next;
            if cursor.is_none() || ask.enough.is_some_and(|enough| kept.len() >= enough) {
                return Ok(kept);
            }
            if read >= ROWS_READ_MAX {
                let why =
                    format!("more than {ROWS_READ_MAX} rows would have to be read; narrow it");
                return Err(Problem::too_large(why).into());
            }
        }
    }

    /// One page of a query, of `limit` rows if there is a limit, and where the next one begins.
    pub(super) async fn page(
        &self,
        asker: &Asker,
        ask: Ask<'_>,
        (limit, cursor): (Option<u32>, Option<&str>),
    ) -> Result<(Vec<Row>, Option<String>), Problem> {
        asker.may_ask(ask.query)?;
        self.may_see(asker, ask).await?;
        let body = ask.body(limit.unwrap_or(PAGE), cursor);
        let answer = self.client.query(PROJECTION, ask.query, &body).await.map_err(behind)?;
        let page: Page = serde_json::from_str(answer.get())
            .map_err(|error| Problem::internal(format!("the read model's answer: {error}")))?;
        if ask.whole && page.status == "parked" {
            return Err(parked());
        }
        Ok((page.rows, page.next))
    }
}

impl Ask<'_> {
    fn body(&self, limit: u32, cursor: Option<&str>) -> Value {
        let after = self.after.0;
        let mut body = json!({"after": after, "wait_ms": WAIT_MS, "limit": limit});
        for (name, value) in self.params {
            body[*name] = (*value).into();
        }
        if let Some(cursor) = cursor {
            body["cursor"] = cursor.into();
        }
        body
    }
}

fn parked() -> Problem {
    Problem {
        title: "The read model lacks an event".to_owned(),
        status: 503,
        code: "parked".to_owned(),
        detail: "an event of this request is among the dead letters of the read model".to_owned(),
    }
}

/// A read model that is behind is one to be asked again.
fn behind(problem: Problem) -> Problem {
    match problem.status {
        504 => Problem { status: 503, ..problem },
        _ => problem,
    }
}

impl Asker {
    /// Whether the query may be asked at all.
    pub(super) fn may_ask(&self, query: &str) -> Result<(), Problem> {
        let check =
            |it: &Principal| it.check_query(PROJECTION, query).map_err(|Fault(problem)| problem);
        self.principal.as_ref().map_or(Ok(()), check)
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let (extensions, headers) = (&parts.extensions, &parts.headers);
        Ok(Self {
            caller: extensions.get::<Caller>().cloned().unwrap_or_default(),
            principal: extensions.get::<Principal>().cloned(),
            request: extensions.get::<RequestId>().cloned(),
            traceparent: telemetry::outgoing(&Span::current(), traceparent(headers)),
        })
    }
}

fn traceparent(headers: &HeaderMap) -> Option<&str> {
    headers.get("traceparent").and_then(|value| value.to_str().ok())
}
