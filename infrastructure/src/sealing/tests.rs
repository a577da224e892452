//! What is sealed opens where it was sealed, under its key, and nowhere else.

use std::sync::Arc;

use bytes::Bytes;
use kit::{EventId, Metadata, Version, Written, scenario};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    DataKey, Hold, MasterKeys, SealError, Sealing,
    commit::{BadSeal, is_sealed, open},
    data_key::Unopened,
    seal,
};
use crate::{
    envelope::{Draft, decode, encode_drafts},
    receipts::CommandHash,
    store::StreamKey,
};

const ID: EventId = EventId::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);

fn key(id: &str) -> StreamKey {
    StreamKey { aggregate: "guest".into(), id: id.parse().unwrap() }
}

fn data_key() -> Hold {
    Hold::Key(Arc::new(DataKey::generate().unwrap().0))
}

fn metadata() -> Metadata {
    Metadata {
        command_id: scenario::id("command").as_str().parse().unwrap(),
        command_hash: CommandHash::of("come", b"{}").to_hex(),
        correlation_id: "command".to_owned(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    }
}

fn written(data: &Value, personal: &[&str]) -> Written {
    let personal = personal.iter().map(|field| (*field).to_owned()).collect();
    Written { data: data.to_string().into_bytes(), personal }
}

/// A commit of one event of `key`, sealed under `hold`.
fn commit(hold: &Hold, key: &StreamKey, written: &Written) -> Result<Bytes, SealError> {
    let sealing = seal(hold, key, (ID, "guest-came"), written, &metadata())?;
    let Sealing { data, sealed, metadata } = &sealing;
    let draft = Draft {
        id: ID,
        kind: "guest-came",
        schema_version: 1,
        version: Version(1),
        time: scenario::noon(),
        data,
        sealed: sealed.as_deref(),
        metadata,
    };
    Ok(encode_drafts(key, [draft]).unwrap())
}

fn guest() -> Written {
    written(&json!({"name": "Ada", "room": 7, "said": {"a": [1.50, null]}}), &["name", "said"])
}

#[test]
fn a_sealed_commit_is_on_the_wire_as_it_always_was_but_for_what_is_sealed() {
    let body = commit(&data_key(), &key("ada"), &guest()).unwrap();
    assert!(is_sealed(&body) && decode(&body).is_ok());
    let mut shown: Value = serde_json::from_slice(&body).unwrap();
    for place in ["/0/commandhash", "/0/data/name", "/0/data/said"] {
        let sealed = shown.pointer_mut(place).unwrap();
        let (id, text) = sealed.as_str().unwrap().split_once('.').unwrap();
        *sealed = format!("[{} digits].[{} characters]", id.len(), text.len()).into();
    }
    insta::assert_json_snapshot!(shown);
}

#[test]
fn nothing_of_it_can_be_read_without_being_opened() {
    let body = commit(&data_key(), &key("ada"), &guest()).unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        !text.contains("Ada") && !text.contains("1.50") && !text.contains(&metadata().command_hash)
    );
    let elements = decode(&body).unwrap();
    let read = elements[0].json("guest-came");
    assert!(matches!(read, Err(kit::Unreadable::Sealed { .. })), "{read:?}");
}

#[test]
fn it_opens_to_what_was_written_byte_for_byte() {
    let (hold, guest) = (data_key(), guest());
    let body = commit(&hold, &key("ada"), &guest).unwrap();
    let opened = open(&body, &hold, ("guest", "ada")).unwrap();
    let elements = decode(&opened).unwrap();
    assert_eq!(elements[0].json("guest-came").unwrap().as_bytes(), guest.data);
    assert_eq!(elements[0].metadata, metadata());
    assert_eq!((&elements[0].sealed, &elements[0].erased), (&None, &None));
    assert!(!is_sealed(&opened));
}

#[test]
fn once_the_key_is_destroyed_it_opens_to_nothing() {
    let body = commit(&data_key(), &key("ada"), &guest()).unwrap();
    let opened = open(&body, &Hold::Destroyed, ("guest", "ada")).unwrap();
    let elements = decode(&opened).unwrap();
    let data: Value = serde_json::from_str(elements[0].json("guest-came").unwrap()).unwrap();
    assert_eq!(data, json!({"name": null, "room": 7, "said": null}));
    assert_eq!(elements[0].erased.as_deref(), Some("commandhash data.name data.said"));
    assert_eq!(elements[0].metadata.command_hash, "");
}

