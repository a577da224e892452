//! A lean closed loop of requests: one subscription for all answers, a slot for each request on
//! its way. A task per request would halve what the server can do and flatter the service.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use async_nats::{Client, HeaderMap, Message, Subject, Subscriber};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::timeout;

/// Longest silence before a measurement is given up.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(30);

/// One request to send.
pub(super) struct Request {
    pub(super) subject: Subject,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What is asked, and how an answer is checked.
pub(super) trait Work {
    /// The next request of `slot`, whose last one has been answered.
    fn next(&mut self, slot: usize) -> Result<Request>;

    /// Takes the answer to `slot`'s request.
    fn answered(&mut self, slot: usize, answer: &Message) -> Result<()>;
}

/// What one measurement found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// Answers in a second.
    pub(super) rate: f64,
    /// Median time to an answer.
    pub(super) p50: Duration,
    /// Time within which 99 of 100 answers came.
    pub(super) p99: Duration,
}

/// A connection that makes load.
pub(super) struct Load {
    connection: Client,
    answers: Subscriber,
    replies: Vec<Subject>,
    sent: Vec<Instant>,
}

impl Load {
    /// Prepares for at most `slots` requests at once.
    pub(super) async fn open(connection: Client, slots: usize) -> Result<Self> {
        let inbox = connection.new_inbox();
        let answers = connection.subscribe(format!("{inbox}.*")).await?;
        let replies = (0..slots).map(|slot| format!("{inbox}.{slot}").into()).collect();
        Ok(Self { connection, answers, replies, sent: vec![Instant::now(); slots] })
    }

    /// Keeps `in_flight` requests on their way until `count` have been answered, unmeasured.
    pub(super) async fn warm(
        &mut self,
        work: &mut impl Work,
        in_flight: usize,
        count: usize,
    ) -> Result<()> {
        let mut left = count;
        for slot in 0..in_flight.min(count) {
            self.send(work, slot).await?;
            left -= 1;
        }
        for _ in 0..count {
            let slot = self.receive(work).await?;
            if left > 0 {
                left -= 1;
                self.send(work, slot).await?;
            }
        }
        Ok(())
    }

    /// Keeps `in_flight` requests on their way for `time`, then waits for the last answers.
    pub(super) async fn run(
        &mut self,
        work: &mut impl Work,
        in_flight: usize,
        time: Duration,
    ) -> Result<Measured> {
        let mut nanos: Vec<u32> = Vec::with_capacity(1 << 20);
        let begun = Instant::now();
        for slot in 0..in_flight {
            self.send(work, slot).await?;
        }
        let (mut waiting, mut elapsed) = (in_flight, Duration::ZERO);
        while waiting > 0 {
            let slot = self.receive(work).await?;
            let took = self.sent.get(slot).map_or(0, |sent| sent.elapsed().as_nanos());
            if elapsed < time {
                elapsed = begun.elapsed();
                nanos.push(u32::try_from(took).unwrap_or(u32::MAX));
                self.send(work, slot).await?;
            } else {
                waiting -= 1;
            }
        }
        Ok(summary(nanos, elapsed))
    }

    async fn send(&mut self, work: &mut impl Work, slot: usize) -> Result<()> {
        let Request { subject, headers, body } = work.next(slot)?;
        let reply = self.replies.get(slot).context("no such slot")?.clone();
        if let Some(sent) = self.sent.get_mut(slot) {
            *sent = Instant::now();
        }
        if headers.is_empty() {
            self.connection.publish_with_reply(subject, reply, body).await?;
        } else {
            self.connection.publish_with_reply_and_headers(subject, reply, headers, body).await?;
        }
        Ok(())
    }

    async fn receive(&mut self, work: &mut impl Work) -> Result<usize> {
        let answer = timeout(SILENCE_MAX, self.answers.next()).await;
        let answer = answer.context("no answer for too long")?.context("the connection closed")?;
        if answer.status.is_some() {
            bail!("nobody answers");
        }
        let slot = answer.subject.rsplit('.').next().and_then(|slot| slot.parse().ok());
        let slot = slot.context("an answer that is not ours")?;
        work.answered(slot, &answer)?;
        Ok(slot)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
pub(super) fn summary(mut nanos: Vec<u32>, elapsed: Duration) -> Measured {
    nanos.sort_unstable();
    let at = |percent: usize| {
        let index = (nanos.len() * percent / 100).min(nanos.len().saturating_sub(1));
        Duration::from_nanos(nanos.get(index).copied().unwrap_or_default().into())
    };
    Measured { rate: nanos.len() as f64 / elapsed.as_secs_f64(), p50: at(50), p99: at(99) }
}
