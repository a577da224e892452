//! `Idempotency-Key` and the command id that it stands for.
//!
//! A key is whatever a client likes; an id is 1 to 128 characters of a kind. So the id is a digest of
//! the caller, the aggregate and the key, in the form of a UUID: two callers' keys never meet, and a
//! key that was used for one aggregate is another one for the next. A key that is a UUIDv7 keeps its
//! time in the id, which saves the service a search (see the kit's `CommandId`).

use hyper::HeaderMap;
use infrastructure::problem::Problem;
use kit::{AggregateId, CommandId};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::headers;

/// One request's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    bytes: Vec<u8>,
    /// Made here, because the client sent none.
    made: bool,
}

impl Key {
    /// The client's key, or a new one that it is told.
    pub(super) fn read(map: &HeaderMap) -> Result<Self, Problem> {
        let given = headers::single(map, super::IDEMPOTENCY_KEY.as_str())?;
        Ok(match given {
            Some(value) => Self { bytes: unquoted(value.as_bytes()).to_vec(), made: false },
            None => Self { bytes: Uuid::now_v7().to_string().into_bytes(), made: true },
        })
    }

    /// The id of the command that `caller` sends to an aggregate with this key.
    pub(super) fn command_id(&self, caller: &str, aggregate: &str, id: &AggregateId) -> CommandId {
        let mut digest = Sha256::new();
        // Part of the wire: a repeat must come to the same id for ever.
        digest.update(b"headwater idempotency key 1");
        for part in [caller.as_bytes(), aggregate.as_bytes(), id.as_str().as_bytes(), &self.bytes] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest: [u8; 32] = digest.finalize().into();
        let mut head = [0; 16];
        head.copy_from_slice(&digest[..16]);
        match self.made_at() {
            Some(millis) => {
                let mut tail = [0; 10];
                tail.copy_from_slice(&digest[..10]);
                Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().into()
            }
            None => Builder::from_custom_bytes(head).into_uuid().into(),
        }
    }

    /// The time inside a key that is a UUIDv7, in milliseconds.
    fn made_at(&self) -> Option<u64> {
        let id = Uuid::try_parse_ascii(&self.bytes).ok().filter(|id| id.get_version_num() == 7)?;
        let (seconds, nanos) = id.get_timestamp()?.to_unix();
        Some(seconds * 1000 + u64::from(nanos / 1_000_000))
    }

    /// The key, if the client does not know it yet.
    pub(super) fn made(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().filter(|_| self.made)
    }

    /// The same problem in the words of HTTP, where commands are repeated by key.
    pub(super) fn explain(&self, problem: Problem) -> Problem {
        if problem.code != "outcome-unknown" {
            return problem;
        }
        let key = self.made().map_or(String::new(), |key| format!(", {key}"));
        // The id that a caller over NATS would repeat is not for this one.
        let why = problem.detail.rsplit_once("; repeat").map_or(&*problem.detail, |(why, _)| why);
        let detail = format!("{why}; repeat it with the same Idempotency-Key{key}");
        Problem { detail, ..problem }
    }
}

/// The header's draft writes a key in quotes; most clients do not.
fn unquoted(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'"', inner @ .., b'"'] if !inner.is_empty() => inner,
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn id(caller: &str, aggregate: &str, of: &str, key: &[u8]) -> CommandId {
        let mut map = HeaderMap::new();
        map.insert(super::super::IDEMPOTENCY_KEY, HeaderValue::from_bytes(key).unwrap());
        Key::read(&map).unwrap().command_id(caller, aggregate, &of.parse().unwrap())
    }

    #[test]
    fn a_key_stands_for_one_id_per_caller_and_aggregate_for_ever() {
        let first = id("shop", "person", "ada", b"order 7");
        assert_eq!(first.as_str(), "35426d40-094c-8397-a686-0e79a72cd528");
        assert_eq!(first, id("shop", "person", "ada", b"\"order 7\""));
        let others = [
            id("shop2", "person", "ada", b"order 7"),
            id("sho", "pperson", "ada", b"order 7"),
            id("shop", "design", "ada", b"order 7"),
            id("shop", "person", "eve", b"order 7"),
            id("shop", "person", "ada", b"order 8"),
        ];
        assert!(others.iter().all(|other| *other != first));
        assert!(!first.is_derived(), "it is no handler's");
    }

    #[test]
    fn an_unknown_outcome_keeps_its_reason_and_is_repeated_by_key() {
        let key = Key { bytes: b"k".to_vec(), made: true };
        for said in ["no room; repeat it with the same command id, 7", "no room"] {
            let told = key.explain(Problem::outcome_unknown(said));
            assert_eq!(told.detail, "no room; repeat it with the same Idempotency-Key, k");
        }
        let other = Problem::busy("no room; repeat");
        assert_eq!(key.explain(other.clone()), other);
    }

    #[test]
    fn any_bytes_of_any_length_are_a_key() {
        for key in [&b"\xff\xfe"[..], &[b'x'; 5000], "schlüssel".as_bytes(), b"a.b>*", b"\""] {
            assert_eq!(id("", "person", "ada", key).as_str().len(), 36);
        }
    }

    #[test]
    fn a_key_that_knows_when_it_was_made_gives_that_on() {
        let key = Uuid::now_v7();
        let made = CommandId::from(key).made_at();
        let id = id("shop", "person", "ada", key.to_string().as_bytes());
        assert_eq!(id.made_at(), made);
        assert_ne!(id, key.into());
    }
}
