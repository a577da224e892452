//! Writing what one command led to into the commit of its round, unless it does not fit.
//! Not here: the decision.

use kit::EventId;

use super::{
    admission::Waiting,
    batch::Outcome,
    round::{Round, Verdict},
};
use crate::{
    aggregates::Decided,
    envelope::{Draft, EncodeError},
    problem::Problem,
    receipts::Receipt,
    sealing::{Held, SealError, Sealing, seal},
};

/// Why events are not in the commit.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Round<'_> {
    /// Writes the events of one command into the commit, unless they do not fit.
    pub(super) fn write(&mut self, waiting: &Waiting, decided: &[Decided]) -> Verdict {
        if self.is_sealed && !self.loaded.held.as_ref().is_some_and(Held::is_valid) {
            return Verdict::Key;
        }
        let (mark, first) = (self.commit.mark(), self.commit.is_empty());
        let events = match self.encode(waiting, decided) {
            Ok(events) if self.commit.bytes() <= self.rules.commit_bytes_max => events,
            Ok(_) => {
                let (bytes, limit) = (self.commit.bytes(), self.rules.commit_bytes_max);
                self.commit.back(mark);
                return if first {
                    let detail = format!("its events have {bytes} bytes, {limit} are allowed");
                    Verdict::Enter(Outcome::Refused(Problem::too_large(detail)))
                } else {
                    Verdict::Later
                };
            }
            Err(Unwritten::Seal(SealError::Erased(what))) => {
                self.commit.back(mark);
                let detail = format!("the key is destroyed under which {what} would be sealed");
                return Verdict::Enter(Outcome::Refused(Problem::personal_data_erased(detail)));
            }
            Err(error) => {
                self.commit.back(mark);
                let detail = format!("its events cannot be written: {error}");
                return Verdict::Enter(Outcome::Refused(Problem::internal(detail)));
            }
        };
        if let Err(problem) = self.loaded.state.evolve() {
            return Verdict::Broken(problem);
        }
        self.version.0 += decided.len() as u64;
        Verdict::Enter(Outcome::Committed(self.loaded.receipts.expect(Receipt {
            key: waiting.key,
            fingerprint: waiting.fingerprint,
            version: self.version,
            position: self.loaded.position,
            time: self.rules.now,
            events,
        })))
    }

    fn encode(
        &mut self,
        waiting: &Waiting,
        decided: &[Decided],
    ) -> Result<Box<[(EventId, &'static str)]>, Unwritten> {
        let mut version = self.version;
        let written = decided.iter().map(|event| {
            version = version.next();
            let id = self.ids.next(self.rules.now);
            let draft = Draft {
                id,
                kind: event.kind.name,
                schema_version: event.kind.version,
                version,
                time: self.rules.now,
                data: &event.written.data,
                sealed: None,
                metadata: &waiting.metadata,
            };
            match self.loaded.held.as_ref().filter(|_| self.is_sealed) {
                None => self.commit.push(self.key, &draft)?,
                Some(held) => {
                    let (of, metadata) = ((id, event.kind.name), &waiting.metadata);
                    let sealing = seal(&held.hold, self.key, of, &event.written, metadata)?;
                    let Sealing { data, sealed, metadata } = &sealing;
                    let draft = Draft { data, sealed: sealed.as_deref(), metadata, ..draft };
                    self.commit.push(self.key, &draft)?;
                }
            }
            Ok((id, event.kind.name))
        });
        written.collect()
    }
}
