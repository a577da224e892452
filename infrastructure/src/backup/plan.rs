//! What a restore would do, and whether it may: looking at the backup and at the server. Changes nothing.
//! Not here: doing it.

use async_nats::jetstream;
use nats::{buckets::stream_of, names};
use serde::Serialize;
use uuid::Uuid;

use super::{
    capture,
    cut::Cut,
    marker::{self, Marker},
    restore::Restore,
    seen::Seen,
    volume::Volume,
};
use crate::{
    client::Client, handler::CheckpointRecord, problem::Problem, provision, replay::Bound,
};

/// What a restore would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The backup.
    pub backup: Uuid,
    /// The last commit that is put back.
    pub position: u64,
    /// The last commit in the backup.
    pub of: u64,
    /// Whether it was begun before and goes on.
    pub resumed: bool,
    /// What a cut means, if it is one.
    pub cut: Option<Cut>,
}

impl Restore<'_> {
    /// Reads the whole backup, looks at the server, and says what would be done. Changes nothing.
    ///
    /// # Errors
    /// `corrupt` if the backup is damaged; `conflict` if the server holds anything, or a service runs
    /// there; `invalid` if there is nothing before `until`.
    pub async fn plan(&self, seen: Seen<'_>) -> Result<Plan, Problem> {
        if let Some(fault) = self.backup.verify(seen).await?.into_iter().next() {
            return Err(fault.into());
        }
        let events = self.backup.volume(names::EVENTS)?;
        let of = events.last();
        self.check_places(of).await?;
        let position = self.last(&events).await?;
        let asked = match self.until {
            Some(Bound::Time(time)) => Some(time),
            _ => None,
        };
        let cut = match position < of {
            true => Some(Cut::plan(self.backup, self.composition, (position, asked)).await?),
            false => None,
        };
        let resumed = self.look(position).await?;
        Ok(Plan { backup: self.backup.id(), position, of, resumed, cut })
    }

    /// The last commit that is put back.
    async fn last(&self, events: &Volume) -> Result<u64, Problem> {
        let (of, ended) = (events.last(), self.backup.ended());
        let Some(bound) = self.until else { return Ok(of) };
        let is_beyond = match bound {
            Bound::Position(position) => position.0 > of,
            Bound::Time(time) => time > ended,
        };
        if is_beyond {
            return Err(Problem::invalid(format!("the backup ends at {of}, of {ended}")));
        }
        let events = events.clone();
        let position = capture::blocking(move || events.last_until(bound)).await?;
        if position == 0 && of > 0 {
            return Err(Problem::invalid("the backup holds nothing of that time"));
        }
        Ok(position)
    }

    /// Refuses the backup of a server whose log was not whole: a handler has been behind its end.
    async fn check_places(&self, end: u64) -> Result<(), Problem> {
        let volume = self.backup.volume(&stream_of(names::CHECKPOINTS))?;
        capture::blocking(move || {
            let mut reader = volume.read(0);
            while let Some(kept) = reader.take()? {
                if let Ok(it) = serde_json::from_slice::<CheckpointRecord>(&kept.body)
                    && it.position.0 > end
                {
                    let (subject, at) = (kept.subject, it.position);
                    let detail = format!(
                        "the log of the backup ends at {end}, and {subject} is at {at}: it was made \
                         of a server that was not whole"
                    );
                    return Err(Problem::corrupt(detail));
                }
            }
            Ok(())
        })
        .await
    }

    /// Whether this restore was begun here before; refuses a server that is used.
    async fn look(&self, position: u64) -> Result<bool, Problem> {
        let context = jetstream::new(self.client.clone());
        provision::check_server(self.client, &context)
            .await
            .map_err(|error| Problem::unavailable(error.to_string()))?;
        if Client::new(self.client.clone()).ping().await.is_ok() {
            return Err(Problem::conflict("a service runs on this server; stop it first"));
        }
        let found = async |name: &str| {
            let found = provision::find(&context, name).await;
            found.map_err(|error| Problem::unavailable(error.to_string()))
        };
        if found(&stream_of(names::HANDLERS)).await?.is_some() {
            let (marker, _) = self.marker().await?;
            if let Some(Marker { ended: None, backup, position: to, .. }) = marker {
                if (backup, to) == (self.backup.id(), position) {
                    return Ok(true);
                }
                return Err(Problem::conflict(format!(
                    "the backup {backup} is being restored here up to {to}; go on with that, or take \
                     an empty server"
                )));
            }
        }
        for config in provision::wanted(self.replicas) {
            let Some(info) = found(&config.name).await? else { continue };
            let used = config.name == names::EVENTS && info.state.last_sequence > 0;
            if info.state.messages > 0 || used {
                let detail = format!("{} holds something; take an empty server", config.name);
                return Err(Problem::conflict(detail));
            }
        }
        Ok(false)
    }

    async fn marker(&self) -> Result<(Option<Marker>, u64), Problem> {
        let cell = marker::cell(self.client).await?;
        cell.read().await.map_err(|error| marker::away(&error))
    }
}
