//! `headwater stripe reconcile`: what Stripe knows against what is here. Its list of events is compared
//! with the inbox; what is missing is put into the queue under the same command id as a webhook's. Then
//! Stripe is asked for each payment that is still open, for what no event told or no list has any more. So
//! it does not matter which comes first, how often this runs, or where it was interrupted.

mod events;
mod intents;
mod summary;

use std::{collections::BTreeSet, io::IsTerminal as _};

use anyhow::Result;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Args;
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressDrawTarget};
use infrastructure::{
    client::Client,
    jetstream::{JetStreamOptions, JetStreamStore},
};
use stripe::Page;

use self::{
    events::Found,
    summary::{Notes, Summary},
};
use crate::{
    connection,
    exit::Advised,
    options::{Global, JsonArgs},
    output::Output,
    stripe::StripeApiArgs,
};

/// Events or payments that are looked up, or recorded, at a time.
const IN_FLIGHT: usize = 16;

/// What `headwater stripe reconcile` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Stripe keeps events for thirty days. Events of another mode than the key's, and \
those that cannot be read, are counted as failed and named. Payments that are open here are looked up at \
Stripe one by one, however old they are.

Examples:
  headwater stripe reconcile --stripe-key-file key --since 2026-11-01 --dry-run
  headwater stripe reconcile --stripe-key-file key --since 2026-11-20T08:00:00Z --json"
)]
pub(super) struct ReconcileArgs {
    /// Look at what happened at Stripe since this day or time, such as 2026-11-20 or
    /// 2026-11-20T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: DateTime<Utc>,
    /// Only say what would be put into the inbox or recorded
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    stripe: StripeApiArgs,
}

/// Compares, and takes in what is missing.
///
/// # Errors
/// If Stripe or the service is away, or if something could not be taken in.
pub(super) async fn run(global: &Global, args: ReconcileArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let stripe = args.stripe.client()?.ok_or_else(|| {
        let advice = "Give it --stripe-key-file FILE; a restricted key that reads events, payment \
                      intents and charges is enough.";
        Advised::usage("there is no key to ask Stripe with", advice)
    })?;
    let client = connection::client(global).await?;
    let mut notes = Notes::new(output, bar(output), args.dry_run);
    let told = all_events(&client, &stripe, args.since, &mut notes).await?;
    intents::all(&client, &stripe, &told, &mut notes).await?;
    let summary: Summary = notes.end();
    output.write(&summary, || summary.words())?;
    match summary.failures() {
        0 => Ok(()),
        failed => {
            let advice = "Run it again: what is known by then is left alone.";
            Err(Advised::new(format!("{failed} of them failed"), advice).into())
        }
    }
}

/// The ids of what the events are about that the inbox did not have.
async fn all_events(
    client: &Client,
    stripe: &stripe::Client,
    since: DateTime<Utc>,
    notes: &mut Notes,
) -> Result<BTreeSet<String>> {
    let connection = client.connection().clone();
    let log =
        JetStreamStore::new(connection.clone(), connection, JetStreamOptions::default()).await?;
    let (mut told, mut after) = (BTreeSet::new(), None);
    let dry_run = notes.is_dry();
    loop {
        let Page { events, next } = events::page(stripe, since, after.as_deref()).await?;
        let mut outcomes = stream::iter(events)
            .map(|event| events::reconcile(client, &log, event, dry_run))
            .buffer_unordered(IN_FLIGHT);
        while let Some((id, outcome)) = outcomes.next().await {
            if let Ok(Found::New(Some(about))) = &outcome {
                told.insert(about.clone());
            }
            notes.event(&id, outcome)?;
        }
        after = next;
        if after.is_none() {
            return Ok(told);
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
