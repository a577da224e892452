//! How many messages stand on a subject since some time: the server knows, without sending them.

use async_nats::Client;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use nats::{
    api::{self, DirectGet},
    headers, names,
};

use super::away;
use crate::problem::Problem;

pub(super) struct Counter<'a> {
    client: &'a Client,
}

impl<'a> Counter<'a> {
    pub(super) const fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Commits on `subject`, those that were stored before `start` left out. The first one comes along,
    /// and says how many stand behind it.
    pub(super) async fn since(
        &self,
        subject: &str,
        start: Option<DateTime<Utc>>,
    ) -> Result<u64, Problem> {
        let seq = start.is_none().then_some(1);
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
