//! Messages on their way into a stream: many at a time, in order, each acknowledged.
//! Not here: which messages.

use std::{collections::VecDeque, time::Duration};

use async_nats::{
    HeaderMap, HeaderName, HeaderValue,
    jetstream::{
        self, Context,
        context::{PublishAckFuture, PublishError, PublishErrorKind},
        message::PublishMessage,
    },
};

use super::line::Kept;
use crate::problem::Problem;

/// Messages without an acknowledgement, by number and by bytes.
const UNDER_WAY: usize = 512;
const UNDER_WAY_BYTES: usize = 16 * nats::limits::COMMIT_BYTES_MAX;
/// A server that writes each message to a slow disk takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Publisher {
    context: Context,
    under_way: VecDeque<(Kept, PublishAckFuture)>,
    bytes: usize,
    /// Whether each message must come to stand where it stood.
    exact: bool,
}

impl Publisher {
    pub(super) fn new(client: &async_nats::Client, exact: bool) -> Self {
        let mut context = jetstream::new(client.clone());
        context.set_timeout(PATIENCE);
        Self { context, under_way: VecDeque::new(), bytes: 0, exact }
    }

    /// Sends one message, and waits for earlier ones if too many are under way.
    pub(super) async fn send(&mut self, kept: Kept) -> Result<(), Problem> {
        while self.under_way.len() >= UNDER_WAY || self.bytes >= UNDER_WAY_BYTES {
            self.settle().await?;
        }
        let mut message = PublishMessage::build().payload(kept.body.clone());
        if !kept.headers.is_empty() {
            message = message.headers(headers(&kept)?);
        }
        let sent = self.context.send_publish(kept.subject.clone(), message).await;
        let acknowledged = sent.map_err(|error| unsent(&kept, &error))?;
        self.bytes += kept.size();
        self.under_way.push_back((kept, acknowledged));
        Ok(())
    }

    /// Waits for all acknowledgements.
    pub(super) async fn finish(mut self) -> Result<(), Problem> {
        while !self.under_way.is_empty() {
            self.settle().await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Problem> {
        let Some((kept, acknowledged)) = self.under_way.pop_front() else { return Ok(()) };
        self.bytes = self.bytes.saturating_sub(kept.size());
        let found = acknowledged.await.map_err(|error| unsent(&kept, &error))?.sequence;
        if self.exact && found != kept.sequence {
            let at = kept.sequence;
            let detail =
                format!("somebody else writes: the message of {at} came to stand at {found}");
            return Err(Problem::conflict(detail));
        }
        Ok(())
    }
}

fn unsent(kept: &Kept, error: &PublishError) -> Problem {
    let Kept { subject, sequence, .. } = kept;
    if error.kind() == PublishErrorKind::WrongLastSequence {
        let detail = format!("somebody else writes: {subject} ({sequence}) no longer fits");
        return Problem::conflict(detail);
    }
    Problem::unavailable(format!("{subject} ({sequence}) was not taken: {error}"))
}

fn headers(kept: &Kept) -> Result<HeaderMap, Problem> {
    let bad = |error: &dyn std::fmt::Display| {
        Problem::corrupt(format!("a header of the message at {}: {error}", kept.sequence))
    };
    let mut headers = HeaderMap::new();
    for (name, values) in &kept.headers {
        let name: HeaderName = name.parse().map_err(|error| bad(&error))?;
        for value in values {
            let value: HeaderValue = value.parse().map_err(|error| bad(&error))?;
            headers.append(name.clone(), value);
        }
    }
    Ok(headers)
}
