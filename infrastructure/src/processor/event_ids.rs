//! The ids of events: UUIDv7 that sort as the events of one engine do.
//!
//! Within a millisecond they count on from a random start (RFC 9562, section 6.2, method 2), so
//! that an event costs no system call: asking the kernel for randomness each time took 7 % of the
//! engine's time. They are unique, not secret. Not here: the ids that a decision makes.

use std::{collections::hash_map::RandomState, hash::BuildHasher};

use chrono::{DateTime, Utc};
use kit::EventId;

/// Bits after the time, without those of the version and the variant.
const COUNTER_BITS: u32 = 74;

/// Makes the ids of one engine's events.
#[derive(Debug, Default)]
pub(super) struct EventIds {
    millis: u64,
    counter: u128,
    drawn: u64,
    random: RandomState,
}

impl EventIds {
    /// The next id, of an event that was decided at `now`.
    pub(super) fn next(&mut self, now: DateTime<Utc>) -> EventId {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        if millis > self.millis {
            self.millis = millis;
            self.counter = self.draw();
        } else {
            // A clock that goes back does not make the ids go back.
            self.counter += 1;
        }
        let (high, low) = (self.counter >> 62, self.counter & ((1 << 62) - 1));
        let time = u128::from(self.millis & 0xffff_ffff_ffff);
        EventId::from_u128(time << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
    }

    /// A start with its highest bit clear, so that it can be counted on from.
    fn draw(&mut self) -> u128 {
        self.drawn += 1;
        let half = |which: bool| u128::from(self.random.hash_one((self.drawn, which)));
        (half(false) << 64 | half(true)) & ((1 << (COUNTER_BITS - 1)) - 1)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn ids_sort_as_they_were_made_whatever_the_clock_does() {
        let (mut ids, now) = (EventIds::default(), Utc::now());
        let times = [0, 0, 5, 5, 4, -9, 6].map(|millis| now + TimeDelta::milliseconds(millis));
        let made: Vec<_> = times.into_iter().map(|time| ids.next(time)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]), "{made:?}");
    }

    #[test]
    fn an_id_is_a_uuid_of_version_7_with_its_time() {
        let now = Utc::now();
        let id = EventIds::default().next(now);
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        let made = DateTime::from_timestamp(seconds.cast_signed(), nanos).unwrap();
        assert_eq!(made.timestamp_millis(), now.timestamp_millis());
    }

    #[test]
    fn two_engines_make_different_ids() {
        let now = Utc::now();
        assert_ne!(EventIds::default().next(now), EventIds::default().next(now));
    }
}
