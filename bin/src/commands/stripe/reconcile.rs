//! `headwater stripe reconcile`: Stripe's own list of events against the inbox. What is missing is put
//! into the queue under the same command id as a webhook's, so it does not matter which comes first, how
//! often this runs, or where it was interrupted.

use std::{io::IsTerminal as _, time::Duration};

use anyhow::Result;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Args;
use domain::stripe_event::StripeEvent;
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressDrawTarget};
use infrastructure::{
    client::Client,
    envelope,
    jetstream::{JetStreamOptions, JetStreamStore},
    problem::Problem,
    request::CommandRequest,
    store::{Freshness, Pages, Start, StreamKey},
};
use kit::{Aggregate as _, AggregateId};
use routes::design::{RECONCILED_BY, receipt};
use serde::Serialize;
use serde_json::{json, value::RawValue};
use stripe::{EventHead, Page};
use tokio::time::sleep;

use crate::{
    arguments::{Global, JsonArgs},
    connection,
    exit::Advised,
    output::{Output, clean},
    stripe::StripeApiArgs,
};

/// The type of what sets an event of the inbox aside.
const SET_ASIDE: &str = "stripe-event.set-aside";
/// Events that are looked up, or put into the queue, at a time.
const IN_FLIGHT: usize = 16;
/// Attempts for one event: what is transient mostly passes, and the command id makes repeats safe.
const ATTEMPTS_MAX: u32 = 5;
/// The first pause before a repeat; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Attempts for one page, after those that the client makes by itself.
const PAGE_ATTEMPTS_MAX: u32 = 3;

/// What `headwater stripe reconcile` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Stripe keeps events for thirty days. Events of another mode than the key's, and \
those that cannot be read, are counted as failed and named.

Examples:
  headwater stripe reconcile --stripe-key-file key --since 2026-11-01 --dry-run
  headwater stripe reconcile --stripe-key-file key --since 2026-11-20T08:00:00Z --json"
)]
pub(super) struct ReconcileArgs {
    /// Look at what happened at Stripe since this day or time, such as 2026-11-20 or
    /// 2026-11-20T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: DateTime<Utc>,
    /// Only say what would be put into the inbox
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    stripe: StripeApiArgs,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Summary {
    /// Events that Stripe has.
    seen: u64,
    /// Those that the inbox did not have.
    new: u64,
    /// Those that it had.
    known: u64,
    /// Those of them that did not fit and were set aside.
    set_aside: u64,
    /// Those that could not be taken in.
    failed: u64,
    dry_run: bool,
}

enum Found {
    New,
    Known,
    SetAside,
}

/// Compares, and enqueues what is missing.
///
/// # Errors
/// If Stripe or the service is away, or if an event could not be taken in.
pub(super) async fn run(global: &Global, args: ReconcileArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let stripe = args.stripe.client()?.ok_or_else(|| {
        let advice =
            "Give it --stripe-key-file FILE; a restricted key that reads events is enough.";
        Advised::usage("there is no key to ask Stripe with", advice)
    })?;
    let client = connection::client(global).await?;
    let connection = client.connection().clone();
    let log =
        JetStreamStore::new(connection.clone(), connection, JetStreamOptions::default()).await?;
    let bar = bar(output);
    let mut summary = Summary { dry_run: args.dry_run, ..Summary::default() };
    let mut after = None;
    loop {
        let Page { events, next } = page(&stripe, args.since, after.as_deref()).await?;
        let mut outcomes = stream::iter(events)
            .map(|event| reconcile(&client, &log, event, args.dry_run))
            .buffer_unordered(IN_FLIGHT);
        while let Some((id, outcome)) = outcomes.next().await {
            summary.seen += 1;
            bar.set_message(format!("{} events, {} new", summary.seen, summary.new));
            bar.tick();
            note(output, &bar, &mut summary, &id, outcome)?;
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    bar.finish_and_clear();
    output.write(&summary, || summary.words())?;
    if summary.failed > 0 {
        let advice = "Run it again: what is in the inbox by then is left alone.";
        return Err(Advised::new(format!("{} events failed", summary.failed), advice).into());
    }
    Ok(())
}

impl Summary {
    fn words(&self) -> String {
        let Self { seen, new, known, set_aside, failed, dry_run } = self;
        let done = if *dry_run { "would be put into the inbox" } else { "put into the inbox" };
        format!(
            "{seen} events: {new} new, {done}; {known} known, {set_aside} of them set aside; \
             {failed} failed"
        )
    }
}

fn note(
    output: Output,
    bar: &ProgressBar,
    summary: &mut Summary,
    id: &str,
    outcome: Result<Found, Problem>,
) -> Result<()> {
    let (what, problem) = match outcome {
        Ok(Found::New) => {
            summary.new += 1;
            ("new", None)
        }
        Ok(Found::Known) => {
            summary.known += 1;
            return Ok(());
        }
        Ok(Found::SetAside) => {
            summary.known += 1;
            summary.set_aside += 1;
            ("set-aside", None)
        }
        Err(problem) => {
            summary.failed += 1;
            ("failed", Some(problem))
        }
    };
    let line = json!({"event": id, "status": what, "problem": problem});
    let words = || match &problem {
        Some(problem) => format!("{what} {}: {}: {}", clean(id), problem.code, problem.detail),
        None => format!("{what} {}", clean(id)),
    };
    // The bar would otherwise be drawn through the line.
    bar.suspend(|| output.write(&line, words))
}

/// One page; Stripe may be away for a moment.
async fn page(stripe: &stripe::Client, since: DateTime<Utc>, after: Option<&str>) -> Result<Page> {
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
async fn reconcile(
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
            None if dry_run => Ok(Found::New),
            None => enqueue(client, &request).await.map(|()| Found::New),
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

fn bar(output: Output) -> ProgressBar {
    if output.is_json() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let time = DateTime::parse_from_rfc3339(text);
    time.map(Into::into).map_err(|_| "expected a day such as 2026-11-20, or a time in RFC 3339")
}
