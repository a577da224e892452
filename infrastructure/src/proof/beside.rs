//! A document beside the log: each of its commits against the one that stands there now.

use kit::Position;

use super::{Fault, Finding, Hash, Message, Seen, finding::FINDINGS_MAX};
use crate::{
    backup::PutBack,
    histories::{StoredCommit, StoredHistory},
    problem::Problem,
};

/// The log while a document is compared with it.
#[derive(Debug)]
pub struct Beside {
    /// None: the log has no such history.
    log: Option<StoredHistory>,
    ahead: Option<StoredCommit>,
    /// Commits of the log that the document cannot know.
    later: u64,
    restore: Option<PutBack>,
    /// Commits that a restore stored anew.
    restored: u64,
}

impl Beside {
    /// The log's own history, if there is one, and the restore that brought the log where it is, if one
    /// did.
    #[must_use]
    pub const fn new(log: Option<StoredHistory>, restore: Option<PutBack>) -> Self {
        Self { log, ahead: None, later: 0, restore, restored: 0 }
    }

    /// Compares the next commit of the document; they come in the order of their positions.
    ///
    /// # Errors
    /// `unavailable` if the log does not answer.
    pub async fn compare(&mut self, seen: Seen) -> Result<Vec<Finding>, Problem> {
        let mut found = self.before(seen.position).await?;
        let at = seen.position;
        let Some(commit) = self.ahead.take_if(|commit| commit.position == at) else {
            found.push(Finding::at(at, Fault::NotInLog, "the log has no such commit"));
            return Ok(found);
        };
        if self.leaf(&commit) != Some(seen.leaf) {
            let detail = "the log has another message there";
            found.push(Finding::at(at, Fault::Differs, detail));
        }
        if commit.stored_at != seen.stored_at {
            if self.is_older_than_restore(&seen) {
                self.restored += 1;
                return Ok(found);
            }
            let (here, there) = (seen.stored_at, commit.stored_at);
            let detail = format!("stored at {here} by the document, at {there} by the log");
            found.push(Finding::at(at, Fault::StoredAt, detail));
        }
        Ok(found)
    }

    /// Whether the document has the time that the commit had before it came back from a backup.
    fn is_older_than_restore(&self, seen: &Seen) -> bool {
        self.restore.is_some_and(|it| it.has(seen.position) && seen.stored_at < it.begun)
    }

    /// Compares the end: what the log has up to `head` must be in the document.
    ///
    /// # Errors
    /// `unavailable` if the log does not answer.
    pub async fn finish(&mut self, head: Position) -> Result<Vec<Finding>, Problem> {
        let found = self.before(head.next()).await?;
        while self.peek().await?.is_some() {
            self.ahead = None;
            self.later += 1;
        }
        Ok(found)
    }

    /// How many commits the log has behind the document's head, once that was compared.
    #[must_use]
    pub const fn later(&self) -> u64 {
        self.later
    }

    /// How many commits have another time of storage than the document gives them, because the log was
    /// restored since. Their messages were compared all the same.
    #[must_use]
    pub const fn restored(&self) -> u64 {
        self.restored
    }

    /// What of the log stands before `position` and was not met.
    async fn before(&mut self, position: Position) -> Result<Vec<Finding>, Problem> {
        let mut found = Vec::new();
        while let Some(at) = self.peek().await?
            && at < position
        {
            self.ahead = None;
            if found.len() < FINDINGS_MAX {
                let detail = "the log has a commit there, and the document has none";
                found.push(Finding::at(at, Fault::Missing, detail));
            }
        }
        Ok(found)
    }

    async fn peek(&mut self) -> Result<Option<Position>, Problem> {
        if self.ahead.is_none()
            && let Some(log) = &mut self.log
        {
            self.ahead = log.next().await?;
        }
        Ok(self.ahead.as_ref().map(|commit| commit.position))
    }

    fn leaf(&self, commit: &StoredCommit) -> Option<Hash> {
        let subject = self.log.as_ref()?.subject();
        let StoredCommit { position, headers, payload, .. } = commit;
        Some(Message { position: *position, subject, headers, payload }.leaf())
    }
}
