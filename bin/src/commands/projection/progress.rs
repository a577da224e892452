//! Waiting for the owner of a projection, and saying how far it is.

use std::time::Duration;

use anyhow::Result;
use infrastructure::{
    handler,
    problem::Problem,
    readmodel::{self, FillingInfo, FillingPhase, Outcome},
};
use tokio::time::sleep;

use crate::output::{Output, clean};

/// How often the owner's word is looked for.
const INTERVAL: Duration = Duration::from_millis(250);

/// Waits until the request `id` is done or refused. Without an owner that may be long, which is
/// said once.
pub(in crate::commands) async fn follow(
    output: Output,
    client: &async_nats::Client,
    name: &str,
    id: &str,
) -> Result<Outcome> {
    let (mut shown, mut unowned) = (None, false);
    loop {
        let report = readmodel::generation_report(client, name).await?;
        let filling = report.as_ref().and_then(|report| report.filling.clone());
        if let Some(outcome) = report.and_then(|report| report.outcome)
            && outcome.request.as_deref() == Some(id)
        {
            return Ok(outcome);
        }
        if readmodel::standing_request(client, name).await?.is_none_or(|it| it.id != id) {
            let detail = "another request has taken the place of this one";
            return Err(Problem::conflict(detail).into());
        }
        if filling.is_some() && filling != shown {
            if let Some(filling) = &filling {
                output.write(filling, || line(filling))?;
            }
            shown = filling;
        }
        if !unowned && !is_owned(client, name).await? {
            unowned = true;
            tracing::warn!("nobody runs {name}; the request waits until somebody does");
        }
        sleep(INTERVAL).await;
    }
}

async fn is_owned(client: &async_nats::Client, name: &str) -> Result<bool> {
    let handlers = handler::report(client).await?;
    let owned = |it: &handler::HandlerReport| it.name == name && it.owner.is_some() && !it.stale;
    Ok(handlers.iter().any(owned))
}

/// How far a generation is, on one line.
pub(in crate::commands) fn line(filling: &FillingInfo) -> String {
    let FillingInfo { generation, phase, position, target, rate, seconds_left } = filling;
    match phase {
        FillingPhase::Filling => {
            let left = seconds_left.map(|left| format!(", {left} s left")).unwrap_or_default();
            format!("filling generation {generation}: {position} of {target}, {rate}/s{left}")
        }
        FillingPhase::Comparing => format!("comparing generation {generation} at {position}"),
        FillingPhase::Failed { reason } => {
            format!("generation {generation} has stopped at {position}: {}", clean(reason))
        }
    }
}
