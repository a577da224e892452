//! Reading: batched direct gets on the exact subject, and the leader's word where it matters.

use std::{fmt::Display, time::Duration};

use async_nats::{Client, HeaderMap, Message, StatusCode, SubscribeError};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use kit::Position;
use nats::{
    api::{self, DirectGet, LastBySubject, MessageGot, Stored, code},
    headers,
    limits::{READ_BATCH_MAX, READ_BYTES_MAX},
    names,
};
use serde::Serialize;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep, timeout_at},
};

use super::{
    JetStreamOptions,
    inbox::{Address, Inbox},
};
use crate::store::{Commit, Page, ReadError, Start};

/// Reads again when a replica is behind the leader, doubling the wait: one second in all.
const LAG_RETRIES_MAX: u32 = 9;
const LAG_WAIT: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Reader {
    client: Client,
    inbox: Inbox,
    timeout: Duration,
    reads: Semaphore,
}

/// What one direct get brought.
#[derive(Debug)]
struct Answer {
    commits: Vec<Commit>,
    pending: u64,
}

fn away(why: impl Display) -> ReadError {
    ReadError::Unavailable(why.to_string())
}

impl Reader {
    pub(super) async fn open(
        client: Client,
        options: &JetStreamOptions,
    ) -> Result<Self, SubscribeError> {
        let inbox = Inbox::open(&client).await?;
        let reads = Semaphore::new(options.reads_max);
        Ok(Self { client, inbox, timeout: options.read_timeout, reads })
    }

    /// The next page. Any replica may answer, so one that has not come so far as `goal` is asked
    /// again.
    pub(super) async fn page(
        &self,
        subject: &str,
        start: Start,
        goal: Position,
    ) -> Result<Page, ReadError> {
        let _permit = self.reads.acquire().await.map_err(away)?;
        let mut retries = 0;
        loop {
            let Answer { commits, pending } = self.get(subject, start).await?;
            let reached = match (commits.last(), start) {
                (Some(last), _) => last.position,
                (None, Start::After(position)) => position,
                (None, Start::Since(_)) => Position::ZERO,
            };
            if !commits.is_empty() || reached >= goal {
                let more = !commits.is_empty() && (pending > 0 || reached < goal);
                return Ok(Page { commits, more });
            }
            if retries == LAG_RETRIES_MAX {
                return Err(away(format_args!("no replica has {subject} up to {goal}")));
            }
            sleep(LAG_WAIT * 2_u32.pow(retries)).await;
            retries += 1;
        }
    }

    /// The subject's last message, as the stream's leader knows it.
    pub(super) async fn last(&self, subject: &str) -> Result<Option<Stored>, ReadError> {
        let deadline = Instant::now() + self.timeout;
        let address = self.inbox.address();
        let mut ticket = self.inbox.once(&address, deadline);
        let request = LastBySubject { last_by_subj: subject };
        self.ask(api::message_get(names::EVENTS), address, &request, deadline).await?;
        let message = ticket.wait().await.map_err(|why| away(format_args!("no answer: {why}")))?;
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(away("JetStream does not answer"));
        }
        let got: MessageGot<'_> = serde_json::from_slice(&message.payload).map_err(away)?;
        match (got.message, got.error) {
            (Some(stored), _) => Ok(Some(stored)),
            (None, Some(error)) if error.err_code == code::NO_MESSAGE => Ok(None),
            (None, Some(error)) => Err(away(error.description)),
            (None, None) => Err(away("an answer with neither a message nor an error")),
        }
    }

    async fn get(&self, subject: &str, start: Start) -> Result<Answer, ReadError> {
        // One more than the messages: the mark of the end.
        let address = self.inbox.address();
        let mut ticket = self.inbox.many(&address, READ_BATCH_MAX + 1);
        let deadline = Instant::now() + self.timeout;
        let (seq, start_time) = match start {
            Start::After(position) => (Some(position.next().0), None),
            Start::Since(time) => (None, Some(time)),
        };
        let request = DirectGet {
            seq,
            start_time,
            next_by_subj: subject,
            batch: READ_BATCH_MAX,
            max_bytes: READ_BYTES_MAX,
        };
        self.ask(api::direct_get(names::EVENTS), address, &request, deadline).await?;
        collect(&mut ticket.answer, deadline).await
    }

    async fn ask(
        &self,
        subject: String,
        reply: Address,
        request: &impl Serialize,
        deadline: Instant,
    ) -> Result<(), ReadError> {
        let payload = Bytes::from(serde_json::to_vec(request).map_err(away)?);
        let publish = self.client.publish_with_reply(subject, reply.subject, payload);
        timeout_at(deadline, publish).await.map_err(away)?.map_err(away)
    }
}

/// Takes the messages of one batch up to the mark of its end. Each names the one before it, so
/// that a message lost on the way is noticed.
async fn collect(
    answers: &mut mpsc::Receiver<Message>,
    deadline: Instant,
) -> Result<Answer, ReadError> {
    let mut commits: Vec<Commit> = Vec::new();
    loop {
        let answer = timeout_at(deadline, answers.recv()).await;
        let message = answer.map_err(|_| away("no answer in time"))?;
        let message = message.ok_or_else(|| away("the connection was closed"))?;
        let headers = message.headers.clone().unwrap_or_default();
        let before = commits.last().map_or(0, |commit| commit.position.0);
        if let Some(seq) = number(&headers, headers::SEQUENCE) {
            if number(&headers, headers::LAST_SEQUENCE) != Some(before) {
                return Err(away("messages were lost on the way"));
            }
            let time = time(&headers).ok_or_else(|| away("a message without a time"))?;
            commits.push(Commit { position: Position(seq), time, body: message.payload });
            continue;
        }
        return match message.status.map(|status| status.as_u16()) {
            Some(204) if number(&headers, headers::LAST_SEQUENCE) == Some(before) => {
                let pending = number(&headers, headers::NUM_PENDING).unwrap_or_default();
                Ok(Answer { commits, pending })
            }
            Some(204) => Err(away("messages were lost on the way")),
            Some(404) => Ok(Answer { commits, pending: 0 }),
            Some(503) => Err(away("no replica of the stream answers")),
            status => Err(away(format_args!("status {status:?} from the stream"))),
        };
    }
}

/// The last value counts: the server's own headers follow those that a publisher may have set.
fn number(headers: &HeaderMap, name: &'static str) -> Option<u64> {
    headers.get_last(name)?.as_str().parse().ok()
}

fn time(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get_last(headers::TIME_STAMP)?.as_str();
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
}
