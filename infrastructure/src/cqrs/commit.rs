//! Writing what an aggregate of `cqrs-es` has decided: one commit, sealed where it is personal, and
//! an answer only when it is known what became of it. Not here: loading.

use std::{collections::HashMap, time::Duration};

use chrono::{SubsecRound, Utc};
use cqrs_es::{Aggregate, EventEnvelope};
use kit::{Position, Version};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Codec, CqrsContext, CqrsStore, Failed, Written, metadata, sequence, unexpected};
use crate::{
    envelope::{Draft, encode_drafts},
    sealing::{Sealing, seal},
    settle::settle,
    store::{AppendError, Store, StreamKey},
};

/// How long a commit without an answer is settled, at most.
const SETTLE_MAX: Duration = Duration::from_secs(10);

impl<S: Store, A: Aggregate, C: Codec<A>> CqrsStore<S, A, C> {
    /// Commits `events` behind what `context` knows.
    pub(super) async fn write(
        &self,
        events: Vec<A::Event>,
        context: CqrsContext<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, Failed> {
        let CqrsContext { key, position, version, .. } = context;
        let metadata = metadata::from_map(metadata).map_err(unexpected)?;
        let written = events.iter().map(|event| self.codec.write(event).map_err(unexpected));
        let written: Vec<Written> = written.collect::<Result<_, _>>()?;
        // As the envelope keeps it, so that the answer and a later load say the same.
        let time = Utc::now().trunc_subsecs(6);
        let versions = (version.0 + 1..).map(Version);
        let drafts: Vec<Draft<'_>> = written
            .iter()
            .zip(versions)
            .map(|(Written { kind, schema_version, payload }, version)| Draft {
                id: Uuid::now_v7(),
                kind,
                schema_version: *schema_version,
                version,
                time,
                data: &payload.data,
                sealed: None,
                metadata: &metadata,
            })
            .collect();
        let mut sealings = Vec::with_capacity(drafts.len());
        for (draft, Written { payload, .. }) in drafts.iter().zip(&written) {
            sealings.push(self.sealed(&key, draft, payload).await?);
        }
        let drafts: Vec<Draft<'_>> = drafts
            .into_iter()
            .zip(&sealings)
            .map(|(draft, sealing)| match sealing {
                None => draft,
                Some(Sealing { data, sealed, metadata }) => {
                    Draft { data, sealed: sealed.as_deref(), metadata, ..draft }
                }
            })
            .collect();
        self.append(&key, position, &drafts).await?;
        let committed = events.into_iter().zip(&drafts).map(|(payload, draft)| EventEnvelope {
            aggregate_id: key.id.to_string(),
            sequence: sequence(draft.version),
            payload,
            metadata: kit::cqrs_metadata(draft.id, time, &metadata),
        });
        Ok(committed.collect())
    }

    /// The event `draft` with what is personal in it sealed; none if nothing is.
    async fn sealed<'a>(
        &self,
        key: &StreamKey,
        draft: &Draft<'_>,
        payload: &'a kit::Written,
    ) -> Result<Option<Sealing<'a>>, Failed> {
        if payload.personal.is_empty() {
            return Ok(None);
        }
        let Some(keys) = &self.keys else {
            return Err(unexpected("personal data are only written where there are keys"));
        };
        let held = keys.obtain(key).await.map_err(|error| Failed::Away(error.into()))?;
        let sealing = seal(&held.hold, key, (draft.id, draft.kind), payload, draft.metadata);
        sealing.map(Some).map_err(unexpected)
    }

    /// Appends, and answers only when it is known what became of it, if it can be known in time.
    async fn append(
        &self,
        key: &StreamKey,
        expected: Position,
        drafts: &[Draft<'_>],
    ) -> Result<Position, Failed> {
        let body = encode_drafts(key, drafts.iter().copied()).map_err(unexpected)?;
        let mut answer = self.store.append(key, expected, body.clone()).await;
        if matches!(answer, Err(AppendError::Unknown(_))) {
            let deadline = Instant::now() + SETTLE_MAX;
            answer = settle(&self.store, key, expected, &body, deadline).await;
        }
        answer.map_err(|error| match error {
            AppendError::Conflict => Failed::Conflict,
            AppendError::TooLarge { .. } => unexpected(error),
            AppendError::Unknown(_) | AppendError::Refused(_) => Failed::Away(error.into()),
        })
    }
}
