//! The form in which a snapshot holds receipts. Not here: the snapshot.

use chrono::{DateTime, Utc};
use kit::{EventId, Position, Version};
use serde::{Deserialize, Serialize};

use super::{CommandKey, Fingerprint, Forgotten, RECEIPTS_MIN, Receipt, Receipts};

/// The newest receipts; those before them count as forgotten. A snapshot with all of a hot
/// aggregate's would be larger than a message may be, and a search finds the others.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedReceipts {
    forgotten: Option<Forgotten>,
    receipts: Vec<SavedReceipt>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedReceipt {
    key: CommandKey,
    fingerprint: Fingerprint,
    version: Version,
    position: Position,
    time: DateTime<Utc>,
    events: Vec<(EventId, String)>,
}

impl Receipts {
    /// The receipts for a snapshot. Nothing may be pending.
    #[must_use]
    pub fn save(&self) -> SavedReceipts {
        let cut = self.len().saturating_sub(RECEIPTS_MIN);
        let last = cut.checked_sub(1).and_then(|last| self.iter().nth(last));
        let forgotten = last.map(|last| Forgotten { position: last.position, time: last.time });
        SavedReceipts {
            forgotten: forgotten.or(self.forgotten()),
            receipts: self.iter().skip(cut).map(saved).collect(),
        }
    }

    /// The receipts of a snapshot. `name` finds the event name that lives as long as the program;
    /// none, if there is a name that it does not find.
    #[must_use]
    pub fn restore(
        saved: SavedReceipts,
        name: impl Fn(&str) -> Option<&'static str>,
    ) -> Option<Self> {
        let mut receipts = Self::since(saved.forgotten);
        for receipt in saved.receipts {
            let events = receipt.events.iter().map(|(id, event)| Some((*id, name(event)?)));
            receipts.record(Receipt {
                key: receipt.key,
                fingerprint: receipt.fingerprint,
                version: receipt.version,
                position: receipt.position,
                time: receipt.time,
                events: events.collect::<Option<_>>()?,
            });
        }
        Some(receipts)
    }
}

fn saved(receipt: &Receipt) -> SavedReceipt {
    let events = receipt.events.iter().map(|(id, name)| (*id, (*name).to_owned()));
    SavedReceipt {
        key: receipt.key,
        fingerprint: receipt.fingerprint,
        version: receipt.version,
        position: receipt.position,
        time: receipt.time,
        events: events.collect(),
    }
}
