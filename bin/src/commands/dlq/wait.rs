//! Waiting until a handler's owner has done what was asked for.
//! Not here: asking.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use infrastructure::deadletter::{DeadLetters, Key, Record};
use tokio::time::{Instant, sleep};

use super::problem;

/// How long between two looks at one key.
const INTERVAL: Duration = Duration::from_millis(100);

/// Whether to wait, and how long.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct WaitArgs {
    /// Wait until the handler's owner has done it, and say how it went
    #[arg(long)]
    pub(super) wait: bool,
    /// How long to wait at most
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 30_000, requires = "wait")]
    wait_ms: u64,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The key goes on.
    Released,
    /// The key stands still again.
    Parked(String),
    /// The owner did not do it.
    Declined(String),
    /// Nothing yet.
    Pending,
}

impl WaitArgs {
    /// When waiting ends that begins now.
    pub(super) fn deadline(self) -> Instant {
        Instant::now() + Duration::from_millis(self.wait_ms)
    }
}

/// What became of the request at `sequence` of `key`.
///
/// # Errors
/// If the queue does not answer.
pub(super) async fn ended(
    letters: &DeadLetters,
    key: &Key,
    sequence: u64,
    deadline: Instant,
) -> Result<Ended> {
    loop {
        for entry in letters.news(key, sequence).await.map_err(problem)? {
            match entry.record {
                Ok(Record::Released(_)) => return Ok(Ended::Released),
                Ok(Record::Parked(it)) => {
                    let at = it.event.at;
                    return Ok(Ended::Parked(format!("{} at {at}", it.errors.join(": "))));
                }
                Ok(Record::Declined(it)) => return Ok(Ended::Declined(it.reason)),
                _ => {}
            }
        }
        if Instant::now() >= deadline {
            return Ok(Ended::Pending);
        }
        sleep(INTERVAL).await;
    }
}
