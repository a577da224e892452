//! How many messages stand on a subject since some time: the server knows, without sending them.

use async_nats::Client;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use nats::{
    api::{self, DirectGet},
    headers, names,
};

use super::away;
use crate::{backup::PutBack, problem::Problem};

pub(super) struct Counter<'a> {
    client: &'a Client,
    /// Up to here the log came back from a backup.
    restored: u64,
}

impl<'a> Counter<'a> {
    pub(super) fn new(client: &'a Client, restored: Option<&PutBack>) -> Self {
        Self { client, restored: restored.map_or(0, |it| it.position.0) }
    }

    /// All commits on `subject`.
    pub(super) async fn all(&self, subject: &str) -> Result<u64, Problem> {
        self.behind(subject, (Some(1), None)).await
    }

    /// Commits on `subject` that were stored at `start` or later, those that came back from a backup left
    /// out.
    pub(super) async fn since(&self, subject: &str, start: DateTime<Utc>) -> Result<u64, Problem> {
        let since = self.behind(subject, (None, Some(start))).await?;
        if self.restored == 0 || since == 0 {
            return Ok(since);
        }
        // Places and times go the same way, so that of both ends the later one counts.
        Ok(since.min(self.behind(subject, (Some(self.restored + 1), None)).await?))
    }

    /// Commits on `subject` from a place or a time on. The first one comes along, and says how many stand
    /// behind it.
    async fn behind(
        &self,
        subject: &str,
        (seq, start): (Option<u64>, Option<DateTime<Utc>>),
    ) -> Result<u64, Problem> {
        let request =
            DirectGet { seq, start_time: start, next_by_subj: subject, batch: 1, max_bytes: 1 };
        let request = serde_json::to_vec(&request);
        let request = request.map_err(|error| Problem::internal(error.to_string()))?;
        let asked = self.client.request(api::direct_get(names::EVENTS), Bytes::from(request));
        let answer = asked.await.map_err(|error| away(&error))?;
        let behind = answer.headers.as_ref().and_then(|all| all.get_last(headers::NUM_PENDING));
        match (answer.status.map(|status| status.as_u16()), behind) {
            (None, Some(behind)) => {
                let behind: u64 = behind.as_str().parse().map_err(|error| away(&error))?;
                Ok(behind + 1)
            }
            (Some(404), _) => Ok(0),
            (status, _) => Err(away(&format_args!("status {status:?} from the stream"))),
        }
    }
}
