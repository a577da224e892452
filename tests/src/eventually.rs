//! Waiting for a fact: the only place in the tests that lets time pass.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a fact may take on a slow and busy machine. Only a test that fails waits this long.
pub const LIMIT: Duration = Duration::from_secs(120);
/// How often a fact is looked for.
const POLL: Duration = Duration::from_millis(10);

/// Probes until the probe finds what it looks for, and gives that back.
///
/// # Panics
/// When it has not been found within the limit; the message says `what`.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        sleep(POLL).await;
    }
}
