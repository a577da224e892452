//! Payments that are open here, one by one as Stripe has them now. Stripe's list of events ends after
//! thirty days, and this does not need it. What is found out so is recorded with the request as a
//! webhook's would be; that it is told again later changes nothing.
//! Not here: payments that were reported by hand; Stripe knows none of them.

use std::collections::BTreeSet;

use anyhow::Result;
use chrono::Utc;
use domain::{
    design::{Design, DesignCommand, PaymentFact},
    stripe_event::CurrentIntent,
};
use futures::{StreamExt as _, stream};
use infrastructure::{
    client::Client,
    problem::Problem,
    request::{CommandRequest, Status},
};
use kit::{Aggregate as _, AggregateId, Command as _, TableProjection as _};
use projections::DesignRequests;
use routes::design::RECONCILED_BY;
use serde::Deserialize;
use serde_json::{Value, json};
use stripe::Error;

use super::{IN_FLIGHT, summary::Notes};

/// Where a payment stands that may go on, in the words of the read model.
const OPEN: [&str; 3] = ["PENDING", "PROCESSING", "FAILED"];
/// What Stripe's ids of payments begin with.
const STRIPES: &str = "pi_";
/// Attempts for one command: what is transient mostly passes.
const ATTEMPTS_MAX: u32 = 3;

/// What Stripe says of a payment, beside what is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Same,
    WentOn,
    Unknown,
}

#[derive(Debug, Deserialize)]
struct Open {
    request_id: AggregateId,
    current_payment_status: String,
    stripe_payment_intent_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Rows {
    rows: Vec<Open>,
    next: Option<String>,
}

/// Compares all that are open, but for those of which events have just been put into the inbox.
pub(super) async fn all(
    client: &Client,
    stripe: &stripe::Client,
    told: &BTreeSet<String>,
    notes: &mut Notes,
) -> Result<()> {
    // One that goes on meanwhile, by this or by a webhook, comes up under another status again.
    let mut asked = BTreeSet::new();
    for status in OPEN {
        let mut cursor = Value::Null;
        loop {
            let params = json!({"current_payment_status": status, "limit": 200, "cursor": cursor});
            let answer = client.query(DesignRequests::NAME, "states", &params).await?;
            let Rows { rows, next } = serde_json::from_str(answer.get())?;
            let is_asked = |(_, id): &(Open, String)| {
                id.starts_with(STRIPES) && !told.contains(id) && asked.insert(id.clone())
            };
            let named = rows.into_iter().filter_map(|mut row| {
                let id = row.stripe_payment_intent_id.take()?;
                Some((row, id))
            });
            let dry_run = notes.is_dry();
            let mut outcomes = stream::iter(named.filter(is_asked))
                .map(async |(row, id)| {
                    let outcome = compare(client, stripe, &row, &id, dry_run).await;
                    (id, outcome)
                })
                .buffer_unordered(IN_FLIGHT);
            while let Some((id, outcome)) = outcomes.next().await {
                notes.intent(&id, outcome)?;
            }
            let Some(next) = next else { break };
            cursor = next.into();
        }
    }
    Ok(())
}

async fn compare(
    client: &Client,
    stripe: &stripe::Client,
    row: &Open,
    id: &str,
    dry_run: bool,
) -> Result<Compared, Problem> {
    let object = match stripe.whole_intent(id).await {
        Ok(object) => object,
        Err(Error::Missing(_)) => return Ok(Compared::Unknown),
        Err(error @ Error::Away { .. }) => return Err(Problem::unavailable(error.to_string())),
        Err(error) => return Err(Problem::refused("stripe-refused", error.to_string())),
    };
    let current = CurrentIntent::read(object.get().as_bytes(), &row.request_id, Utc::now());
    let current = current.map_err(|bad| Problem::refused(bad.code(), bad.to_string()))?;
    if current.intent.request_id != row.request_id {
        let other = &current.intent.request_id;
        let why =
            format!("Stripe has it for the request {other}, and it stands at {}", row.request_id);
        return Err(Problem::refused("another-request", why));
    }
    if !is_news(&row.current_payment_status, current.fact) {
        return Ok(Compared::Same);
    }
    if dry_run {
        return Ok(Compared::WentOn);
    }
    Ok(match record(client, &row.request_id, current).await? {
        // Such as money that stands aside, and leaves the payment open.
        Status::Unchanged => Compared::Same,
        Status::Committed | Status::Replayed => Compared::WentOn,
    })
}

/// Whether `fact` says more than that the payment stands at `status`. A failed attempt leaves it open, and
/// is counted once: by its event, unless it ends what was on its way.
fn is_news(status: &str, fact: PaymentFact) -> bool {
    match fact {
        PaymentFact::Succeeded | PaymentFact::Cancelled => true,
        PaymentFact::Processing => status != "PROCESSING",
        PaymentFact::Failed => status == "PROCESSING",
        PaymentFact::Created => false,
    }
}

async fn record(
    client: &Client,
    request: &AggregateId,
    current: CurrentIntent,
) -> Result<Status, Problem> {
    let command = DesignCommand::from(current.report(RECONCILED_BY));
    let body = command.body().map_err(|error| Problem::internal(error.to_string()))?;
    let mut order = CommandRequest::new(Design::TYPE, request.clone(), command.name(), body);
    order.user_id = Some(RECONCILED_BY.to_owned());
    let order = order.identified();
    let mut attempt = 1;
    loop {
        match client.send(&order).await {
            Err(problem) if problem.is_transient() && attempt < ATTEMPTS_MAX => attempt += 1,
            sent => return sent.map(|reply| reply.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_is_news_and_a_failure_only_of_what_was_on_its_way() {
        use PaymentFact as F;
        for (status, fact, expected) in [
            ("PENDING", F::Succeeded, true),
            ("FAILED", F::Succeeded, true),
            ("PROCESSING", F::Cancelled, true),
            ("PENDING", F::Processing, true),
            ("PROCESSING", F::Processing, false),
            ("PROCESSING", F::Failed, true),
            ("PENDING", F::Failed, false),
            ("FAILED", F::Failed, false),
            ("PENDING", F::Created, false),
            ("PROCESSING", F::Created, false),
        ] {
            assert_eq!(is_news(status, fact), expected, "{status} {fact:?}");
        }
    }
}
