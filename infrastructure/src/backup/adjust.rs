//! What one message of a stream beside the log becomes on another server, and behind a cut.
//!
//! Behind a cut at P nothing may speak of what stood behind P. Dead letters are cut by the positions of
//! which they speak, not by when they were written: what people decided about an event before P still
//! holds, and what was handled before P stays handled.
//! Not here: the log itself, whose messages stay as they are.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use kit::Position;
use nats::{Subject, buckets::stream_of, headers, names};
use serde::{Serialize, de::DeserializeOwned};

use super::{cut::Cut, line::Kept, marker};
use crate::{
    deadletter::{Cursor, Record},
    durable::{self, Outcome},
    handler::{CheckpointRecord, Registration},
    readmodel::is_of_store,
};

/// The message as it is written to `stream`; none if it is not.
pub(super) fn adjusted(stream: &str, mut kept: Kept, cut: Option<&Cut>) -> Option<Kept> {
    kept.headers.retain(|name, _| is_kept(&kept.subject, name));
    if stream == names::TIMERS {
        // Behind a cut their policies set them anew.
        return cut.is_none().then_some(kept);
    }
    if stream == names::COMMANDS || stream == names::DLQ {
        // A later backup may be cut where only that tells.
        let time = stored_at(&kept).to_rfc3339_opts(SecondsFormat::Nanos, true);
        kept.headers.insert(headers::STORED_AT.to_owned(), vec![time]);
    }
    if stream == names::COMMANDS {
        return is_before(cut, &kept).then_some(kept);
    }
    if stream == names::DLQ {
        return match cut {
            Some(cut) => letter(kept, cut),
            None => Some(kept),
        };
    }
    if stream == stream_of(names::KEYS) {
        // Also behind a cut: whatever was destroyed since stays so.
        return Some(kept);
    }
    // A key that was deleted is a message without a body.
    let key = bucket_key(&kept.subject).to_owned();
    if kept.body.is_empty() {
        return None;
    }
    if stream == stream_of(names::HANDLERS) {
        // The rows of another log are not this one's, and nor is what was asked of them.
        if is_of_store(&key) || key == marker::KEY {
            return None;
        }
        return match cut {
            Some(cut) => Some(rewritten(kept, |it: &mut Registration| {
                it.since = it.since.min(Position(cut.at));
            })),
            None => Some(kept),
        };
    }
    let Some(cut) = cut else { return Some(kept) };
    if stream == stream_of(names::CHECKPOINTS) {
        return Some(rewritten(kept, |it: &mut CheckpointRecord| {
            it.position = it.position.min(Position(cut.limit(&key)));
        }));
    }
    outcome(kept, cut)
}

/// What stands behind the bucket's name in a subject.
fn bucket_key(subject: &str) -> &str {
    subject.splitn(3, '.').nth(2).unwrap_or_default()
}

/// Which headers a message keeps: those of the server say how it was stored there, and would be
/// instructions here.
fn is_kept(subject: &str, name: &str) -> bool {
    if !name.starts_with("Nats-") {
        return true;
    }
    let of_schedule = [headers::SCHEDULE, headers::SCHEDULE_TARGET, headers::ROLLUP, headers::TTL];
    match Subject::parse(subject) {
        Some(Subject::TimerSet { .. }) => of_schedule.contains(&name),
        // The server put it where it is.
        Some(Subject::TimerDue { .. }) => false,
        _ => name == headers::MESSAGE_ID,
    }
}

fn is_before(cut: Option<&Cut>, kept: &Kept) -> bool {
    cut.is_none_or(|cut| stored_at(kept) <= cut.time)
}

/// When the message was stored first, however often it came back since.
fn stored_at(kept: &Kept) -> DateTime<Utc> {
    let noted = kept.headers.get(headers::STORED_AT).and_then(|all| all.first()?.parse().ok());
    // Whoever may queue a command could write what has not come yet.
    noted.map_or(kept.time, |noted| kept.time.min(noted))
}

fn letter(mut kept: Kept, cut: &Cut) -> Option<Kept> {
    if let Some(Subject::DeadLetter { handler, .. }) = Subject::parse(&kept.subject)
        && handler == durable::LEASE
    {
        // Its positions are places in the queue of commands.
        return is_before(Some(cut), &kept).then_some(kept);
    }
    let Ok(mut record) = Record::decode(&kept.body) else { return Some(kept) };
    let (end, lost) = (Position(cut.at), |at: Cursor| at.position.0 > cut.at);
    match &mut record {
        Record::Parked(it) if lost(it.event.at) => return None,
        Record::Requested(it) if lost(it.event.at) => return None,
        Record::Discarded(it) if lost(it.event.at) => return None,
        Record::Overridden(it) if lost(it.event.at) => return None,
        Record::Drained(it) if lost(it.to) => it.to = Cursor { position: end.next(), index: 0 },
        Record::Released(it) if it.position > end => it.position = end,
        Record::Reset(it) => it.checkpoint = it.checkpoint.min(end),
        _ => return Some(kept),
    }
    kept.body = record.encode().ok()?;
    Some(kept)
}

fn outcome(kept: Kept, cut: &Cut) -> Option<Kept> {
    let Ok(outcome) = serde_json::from_slice::<Outcome>(&kept.body) else { return Some(kept) };
    let position = outcome.reply.as_ref().map_or(Position::ZERO, |reply| reply.position);
    let stays = match position {
        Position::ZERO => outcome.time.unwrap_or_else(|| stored_at(&kept)) <= cut.time,
        // It is written down later than the commit of which it speaks.
        position => position.0 <= cut.at,
    };
    stays.then_some(kept)
}

/// The message with its value changed; as it was if it is not such a value.
fn rewritten<T: Serialize + DeserializeOwned>(mut kept: Kept, change: impl FnOnce(&mut T)) -> Kept {
    if let Ok(mut value) = serde_json::from_slice::<T>(&kept.body) {
        change(&mut value);
        if let Ok(body) = serde_json::to_vec(&value) {
            kept.body = Bytes::from(body);
        }
    }
    kept
}
