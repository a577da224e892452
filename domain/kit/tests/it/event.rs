//! Events read in every version, and say what is wrong when they do not.

use kit::{Event, EventSet, Unreadable};

use crate::lamp::{LampEvent, examples, lit};

fn read(kind: &str, version: u32, data: &str) -> Result<LampEvent, Unreadable> {
    LampEvent::read("lamp", kind, version, data.as_bytes())
}

#[test]
fn every_version_is_read_into_the_current_shape() {
    assert_eq!(read("lit", 1, r#"{"bright":true}"#).unwrap(), lit(800));
    assert_eq!(read("lit", 2, r#"{"lumens":7}"#).unwrap(), lit(7));
    assert_eq!(read("lit", 3, r#"{"lumens":7,"colour":"white"}"#).unwrap(), lit(7));
}

#[test]
fn a_version_from_the_future_or_from_nowhere_is_not_guessed() {
    for version in [0, 4, u32::MAX] {
        let error = read("lit", version, r#"{"lumens":7,"colour":"white"}"#).unwrap_err();
        assert!(matches!(error, Unreadable::Newer { known: 3, .. }), "{error}");
    }
}

#[test]
fn the_shape_of_another_version_is_refused_with_the_place() {
    let error = read("lit", 1, r#"{"lumens":7}"#).unwrap_err();
    assert!(matches!(error, Unreadable::Shape { version: 1, .. }), "{error}");
    assert!(error.to_string().contains("/lumens is no field here"), "{error}");
    for data in ["", "7", "nonsense", "\u{0}"] {
        assert!(matches!(read("put-out", 1, data), Err(Unreadable::Shape { .. })), "{data:?}");
    }
}

#[test]
fn what_is_not_of_this_aggregate_is_unknown() {
    let error = read("sold", 1, "{}").unwrap_err();
    assert_eq!(error.to_string(), "lamp.sold is not an event of this service");
    let error = LampEvent::read("torch", "lit", 3, b"{}").unwrap_err();
    assert!(matches!(error, Unreadable::Unknown { .. }), "{error}");
}

#[test]
fn what_is_written_is_read_back() {
    for event in examples() {
        let kind = event.kind();
        let data = String::from_utf8(event.data().unwrap()).unwrap();
        assert_eq!(read(kind.name, kind.version, &data).unwrap(), event);
    }
}
