//! What a consumer says beside each message that it delivers: the subject on which an
//! acknowledgement would be awaited. Not here: acknowledging.

use chrono::{DateTime, Utc};

/// Where a delivered message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Its place in the stream.
    pub stream_sequence: u64,
    /// Which delivery of its consumer this is, from 1.
    pub consumer_sequence: u64,
    /// When the server stored it, by its clock.
    pub time: DateTime<Utc>,
    /// Messages of the consumer behind it.
    pub pending: u64,
}

impl Delivered {
    /// Reads the reply subject of a delivery, in both forms of ADR-15: of 9 tokens, and of 11 or more,
    /// with a domain and the hash of an account before the same ones.
    #[must_use]
    pub fn read(reply: &str) -> Option<Self> {
        let rest = reply.strip_prefix("$JS.ACK.")?;
        let long = rest.split('.').count() >= 9;
        // The domain and the account; the stream, the consumer, and how often it was delivered.
        let mut tokens = rest.split('.').skip(if long { 5 } else { 3 });
        let mut number = || tokens.next()?.parse::<u64>().ok();
        let (stream_sequence, consumer_sequence) = (number()?, number()?);
        let time = DateTime::from_timestamp_nanos(number()?.try_into().ok()?);
        Some(Self { stream_sequence, consumer_sequence, time, pending: number()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let delivered = Delivered {
            stream_sequence: 7,
            consumer_sequence: 3,
            time: DateTime::from_timestamp_nanos(1_700_000_000_123_456_789),
            pending: 12,
        };
        let short = "$JS.ACK.EVENTS.people-1.1.7.3.1700000000123456789.12";
        let long = "$JS.ACK.hub.ACCOUNT.EVENTS.people-1.1.7.3.1700000000123456789.12";
        for reply in [short, long, &format!("{long}.random"), &format!("{long}.random.new")] {
            assert_eq!(Delivered::read(reply), Some(delivered), "{reply}");
        }
    }

    #[test]
    fn nothing_else_is_read() {
        for reply in [
            "",
            "_INBOX.a.1",
            "$JS.ACK.EVENTS.people-1.1.7.3.1700000000123456789",
            "$JS.ACK.EVENTS.people-1.1.x.3.1700000000123456789.12",
            "$JS.ACK.EVENTS.people-1.1.7.-3.1700000000123456789.12",
            "$JS.ACK.EVENTS.people-1.1.7.3.99999999999999999999.12",
        ] {
            assert_eq!(Delivered::read(reply), None, "{reply}");
        }
    }
}
