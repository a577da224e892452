//! Stripe's list of events against the inbox. Not here: what is said about it.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use domain::stripe_event::StripeEvent;
use infrastructure::{
    client::Client,
    envelope,
    jetstream::JetStreamStore,
    problem::Problem,
    request::CommandRequest,
    store::{Freshness, Pages, Start, StreamKey},
};
use kit::{Aggregate as _, AggregateId};
use routes::design::{RECONCILED_BY, receipt};
use serde::Deserialize;
use serde_json::value::RawValue;
use stripe::{EventHead, Page};
use tokio::time::sleep;

use crate::exit::Advised;

/// The type of what sets an event of the inbox aside.
const SET_ASIDE: &str = "stripe-event.set-aside";
/// Attempts for one event: what is transient mostly passes, and the command id makes repeats safe.
const ATTEMPTS_MAX: u32 = 5;
/// The first pause before a repeat; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Attempts for one page, after those that the client makes by itself.
const PAGE_ATTEMPTS_MAX: u32 = 3;

/// What the inbox has of an event.
pub(super) enum Found {
    /// Nothing. With the payment that it is about, if it is about one.
    New(Option<String>),
    Known,
    SetAside,
}

/// One page; Stripe may be away for a moment.
pub(super) async fn page(
    stripe: &stripe::Client,
    since: DateTime<Utc>,
    after: Option<&str>,
) -> Result<Page> {
    let mut attempt = 1;
    loop {
        match stripe.events(since, after).await {
            Err(stripe::Error::Away { .. }) if attempt < PAGE_ATTEMPTS_MAX => attempt += 1,
            Err(error @ stripe::Error::Away { .. }) => {
                let advice = "Run it again: what is in the inbox by then is left alone.";
                let problem = Problem::unavailable(error.to_string());
                return Err(anyhow::Error::from(problem).context(Advised::new("", advice)));
            }
            page => return Ok(page?),
        }
    }
}

/// What the inbox has of `event`, and what becomes of it. With the event's id.
pub(super) async fn reconcile(
    client: &Client,
    log: &JetStreamStore,
    event: Box<RawValue>,
    dry_run: bool,
) -> (String, Result<Found, Problem>) {
    let head = match EventHead::read(event.get().as_bytes()) {
        Ok(head) => head,
        Err(error) => return ("?".to_owned(), Err(Problem::invalid(error.to_string()))),
    };
    let found = async {
        let request = receipt(&head.id, event.get(), RECONCILED_BY)?;
        match inbox(log, &request.id).await? {
            None => {
                if !dry_run {
                    enqueue(client, &request).await?;
                }
                Ok(Found::New(about(&event)))
            }
            Some(last) if last == SET_ASIDE => Ok(Found::SetAside),
            Some(_) => Ok(Found::Known),
        }
    };
    let found = found.await;
    (head.id, found)
}

/// The type of the last thing that has happened to an event of the inbox, if it is there. Types alone tell
/// what is asked here: what Stripe said is sealed, and this tool needs no key.
async fn inbox(log: &JetStreamStore, id: &AggregateId) -> Result<Option<String>, Problem> {
    let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
    let key = StreamKey { aggregate: StripeEvent::TYPE.into(), id: id.clone() };
    // A replica that lags behind might not know it yet.
    let commits = Pages::new(log, &key, Start::WHOLE, Freshness::Leader).rest().await;
    let commits = commits.map_err(|error| away(&error))?;
    let Some(last) = commits.last() else { return Ok(None) };
    let elements =
        envelope::decode(&last.body).map_err(|error| Problem::corrupt(error.to_string()))?;
    Ok(elements.last().map(|element| element.kind.to_string()))
}

async fn enqueue(client: &Client, request: &CommandRequest) -> Result<(), Problem> {
    let mut attempt = 1;
    loop {
        match client.enqueue(request).await {
            Err(problem) if problem.is_transient() && attempt < ATTEMPTS_MAX => {
                sleep(PAUSE_MIN * 2u32.pow(attempt - 1)).await;
                attempt += 1;
            }
            queued => return queued.map(drop),
        }
    }
}

/// The id of what `event` is about.
fn about(event: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Event {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        object: Object,
    }
    #[derive(Deserialize)]
    struct Object {
        id: String,
    }
    let event: Event = serde_json::from_str(event.get()).ok()?;
    Some(event.data.object.id)
}
