//! What is written can be read, and whatever cannot be read is told apart.

use chrono::{DateTime, Utc};
use infrastructure::{
    envelope::{self, Corrupt, Data, Element, EncodeError, NewEvent},
    store::StreamKey,
};
use kit::{EventId, Kind, Metadata, Position, Unreadable, Version};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LampLit {
    lumens: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LampLitV1 {
    bright: bool,
}

impl From<LampLitV1> for LampLit {
    fn from(old: LampLitV1) -> Self {
        Self { lumens: if old.bright { 800 } else { 200 } }
    }
}

kit::events! {
    /// What happens to a lamp.
    pub enum LampEvent for "lamp" { "lamp-lit" => LampLit: 2 from LampLitV1 }
}
kit::past! { LampLitV1: 1 }

fn key() -> StreamKey {
    StreamKey { aggregate: "lamp".into(), id: "hall".parse().unwrap() }
}

fn lit(version: u64) -> NewEvent {
    NewEvent {
        id: EventId::from_u128(u128::from(version)),
        kind: Kind { name: "lamp-lit", version: 2 },
        version: Version(version),
        time: "2026-11-21T10:15:30.123456Z".parse().unwrap(),
        data: br#"{"lumens":800}"#.to_vec(),
    }
}

fn metadata() -> Metadata {
    Metadata {
        command_id: "0193-cafe".parse().unwrap(),
        command_hash: "ab12".to_owned(),
        correlation_id: "evening".to_owned(),
        causation_id: Some("switch-7".to_owned()),
        user_id: Some("ada".to_owned()),
        session_id: None,
        request_id: None,
        hops: 1,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

fn two() -> String {
    let (events, metadata) = ([lit(3), lit(4)], metadata());
    let body = envelope::encode(&key(), events.iter().map(|event| (event, &metadata))).unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn the_wire_does_not_change() {
    insta::assert_snapshot!(two());
}

#[test]
fn an_old_version_is_read_into_the_current_shape() {
    let body = two()
        .replace(r#""schemaversion":2"#, r#""schemaversion":1"#)
        .replace(r#"{"lumens":800}"#, r#"{"bright":false}"#);
    let elements = envelope::decode(body.as_bytes()).unwrap();
    let recorded = elements[1].record::<LampEvent>("lamp", Position(9), 1).unwrap();
    assert_eq!(recorded.event, LampEvent::LampLit(LampLit { lumens: 200 }));
    assert_eq!(recorded.cursor(), "9.1");
    assert_eq!((recorded.version, recorded.metadata), (Version(4), metadata()));
}

#[test]
fn what_a_set_cannot_read_is_told_apart() {
    let record = |body: &str| {
        let elements = envelope::decode(body.as_bytes()).unwrap();
        elements[0].record::<LampEvent>("lamp", Position(1), 0).unwrap_err()
    };
    let newer = record(&two().replace(r#""schemaversion":2"#, r#""schemaversion":3"#));
    assert!(matches!(newer, Unreadable::Newer { version: 3, known: 2, .. }), "{newer}");
    let unknown = record(&two().replace("lamp.lamp-lit", "lamp.lamp-sold"));
    assert!(matches!(unknown, Unreadable::Unknown { .. }), "{unknown}");
    let shape = record(&two().replace("800", "\"much\""));
    assert!(matches!(shape, Unreadable::Shape { .. }), "{shape}");
    let other = record(
        &two().replace("headwater/lamp", "headwater/bulb").replace("lamp.lamp-lit", "bulb.lit"),
    );
    assert!(matches!(other, Unreadable::Unknown { .. }), "{other}");
}

#[test]
fn binary_data_is_kept_apart_and_reported_where_json_is_wanted() {
    let binary = r#""dataschema":"registry/7","data_base64":"AAEC""#;
    let body = two().replace(r#""data":{"lumens":800}"#, binary);
    let elements = envelope::decode(body.as_bytes()).unwrap();
    assert!(matches!(&elements[0].data, Data::Base64 { text, schema: Some(schema) }
        if text == "AAEC" && schema == "registry/7"));
    let error = elements[0].record::<LampEvent>("lamp", Position(1), 0).unwrap_err();
    assert!(error.to_string().contains("registry/7"), "{error}");
}

#[test]
fn null_is_data() {
    let body = two().replace(r#"{"lumens":800}"#, "null");
    let elements = envelope::decode(body.as_bytes()).unwrap();
    assert_eq!(elements[0].json("lamp-lit").unwrap(), "null");
}

#[test]
fn an_attribute_of_later_code_is_passed_over() {
    let body = two().replace(r#""hops":1"#, r#""hops":1,"partitionkey":"hall""#);
    assert_eq!(envelope::decode(body.as_bytes()).unwrap().len(), 2);
}

#[test]
fn a_commit_that_could_not_be_read_back_is_not_written() {
    let metadata = metadata();
    let encode = |events: &[NewEvent]| {
        envelope::encode(&key(), events.iter().map(|event| (event, &metadata))).unwrap_err()
    };
    assert!(matches!(encode(&[]), EncodeError::Empty));
    assert!(matches!(encode(&[lit(0)]), EncodeError::Gap { wanted: Version(1), .. }));
    let gap = encode(&[lit(1), lit(3)]);
    assert!(matches!(gap, EncodeError::Gap { wanted: Version(2), found: Version(3) }));
    let not_json = NewEvent { data: b"{".to_vec(), ..lit(1) };
    assert!(matches!(encode(&[not_json]), EncodeError::Data { .. }));
    let late = NewEvent { time: DateTime::<Utc>::MAX_UTC, ..lit(1) };
    assert!(matches!(encode(&[late]), EncodeError::Time { .. }));
}

#[test]
fn what_is_corrupt_names_the_event_and_the_attribute() {
    let cases = [
        ("", (None, None)),
        ("{}", (None, None)),
        ("[]", (None, None)),
        ("[7]", (Some(0), None)),
        ("[{}]", (Some(0), Some("specversion"))),
    ];
    for (body, place) in cases {
        assert_eq!(corrupt(body), place, "{body}");
    }
    let second = |from: &str, to: &str| {
        let (first, rest) =
            two().split_once("},{").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        corrupt(&format!("{first}}},{{{}", rest.replacen(from, to, 1)))
    };
    let cases = [
        ("1.0", "0.3", "specversion"),
        ("00000000-0000", "zzz", "id"),
        ("headwater/lamp", "elsewhere", "source"),
        ("lamp.lamp-lit", "lamp", "type"),
        ("hall", "a.b", "subject"),
        ("hall", "cellar", "subject"),
        ("2026-11-21T", "yesterday", "time"),
        (r#""schemaversion":2"#, r#""schemaversion":"2""#, "schemaversion"),
        (r#""schemaversion":2,"#, "", "schemaversion"),
        (r#""0000000004""#, r#""0000000005""#, "sequence"),
        (r#""0000000004""#, r#""-4""#, "sequence"),
        (r#""sequence":"0000000004""#, r#""sequence":4"#, "sequence"),
        ("0193-cafe", "", "commandid"),
        (r#""correlationid":"evening","#, "", "correlationid"),
        (r#""hops":1"#, r#""hops":256"#, "hops"),
        (r#""data":{"lumens":800}"#, r#""other":1"#, "data"),
        (r#""data":"#, r#""data_base64":"","data":"#, "data_base64"),
    ];
    for (from, to, field) in cases {
        assert_eq!(second(from, to), (Some(1), Some(field)), "{from} -> {to}");
    }
}

fn corrupt(body: &str) -> (Option<usize>, Option<&'static str>) {
    let Corrupt { element, field, .. } = envelope::decode(body.as_bytes()).unwrap_err();
    (element, field)
}

prop_compose! {
    fn any_metadata()(
        command_id in "[A-Za-z0-9_=-]{1,128}",
        texts in proptest::collection::vec(any::<String>(), 2),
        others in proptest::collection::vec(any::<Option<String>>(), 5),
        hops: u8,
    ) -> Metadata {
        Metadata {
            command_id: command_id.parse().unwrap(),
            command_hash: texts[0].clone(),
            correlation_id: texts[1].clone(),
            causation_id: others[0].clone(),
            user_id: others[1].clone(),
            session_id: others[2].clone(),
            request_id: others[3].clone(),
            hops,
            traceparent: others[4].clone(),
        }
    }
}

/// JSON with everything that needs escaping somewhere in it.
fn any_data() -> impl Strategy<Value = Vec<u8>> {
    any::<(String, i64, Option<bool>)>().prop_map(|value| serde_json::to_vec(&value).unwrap())
}

prop_compose! {
    fn any_event()(
        id: u128,
        micros in 0..253_402_300_799_999_999_i64,
        data in any_data(),
    ) -> NewEvent {
        NewEvent {
            id: EventId::from_u128(id),
            time: DateTime::from_timestamp_micros(micros).unwrap(),
            data,
            ..lit(1)
        }
    }
}

fn same(element: &Element<'_>, event: &NewEvent, metadata: &Metadata) -> bool {
    (element.id, element.time, element.version) == (event.id, event.time, event.version)
        && element.kind == "lamp.lamp-lit"
        && element.schema_version == 2
        && element.aggregate_id == key().id
        && element.metadata == *metadata
        && element.json("lamp-lit").unwrap().as_bytes() == event.data
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        first in 1..u64::from(u32::MAX),
        commit in proptest::collection::vec((any_event(), any_metadata()), 1..5),
    ) {
        let mut commit = commit;
        for (version, (event, _)) in (first..).zip(&mut commit) {
            event.version = Version(version);
        }
        let body = envelope::encode(&key(), commit.iter().map(|(e, m)| (e, m))).unwrap();
        let elements = envelope::decode(&body).unwrap();
        prop_assert_eq!(elements.len(), commit.len());
        for (element, (event, metadata)) in elements.iter().zip(&commit) {
            prop_assert!(same(element, event, metadata), "{:?}\n{:?}", element, event);
        }
    }

    #[test]
    fn no_bytes_bring_the_reader_down(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = envelope::decode(&bytes);
    }

    #[test]
    fn no_damage_to_a_commit_brings_the_reader_down(
        damage in proptest::collection::vec((0..4096_usize, any::<u8>()), 1..8),
        cut in 0..4096_usize,
    ) {
        let mut body = two().into_bytes();
        for (place, byte) in damage {
            let place = place % body.len();
            body[place] = byte;
        }
        body.truncate(cut.max(1));
        if let Ok(elements) = envelope::decode(&body) {
            for (index, element) in elements.iter().enumerate() {
                let _ = element.record::<LampEvent>("lamp", Position(1), index);
            }
        }
    }
}