#[test]
fn nothing_personal_is_written_once_the_key_is_destroyed() {
    let refused = commit(&Hold::Destroyed, &key("ada"), &guest());
    assert!(matches!(refused, Err(SealError::Erased(_))), "{refused:?}");
    let plain = written(&json!({"room": 7}), &[]);
    let body = commit(&Hold::Destroyed, &key("ada"), &plain).unwrap();
    assert!(!is_sealed(&body));
    assert_eq!(decode(&body).unwrap()[0].metadata.command_hash, "");
}

#[test]
fn it_opens_nowhere_else() {
    let (hold, other) = (data_key(), data_key());
    let body = commit(&hold, &key("ada"), &guest()).unwrap();
    let altered = |from: &str, to: &str| {
        let text = str::from_utf8(&body).unwrap();
        assert!(text.contains(from), "{text}");
        open(text.replacen(from, to, 1).as_bytes(), &hold, ("guest", "ada"))
    };
    let bad = Err(BadSeal::Value(0, Unopened::Altered));
    assert_eq!(open(&body, &hold, ("guest", "bob")), bad, "another aggregate");
    assert_eq!(open(&body, &hold, ("host", "ada")), bad, "another type of aggregate");
    assert_eq!(altered("guest-came", "guest-left"), bad, "another type of event");
    assert_eq!(altered("8000-000000000001", "8000-000000000002"), bad, "another event");
    let mut swapped: Value = serde_json::from_slice(&body).unwrap();
    let data = &mut swapped[0]["data"];
    let (name, said) = (data["name"].clone(), data["said"].clone());
    (data["name"], data["said"]) = (said, name);
    assert_eq!(open(swapped.to_string().as_bytes(), &hold, ("guest", "ada")), bad, "another field");
    let foreign = open(&body, &other, ("guest", "ada"));
    assert!(matches!(foreign, Err(BadSeal::Value(0, Unopened::OtherKey { .. }))), "{foreign:?}");
}

#[test]
fn what_somebody_wrote_as_if_it_were_sealed_is_not() {
    let body =
        commit(&Hold::Destroyed, &key("ada"), &written(&json!({"sealed": "data.name"}), &[]));
    assert!(!is_sealed(&body.unwrap()));
}

#[test]
fn a_wrapped_key_unwraps_under_its_master_key_for_its_aggregate_alone() {
    let (old, new) = (MasterKeys::new(&[1; 32], &[]), MasterKeys::new(&[2; 32], &[[1; 32]]));
    let wrapped = old.wrap(&[9; 32], &key("ada"), "name").unwrap();
    let unwrap = |masters: &MasterKeys, id: &str, name: &str| {
        masters.unwrap(&wrapped, old.newest(), &key(id), name).map(|bytes| *bytes)
    };
    assert_eq!(unwrap(&old, "ada", "name"), Some([9; 32]));
    assert_eq!(unwrap(&new, "ada", "name"), Some([9; 32]), "after a rotation");
    assert_eq!(unwrap(&old, "bob", "name"), None);
    assert_eq!(unwrap(&old, "ada", "other"), None);
    assert_eq!(unwrap(&MasterKeys::new(&[2; 32], &[]), "ada", "name"), None);
    assert_ne!(old.newest(), new.newest());
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_to_itself_and_no_byte_of_it_may_change(
        plain in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(),
    ) {
        let (data_key, _) = DataKey::generate().unwrap();
        let place = super::Place { aggregate: "a", id: "b", holder: "c", kind: "d", field: "e" };
        let sealed = data_key.seal(&plain, &place).unwrap();
        let opened = data_key.open(&sealed, &place).unwrap();
        prop_assert_eq!(&*opened, &plain);
        let mut bytes = sealed.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        prop_assert!(data_key.open(str::from_utf8(&bytes).unwrap(), &place).is_err());
    }

    #[test]
    fn bytes_that_are_no_commit_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        is_sealed(&bytes);
        drop(open(&bytes, &Hold::Destroyed, ("guest", "ada")));
        drop(open(&bytes, &data_key(), ("guest", "ada")));
    }
}
