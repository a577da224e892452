//! Whether one commit is what its hash says, and follows the one before it.

use kit::{Position, Version};
use nats::headers::EXPECTED_LAST_SUBJECT_SEQUENCE;
use serde_json::Value;

use super::{
    super::{Entry, Fault, Finding, Hash, document::versions},
    Last,
};

/// What is wrong with `entry`, whose message has the hash `leaf`, behind `last`.
pub(super) fn findings(last: Last, entry: &Entry, leaf: Hash) -> Vec<Finding> {
    let at = entry.position;
    let mut found = Vec::new();
    if leaf != entry.leaf {
        let detail = format!("the stored message was altered: its hash is {leaf}");
        found.push(Finding::at(at, Fault::Altered, detail));
    }
    // Two of them could be written as one that holds a line feed, and have the same hash.
    let foreign = |(name, value): &(String, String)| {
        name.contains([':', '\r', '\n']) || value.contains(['\r', '\n'])
    };
    if entry.headers.iter().any(foreign) {
        let detail = "it has a header that no message can have";
        found.push(Finding::at(at, Fault::Altered, detail));
    }
    if let Some(out_of_place) = place(last, entry) {
        found.push(out_of_place);
    } else {
        if last.chain.then(entry.leaf) != entry.chain {
            let detail = format!("the chain does not go on from {} to here", last.position);
            found.push(Finding::at(at, Fault::Broken, detail));
        }
        found.extend(dense(last, entry));
    }
    let shown = entry.events.as_ref().map(|events| serde_json::from_str::<Value>(events.get()));
    if let Some(Ok(shown)) = shown
        && serde_json::from_slice::<Value>(&entry.payload).ok() != Some(shown)
    {
        let detail = "the events beside the payload are not those in it";
        found.push(Finding::at(at, Fault::Events, detail));
    }
    found
}

/// Each commit names the one that it follows: it was written with that as its condition.
fn place(last: Last, entry: &Entry) -> Option<Finding> {
    let at = entry.position;
    if at <= last.position {
        let detail = format!("it stands behind {}, which is later", last.position);
        return Some(Finding::at(at, Fault::Reordered, detail));
    }
    let named = entry.headers.iter().find(|(name, _)| name == EXPECTED_LAST_SUBJECT_SEQUENCE);
    let named = Position(named?.1.parse().ok()?);
    if named > last.position {
        let detail = format!("{at} follows it, and it is not there");
        return Some(Finding::at(named, Fault::Removed, detail));
    }
    (named < last.position).then(|| {
        let detail = format!("{at} follows {named}, so that it does not belong between them");
        Finding::at(last.position, Fault::Added, detail)
    })
}

fn dense(last: Last, entry: &Entry) -> Option<Finding> {
    let said = entry.first_version.zip(entry.last_version);
    let held = versions(&entry.payload);
    let words = |versions: Option<(Version, Version)>| {
        versions.map_or("none".to_owned(), |(first, last)| format!("{first} to {last}"))
    };
    let detail = if said != held {
        format!("it holds the versions {}, and not {}", words(held), words(said))
    } else if held.is_some_and(|(first, _)| first != last.version.next()) {
        format!("it holds the versions {} behind {}", words(held), last.version)
    } else {
        return None;
    };
    Some(Finding::at(entry.position, Fault::Versions, detail))
}
