//! The stored form of timers: what was written once stays readable, and what is written is known.

use infrastructure::timers::{Cause, Planned, TimerRecord};
use kit::Position;
use uuid::Uuid;

/// Append-only; the README there says why.
const STORED: [&str; 5] = [
    include_str!("../wire/timers/set.1.json"),
    include_str!("../wire/timers/set.2.json"),
    include_str!("../wire/timers/moving.1.json"),
    include_str!("../wire/timers/cancelled.1.json"),
    include_str!("../wire/timers/done.1.json"),
];

fn cause() -> Cause {
    Cause {
        handler: "expire-onboarding".to_owned(),
        event_id: Uuid::from_u128(1),
        position: Position(42),
        index: 1,
        ordinal: 0,
    }
}

fn planned() -> Planned {
    Planned {
        cause: cause(),
        at: "2026-12-05T12:00:00Z".parse().unwrap(),
        aggregate: "onboarding".to_owned(),
        id: "ada".parse().unwrap(),
        command: "expire".to_owned(),
        body: "{}".to_owned(),
        command_id: "derived".parse().unwrap(),
        correlation_id: "talk".to_owned(),
        user_id: Some("eve".to_owned()),
        session_id: None,
        request_id: None,
        hops: 1,
        traceparent: None,
    }
}

#[test]
fn every_record_that_was_ever_written_is_read_and_written_back_with_all_it_said() {
    for stored in STORED {
        let record: TimerRecord = serde_json::from_str(stored).unwrap();
        let was: serde_json::Value = serde_json::from_str(stored).unwrap();
        let now = serde_json::to_value(&record).unwrap();
        for (field, value) in was.as_object().unwrap() {
            assert_eq!(&now[field], value, "{field} of {stored}");
        }
    }
}

#[test]
fn the_wire_of_timers_does_not_change() {
    let time = "2026-12-05T12:00:01Z".parse().unwrap();
    let records = [
        TimerRecord::Set(Box::new(planned())),
        TimerRecord::Moving { cause: cause() },
        TimerRecord::Cancelled { cause: cause() },
        TimerRecord::Done { cause: cause(), time, outcome: "committed".to_owned() },
    ];
    insta::assert_json_snapshot!(records);
}
