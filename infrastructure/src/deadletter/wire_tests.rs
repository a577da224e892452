//! The records as they are on the wire. A file in `wire/` is what some release wrote: it is never
//! changed, and read for ever.

use std::{fs, path::Path};

use chrono::{DateTime, Utc};
use kit::{EventId, Position};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_000_000).unwrap()
}

fn event() -> Place {
    let id: EventId = "019305a5-8000-7000-8000-000000000001".parse().unwrap();
    let at = Cursor { position: Position(42), index: 1 };
    Place { id: Some(id), kind: Some("person.renamed".to_owned()), at }
}

fn request() -> Uuid {
    Uuid::from_u128(7)
}

fn json(text: &str) -> Json {
    Json(serde_json::value::RawValue::from_string(text.to_owned()).unwrap())
}

fn requested(action: Action, data: Option<Json>) -> Record {
    Record::Requested(Box::new(Requested {
        request: request(),
        action,
        event: event(),
        schema_version: data.as_ref().map(|_| 2),
        data,
        who: "ada".to_owned(),
        why: "a typing error".to_owned(),
        selection: Some("2026-11-21-bugs".to_owned()),
        time: time(),
    }))
}

fn parked() -> Parked {
    let headers = async_nats::HeaderMap::from_iter([(
        "Content-Type".parse().unwrap(),
        "x/y".parse().unwrap(),
    )]);
    Parked {
        event: event(),
        class: Class::Bug,
        errors: vec!["it panicked".to_owned()],
        attempts: 3,
        recent: vec![Attempt { time: time(), error: "it panicked".to_owned() }],
        first: time(),
        last: time(),
        original: Original::new("event.person.ada", Some(&headers), b"[{\"id\":\"a\"}]"),
        epoch: 9,
    }
}

/// A durable command whose headers cannot be read.
fn command() -> Parked {
    let at = Cursor { position: Position(5), index: 0 };
    let original = Original::new("enqueue.person.ada.tag", None, b"{}");
    Parked {
        event: Place { id: None, kind: Some("person.tag".to_owned()), at },
        class: Class::Refused,
        original: Original { raw_headers: Some("TkFUUy8x/w==".to_owned()), ..original },
        ..parked()
    }
}

/// A record that parks a key at `event`.
pub(super) fn parked_at(event: Place, epoch: u64) -> Record {
    Record::Parked(Box::new(Parked { event, epoch, ..parked() }))
}

/// A request to try `event` again.
pub(super) fn asked(event: Place) -> Requested {
    let Record::Requested(requested) = requested(Action::Retry, None) else { unreachable!() };
    Requested { event, ..*requested }
}

fn reset(instead_of: Option<Uuid>) -> Reset {
    Reset {
        request: request(),
        from: Position(42),
        checkpoint: Position(99),
        instead_of,
        who: "ada".to_owned(),
        why: "a mistake".to_owned(),
        time: time(),
    }
}

fn every() -> Vec<(&'static str, Record)> {
    [of_keys(), of_handlers()].into_iter().flatten().collect()
}

fn of_handlers() -> Vec<(&'static str, Record)> {
    let (epoch, time) = (9, time());
    vec![
        ("owned", Record::Owned(Owned { epoch, instance: "one".to_owned(), time })),
        ("reset", Record::Reset(Box::new(reset(None)))),
        ("reset-instead", Record::Reset(Box::new(reset(Some(Uuid::from_u128(6)))))),
        (
            "rewound",
            Record::Rewound(Rewound {
                request: request(),
                from: Position(42),
                checkpoint: Position(99),
                epoch,
                time,
            }),
        ),
        (
            "restored",
            Record::Restored(Box::new(Restored {
                checkpoint: Position(99),
                to: Position(42),
                who: "ada".to_owned(),
                why: "an older backup".to_owned(),
                time,
            })),
        ),
    ]
}

fn of_keys() -> Vec<(&'static str, Record)> {
    let (epoch, time) = (9, time());
    let (who, why) = ("ada".to_owned(), "a typing error".to_owned());
    vec![
        ("parked", Record::Parked(Box::new(parked()))),
        ("parked-command", Record::Parked(Box::new(command()))),
        ("requested-retry", requested(Action::Retry, None)),
        ("requested-discard", requested(Action::Discard, None)),
        ("requested-override", requested(Action::Override, Some(json(r#"{"n": 1.50}"#)))),
        (
            "declined",
            Record::Declined(Declined {
                request: request(),
                reason: "no such event".to_owned(),
                epoch,
                time,
            }),
        ),
        (
            "discarded",
            Record::Discarded(Discarded {
                event: event(),
                request: request(),
                who: who.clone(),
                why: why.clone(),
                epoch,
                time,
            }),
        ),
        (
            "overridden",
            Record::Overridden(Overridden {
                event: event(),
                data: json(r#"{"n": 1.50}"#),
                schema_version: Some(2),
                request: request(),
                who,
                why,
                epoch,
                time,
            }),
        ),
        (
            "drained",
            Record::Drained(Drained {
                to: Cursor { position: Position(43), index: 0 },
                epoch,
                time,
            }),
        ),
        ("released", Record::Released(Released { position: Position(99), epoch, time })),
    ]
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/deadletter/wire")
}

#[test]
fn every_record_has_the_bytes_that_are_kept_of_it() {
    for (name, record) in every() {
        let path = folder().join(format!("{name}.1.json"));
        let bytes = record.encode().unwrap();
        if !path.exists() {
            fs::write(&path, &bytes).unwrap();
            panic!("{name} is new: look at what is now in {} and keep it", path.display());
        }
        let kept = fs::read_to_string(&path).unwrap();
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), kept, "{name}");
    }
}

#[test]
fn everything_that_was_ever_written_is_read() {
    let mut read = 0;
    for file in fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let record = Record::decode(&fs::read(&path).unwrap());
        assert!(record.is_ok(), "{}: {record:?}", path.display());
        read += 1;
    }
    assert!(read >= every().len());
}

#[test]
fn every_record_is_read_back_as_it_was_written() {
    for (name, record) in every() {
        assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record, "{name}");
    }
}

#[test]
fn a_body_is_kept_as_text_or_as_base64_and_one_too_large_stays_in_the_log() {
    let body = |bytes: &[u8]| Original::new("event.person.ada", None, bytes).body;
    assert_eq!(body("ä".as_bytes()), Body::Text("ä".to_owned()));
    assert_eq!(body(&[0xff, 0xfe]), Body::Base64("//4=".to_owned()));
    let limit = nats::limits::DEAD_LETTER_BODY_BYTES_MAX;
    assert_eq!(body(&vec![b'"'; limit]), Body::LeftOut(limit));
    // The largest commit fits, whatever is in it.
    let largest = vec![1; nats::limits::COMMIT_BYTES_MAX];
    let record = Parked { original: Original::new("s", None, &largest), ..parked() };
    assert!(matches!(record.original.body, Body::Base64(_)));
    let record = Record::Parked(Box::new(record)).encode().unwrap();
    assert!(record.len() < 1024 * 1024, "{}", record.len());
}

proptest! {
    #[test]
    fn no_bytes_make_reading_fail_otherwise_than_by_saying_so(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in "[a-z]{0,12}",
    ) {
        drop(Record::decode(&bytes));
        drop(Record::decode(format!("{{\"kind\":\"{kind}\"}}").as_bytes()));
    }
}
