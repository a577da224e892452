//! Appending: publish at an expected place, and tell what the acknowledgement means.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_nats::{Client, HeaderMap, Message, StatusCode, SubscribeError, connection::State};
use async_nats::{HeaderName, HeaderValue};
use bytes::Bytes;
use kit::Position;
use nats::{
    api::{PublishAck, code},
    headers,
    limits::COMMIT_BYTES_MAX,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use super::{
    JetStreamOptions,
    inbox::{Address, Inbox},
};
use crate::{fail_points, store::AppendError};

const EXPECTED: HeaderName = HeaderName::from_static(headers::EXPECTED_LAST_SUBJECT_SEQUENCE);
const CONTENT_TYPE: HeaderName = HeaderName::from_static(headers::CONTENT_TYPE);

/// Tries again after an answer that says "not now", doubling the wait: half a second in all.
const RETRIES_MAX: u32 = 8;
const RETRY_WAIT: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Appender {
    client: Client,
    inbox: Inbox,
    timeout: Duration,
    under_way: Semaphore,
    /// At most as many as were ever under way at once.
    idle: Mutex<Vec<AckAddress>>,
}

/// Where acknowledgements arrive, one at a time. To use an address again spares the server work:
/// it remembers who listens to a subject, and one that is new each time drives out the others.
#[derive(Debug)]
struct AckAddress {
    address: Address,
    /// What was acknowledged here last. Whatever is written later has a higher place, so a lower
    /// one is an acknowledgement given before: a replica that becomes the leader may repeat what
    /// its predecessor has said.
    last: Position,
}

/// An attempt that did not end in a position.
#[derive(Debug)]
enum Failed {
    /// Trying again cannot help, or is not for us to decide.
    For(AppendError),
    /// Surely not written, and another attempt in a moment may be.
    ForNow(AppendError),
}

impl Appender {
    pub(super) async fn open(
        client: Client,
        options: &JetStreamOptions,
    ) -> Result<Self, SubscribeError> {
        let inbox = Inbox::open(&client).await?;
        let under_way = Semaphore::new(options.appends_max);
        let idle = Mutex::default();
        Ok(Self { client, inbox, timeout: options.append_timeout, under_way, idle })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<AckAddress>> {
        // Every change under the lock is one call, so poison says nothing about the list.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ack_address(&self) -> AckAddress {
        let idle = self.idle().pop();
        idle.unwrap_or_else(|| AckAddress { address: self.inbox.address(), last: Position::ZERO })
    }

    pub(super) async fn append(
        &self,
        subject: String,
        expected: Position,
        body: Bytes,
    ) -> Result<Position, AppendError> {
        let bytes = body.len();
        if bytes > COMMIT_BYTES_MAX {
            return Err(AppendError::TooLarge { bytes, limit: COMMIT_BYTES_MAX });
        }
        let deadline = Instant::now() + self.timeout;
        let Ok(Ok(_permit)) = timeout_at(deadline, self.under_way.acquire()).await else {
            return Err(AppendError::Refused("too many appends are under way".to_owned()));
        };
        let mut retries = 0;
        loop {
            match self.attempt(&subject, expected, body.clone(), deadline).await {
                Ok(position) => return Ok(position),
                Err(Failed::For(error)) => return Err(error),
                Err(Failed::ForNow(error)) => {
                    let wait = RETRY_WAIT * 2_u32.pow(retries);
                    if retries == RETRIES_MAX || Instant::now() + wait > deadline {
                        return Err(error);
                    }
                    sleep(wait).await;
                    retries += 1;
                }
            }
        }
    }

    async fn attempt(
        &self,
        subject: &str,
        expected: Position,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Position, Failed> {
        if self.client.connection_state() != State::Connected {
            let error = AppendError::Refused("not connected to the broker".to_owned());
            return Err(Failed::ForNow(error));
        }
        let mut ack = self.ack_address();
        let mut ticket = self.inbox.once(&ack.address, deadline);
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, HeaderValue::from(expected.0));
        headers.insert(CONTENT_TYPE, headers::CLOUDEVENTS_BATCH);
        let reply = ack.address.subject.clone();
        let subject = subject.to_owned();
        let publish = self.client.publish_with_reply_and_headers(subject, reply, headers, body);
        fail_points::pass("append.before");
        match timeout_at(deadline, publish).await {
            Ok(Ok(())) => {}
            // What does not reach the client's own queue is never sent.
            Ok(Err(error)) => return Err(Failed::For(AppendError::Refused(error.to_string()))),
            Err(_) => {
                let error = AppendError::Refused("the connection takes no more".to_owned());
                return Err(Failed::For(error));
            }
        }
        let answer = ticket.wait().await.map_err(unknown)?;
        fail_points::pass("append.after");
        let position = meaning(&answer)?;
        if position <= ack.last {
            return Err(unknown("an acknowledgement that was given before"));
        }
        ack.last = position;
        // Only after a success, and only once nobody waits there any more: what comes late to an
        // address that has ended in any other way must reach nobody.
        drop(ticket);
        self.idle().push(ack);
        Ok(position)
    }
}

fn unknown(why: &str) -> Failed {
    Failed::For(AppendError::Unknown(why.to_owned()))
}

/// What an answer to a publish says about the append.
fn meaning(message: &Message) -> Result<Position, Failed> {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        // Nobody received it: the stream is missing, or has no leader at the moment.
        let error = AppendError::Refused("no stream answers".to_owned());
        return Err(Failed::ForNow(error));
    }
    let ack: PublishAck<'_> = serde_json::from_slice(&message.payload)
        .map_err(|error| unknown(&format!("not readable: {error}")))?;
    let Some(error) = ack.error else {
        // A stream counts from 1.
        let position = (ack.seq > 0).then_some(Position(ack.seq));
        return position.ok_or_else(|| unknown("without a sequence"));
    };
    let words = format!("{} (error {})", error.description, error.err_code);
    Err(match error.err_code {
        code::WRONG_LAST_SEQUENCE => Failed::For(AppendError::Conflict),
        code::SEQUENCE_IN_PROCESS => Failed::ForNow(AppendError::Conflict),
        // From 500 on a server is in trouble; another replica may have stored it all the same.
        _ if error.code >= 500 => unknown(&words),
        _ => Failed::For(AppendError::Refused(words)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(payload: &str) -> String {
        let message = Message {
            subject: "inbox.1".into(),
            reply: None,
            payload: payload.to_owned().into(),
            headers: None,
            status: None,
            description: None,
            length: payload.len(),
        };
        format!("{:?}", meaning(&message))
    }

    #[test]
    fn each_answer_of_the_server_means_one_thing() {
        let error = |code: u16, err_code: u16| {
            answer(&format!(
                r#"{{"error":{{"code":{code},"err_code":{err_code},"description":"d"}},"seq":0}}"#
            ))
        };
        assert_eq!(answer(r#"{"stream":"EVENTS","seq":7}"#), "Ok(Position(7))");
        assert_eq!(error(400, 10071), "Err(For(Conflict))");
        assert_eq!(error(400, 10164), "Err(ForNow(Conflict))");
        assert_eq!(error(400, 10054), "Err(For(Refused(\"d (error 10054)\")))");
        assert_eq!(error(503, 10077), "Err(For(Unknown(\"d (error 10077)\")))");
        assert!(answer(r#"{"stream":"EVENTS","seq":0}"#).starts_with("Err(For(Unknown"));
        assert!(answer("+OK").starts_with("Err(For(Unknown"));
    }
}
