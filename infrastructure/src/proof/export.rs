//! Writing a document, line by line, as the log is read: a long history takes time and no memory.

use chrono::Utc;
use kit::{AggregateId, Position, Version};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{Entry, FORMAT, Hash, Head, Line, Message, Opening, document::versions};
use crate::{
    histories::{Histories, StoredCommit, StoredHistory},
    problem::Problem,
};

/// Who writes.
const PROGRAM: &str = concat!("headwater ", env!("CARGO_PKG_VERSION"));

/// A document that is being written.
#[derive(Debug)]
pub struct Export {
    history: StoredHistory,
    opening: Opening,
    with_events: bool,
    stage: Stage,
    commits: u64,
    version: Version,
    position: Position,
    chain: Hash,
    written: Sha256,
}

#[derive(Debug)]
enum Stage {
    Opening,
    Commits,
    Ended(Head),
}

impl Export {
    /// The history of one aggregate; `with_events` beside its bytes.
    ///
    /// # Errors
    /// `unknown-aggregate`, `not-found` if it has no history, or `unavailable`.
    pub async fn open(
        histories: &Histories,
        aggregate: &str,
        id: &AggregateId,
        with_events: bool,
    ) -> Result<Self, Problem> {
        let history = histories.stored(aggregate, id).await?;
        let opening = Opening {
            format: FORMAT.to_owned(),
            aggregate: aggregate.to_owned(),
            id: id.clone(),
            subject: history.subject().to_owned(),
        };
        Ok(Self {
            history,
            opening,
            with_events,
            stage: Stage::Opening,
            commits: 0,
            version: Version::ZERO,
            position: Position::ZERO,
            chain: Hash::START,
            written: Sha256::new(),
        })
    }

    /// The next line, with its end; none behind the head. A document without a head is not whole.
    ///
    /// # Errors
    /// `unavailable` if the log does not answer any more.
    pub async fn line(&mut self) -> Result<Option<String>, Problem> {
        let line = match self.stage {
            Stage::Opening => {
                self.stage = Stage::Commits;
                Line::History(self.opening.clone())
            }
            Stage::Commits => match self.history.next().await? {
                Some(commit) => Line::Commit(self.entry(commit)),
                None => {
                    let head = self.end();
                    self.stage = Stage::Ended(head.clone());
                    Line::Head(head)
                }
            },
            Stage::Ended(_) => return Ok(None),
        };
        let text = serde_json::to_string(&line);
        let text = text.map_err(|error| Problem::internal(error.to_string()))? + "\n";
        self.written.update(&text);
        Ok(Some(text))
    }

    /// The head, once the last line is written.
    #[must_use]
    pub const fn head(&self) -> Option<&Head> {
        match &self.stage {
            Stage::Ended(head) => Some(head),
            Stage::Opening | Stage::Commits => None,
        }
    }

    fn entry(&mut self, commit: StoredCommit) -> Entry {
        let StoredCommit { position, stored_at, headers, payload } = commit;
        let subject = &self.opening.subject;
        let leaf = Message { position, subject, headers: &headers, payload: &payload }.leaf();
        self.chain = self.chain.then(leaf);
        self.commits += 1;
        self.position = position;
        // What cannot be read is shown all the same: it is what is stored.
        let versions = versions(&payload);
        self.version = versions.map_or(self.version, |(_, last)| last);
        let events = self.with_events.then(|| serde_json::from_slice::<Box<RawValue>>(&payload));
        Entry {
            position,
            stored_at,
            first_version: versions.map(|(first, _)| first),
            last_version: versions.map(|(_, last)| last),
            headers,
            payload,
            events: events.and_then(Result::ok),
            leaf,
            chain: self.chain,
        }
    }

    fn end(&self) -> Head {
        Head {
            aggregate: self.opening.aggregate.clone(),
            id: self.opening.id.clone(),
            commits: self.commits,
            version: self.version,
            position: self.position,
            chain: self.chain,
            lines: Hash::end(self.written.clone()),
            exported_at: Utc::now(),
            program: PROGRAM.to_owned(),
        }
    }
}
