//! What became of an append that nobody answered.
//! Not here: deciding again; a conflict is for the caller.

use std::time::Duration;

use bytes::Bytes;
use kit::{EventId, Position};
use tokio::time::{Instant, sleep};

use crate::{
    envelope,
    store::{AppendError, Commit, Freshness, Pages, Start, Store, StreamKey},
};

/// First and longest wait between two rounds.
const WAIT: Duration = Duration::from_millis(5);
const WAIT_MAX: Duration = Duration::from_millis(500);

/// Finds out whether `body`, appended after `expected` without an answer, is in the log, and brings
/// it there if its place is still free.
///
/// Its absence settles nothing while the place after `expected` is free, because the first attempt
/// may still be under way. So the same bytes are appended again at the same expectation: whichever
/// of the two arrives first takes the place, and the other can never land.
///
/// # Errors
/// `Conflict`: another commit has the place, so this one is not in the log and never will be.
/// `Unknown`: not settled before `deadline`, with what the store said last. `TooLarge`: the body can never have been written.
/// Never `Refused`: a refusal now says nothing about the first attempt.
pub async fn settle<S: Store>(
    store: &S,
    key: &StreamKey,
    expected: Position,
    body: &Bytes,
    deadline: Instant,
) -> Result<Position, AppendError> {
    let ours = first_event(body)
        .ok_or_else(|| AppendError::Unknown("the body is not a commit".to_owned()))?;
    let mut last = None;
    let attempts = rounds(store, key, expected, body, ours, &mut last);
    let settled = tokio::time::timeout_at(deadline, attempts).await;
    settled.unwrap_or_else(|_| {
        let said = last.map_or_else(String::new, |last| format!(": {last}"));
        Err(AppendError::Unknown(format!("not settled in time{said}")))
    })
}

async fn rounds<S: Store>(
    store: &S,
    key: &StreamKey,
    expected: Position,
    body: &Bytes,
    ours: EventId,
    last: &mut Option<String>,
) -> Result<Position, AppendError> {
    let mut wait = WAIT;
    loop {
        let mut behind = Pages::new(store, key, Start::After(expected), Freshness::Leader);
        // Ours can only be the first one there.
        match behind.next().await {
            Err(error) => *last = Some(error.to_string()),
            Ok(commits) => {
                if let Some(first) = commits.iter().flatten().next() {
                    let ours = holds(first, ours).then_some(first.position);
                    return ours.ok_or(AppendError::Conflict);
                }
                match store.append(key, expected, body.clone()).await {
                    Ok(position) => return Ok(position),
                    Err(too_large @ AppendError::TooLarge { .. }) => return Err(too_large),
                    Err(AppendError::Unknown(why) | AppendError::Refused(why)) => *last = Some(why),
                    // The place may be taken by our own first attempt: the next read tells.
                    Err(AppendError::Conflict) => {}
                }
            }
        }
        sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}

fn first_event(body: &[u8]) -> Option<EventId> {
    envelope::decode(body).ok()?.first().map(|element| element.id)
}

/// A commit that cannot be read is not ours: ours could be read before it was sent.
fn holds(commit: &Commit, event: EventId) -> bool {
    first_event(&commit.body) == Some(event)
}
