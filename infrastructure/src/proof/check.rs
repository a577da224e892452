//! Checking a document by itself, line by line. Pure: whoever reads the file hands in its lines.
//!
//! That nothing is wrong means that the document was not damaged, and not changed by anybody who did
//! not make all of it anew. Whether it is what the log says, only the log can tell, and whether the log
//! was rewritten, only a head that was noted before.

mod links;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use kit::{Position, Version};
use sha2::{Digest as _, Sha256};

use super::{
    Entry, FORMAT, Fault, Finding, Hash, Head, Line, Message, Opening, finding::FINDINGS_MAX,
};

/// A document that is being checked.
#[derive(Debug, Default)]
pub struct Check {
    noted: Option<Hash>,
    noted_at: Option<Position>,
    opening: Option<Opening>,
    /// The commit that stands furthest in the log.
    last: Option<Last>,
    commits: u64,
    head: Option<Head>,
    read: Sha256,
    lines: u64,
    findings: Vec<Finding>,
}

/// What the next commit goes on from.
#[derive(Debug, Clone, Copy)]
struct Last {
    position: Position,
    version: Version,
    chain: Hash,
}

impl Last {
    const NONE: Self =
        Self { position: Position::ZERO, version: Version::ZERO, chain: Hash::START };
}

/// A commit of a document, to be compared with the log's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Where it claims to stand.
    pub position: Position,
    /// The hash that its bytes have.
    pub leaf: Hash,
    /// When it claims to have been stored.
    pub stored_at: DateTime<Utc>,
}

/// What was found out about a document.
#[derive(Debug)]
pub struct Verdict {
    /// Whose history it is, if it says so.
    pub opening: Option<Opening>,
    /// Its end, if it has one.
    pub head: Option<Head>,
    /// Where the head that was noted stands in its chain.
    pub noted_at: Option<Position>,
    /// What is wrong, in the order of the document; nothing if all is well.
    pub findings: Vec<Finding>,
}

impl Check {
    /// A check that also looks for a head that was noted earlier: the chain as it was then.
    #[must_use]
    pub fn new(noted: Option<Hash>) -> Self {
        Self { noted, ..Self::default() }
    }

    /// Whose history it is, once the first line was taken.
    #[must_use]
    pub const fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    /// Its head, once that was taken.
    #[must_use]
    pub const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Takes the next line, with its end. If it is a commit that stands behind the one before, it can be
    /// compared with the log's.
    pub fn take(&mut self, line: &[u8]) -> Option<Seen> {
        self.lines += 1;
        let read = serde_json::from_slice::<Line>(line);
        let seen = match read {
            Err(error) => self.odd(&error.to_string()),
            Ok(_) if self.head.is_some() => self.odd("it stands behind the head"),
            Ok(Line::History(opening)) => self.open(opening),
            Ok(_) if self.opening.is_none() => self.odd("the first line is missing"),
            Ok(Line::Commit(entry)) => self.commit(&entry),
            Ok(Line::Head(head)) => self.close(head),
        };
        self.read.update(line);
        seen
    }

    /// Adds what was found elsewhere.
    pub fn found(&mut self, findings: impl IntoIterator<Item = Finding>) {
        let left = FINDINGS_MAX.saturating_sub(self.findings.len());
        self.findings.extend(findings.into_iter().take(left));
    }

    /// The end of the document.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        if self.head.is_none() {
            let detail = "there is no head: the document is cut off";
            self.found([Finding::of_all(Fault::Head, detail)]);
        }
        if let (Some(noted), None) = (self.noted, self.noted_at) {
            let detail = format!(
                "the head {noted} that was noted is nowhere in this chain: what stood before it was \
                 rewritten, or it is that of another history"
            );
            self.found([Finding::of_all(Fault::Rewritten, detail)]);
        }
        let Self { opening, head, noted_at, findings, .. } = self;
        Verdict { opening, head, noted_at, findings }
    }

    fn odd(&mut self, why: &str) -> Option<Seen> {
        let detail = format!("line {} is none of a history: {why}", self.lines);
        self.found([Finding::of_all(Fault::Unreadable, detail)]);
        None
    }

    fn open(&mut self, opening: Opening) -> Option<Seen> {
        if self.opening.is_some() {
            return self.odd("the history has begun before");
        }
        let Opening { format, aggregate, id, subject } = &opening;
        if format != FORMAT {
            return self.odd(&format!("{format:?} is not the format {FORMAT:?}"));
        }
        if *subject != nats::Subject::event(aggregate, id) {
            return self.odd(&format!("{subject:?} is not the subject of {aggregate} {id}"));
        }
        self.opening = Some(opening);
        None
    }

    fn commit(&mut self, entry: &Entry) -> Option<Seen> {
        let subject = self.opening.as_ref().map_or("", |opening| opening.subject.as_str());
        let Entry { position, headers, payload, .. } = entry;
        let message = Message { position: *position, subject, headers, payload };
        let leaf = message.leaf();
        let found = links::findings(self.last.unwrap_or(Last::NONE), entry, leaf);
        self.commits += 1;
        let behind = self.last.is_some_and(|last| *position <= last.position);
        if behind {
            // It was taken for missing before it was met.
            let removed =
                |it: &Finding| it.position == Some(*position) && it.fault == Fault::Removed;
            self.findings.retain(|it| !removed(it));
        }
        self.found(found);
        if self.noted == Some(entry.chain) {
            self.noted_at = Some(*position);
        }
        if behind {
            return None;
        }
        let version = entry.last_version.or(self.last.map(|last| last.version));
        let version = version.unwrap_or(Version::ZERO);
        self.last = Some(Last { position: *position, version, chain: entry.chain });
        Some(Seen { position: *position, leaf, stored_at: entry.stored_at })
    }

    fn close(&mut self, head: Head) -> Option<Seen> {
        let last = self.last.unwrap_or(Last::NONE);
        let opening = self.opening.as_ref();
        let is_own = opening.is_some_and(|it| it.aggregate == head.aggregate && it.id == head.id);
        let mut found = Vec::new();
        match head.position.cmp(&last.position) {
            Ordering::Greater => {
                let detail = format!("it is the last one by the head, and {} is", last.position);
                found.push(Finding::at(head.position, Fault::Removed, detail));
            }
            Ordering::Less => {
                let detail = format!("{} is the last one by the head", head.position);
                found.push(Finding::at(last.position, Fault::Added, detail));
            }
            Ordering::Equal => {
                let said = (head.version, head.chain, head.commits, true);
                if said != (last.version, last.chain, self.commits, is_own) {
                    let detail = "the head is not that of the commits before it";
                    found.push(Finding::of_all(Fault::Head, detail));
                }
            }
        }
        if head.lines != Hash::end(self.read.clone()) {
            let detail = "the lines before the head are not those that were written";
            found.push(Finding::of_all(Fault::Lines, detail));
        }
        self.found(found);
        self.head = Some(head);
        None
    }
}
