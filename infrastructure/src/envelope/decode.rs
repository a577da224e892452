//! Reading a commit: total, whatever the bytes are.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use kit::{AggregateId, EventId, EventSet, Metadata, Position, Recorded, Unreadable, Version};
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::attributes::{Wire, explain};
use crate::store::{Commit, StreamKey};

/// What is wrong with bytes that are not a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Corrupt {
    /// Which element of the array, from 0; none if the whole is not an array of objects.
    pub element: Option<usize>,
    /// Which attribute, if it can be told.
    pub field: Option<&'static str>,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.element, self.field) {
            (Some(element), Some(field)) => write!(f, "event {element}, `{field}`: ")?,
            (Some(element), None) => write!(f, "event {element}: ")?,
            _ => f.write_str("not a commit: ")?,
        }
        f.write_str(&self.problem)
    }
}

/// The payload of an element as it is stored.
#[derive(Debug, Clone)]
pub enum Data<'a> {
    /// `data`: JSON.
    Json(&'a RawValue),
    /// `data_base64`: binary, in a form that `schema` (the `dataschema` attribute) names.
    Base64 {
        /// The text, still encoded.
        text: Cow<'a, str>,
        /// The registry entry of its schema.
        schema: Option<Cow<'a, str>>,
    },
}

/// Borrowed view of one stored event; its payload is still raw.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    /// The event's own id.
    pub id: EventId,
    /// The full type, `<aggregate>.<kind>`.
    pub kind: Cow<'a, str>,
    /// Which aggregate.
    pub aggregate_id: AggregateId,
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// The version of the payload's shape.
    pub schema_version: u32,
    /// Where it stands in its aggregate.
    pub version: Version,
    /// Who, why, and in which conversation.
    pub metadata: Metadata,
    /// The names of what is sealed in it: whoever is to read it must open it first.
    pub sealed: Option<String>,
    /// The names of what was sealed in it and is gone.
    pub erased: Option<String>,
    /// The payload.
    pub data: Data<'a>,
}

impl Element<'_> {
    /// The type of the aggregate, the first part of [`Self::kind`].
    #[must_use]
    pub fn aggregate(&self) -> &str {
        self.kind.split_once('.').map_or(&*self.kind, |(aggregate, _)| aggregate)
    }

    /// The event with its payload read into the current shape.
    ///
    /// # Errors
    /// [`Unreadable`], if `E` has no such event, version, shape or data format.
    pub fn record<E: EventSet>(
        &self,
        aggregate: &str,
        position: Position,
        index: usize,
    ) -> Result<Recorded<E>, Unreadable> {
        let prefixed = self.kind.strip_prefix(aggregate).and_then(|rest| rest.strip_prefix('.'));
        let kind = prefixed.ok_or_else(|| Unreadable::Unknown {
            aggregate: aggregate.to_owned(),
            kind: self.kind.clone().into_owned(),
        })?;
        let event = E::read(aggregate, kind, self.schema_version, self.json(kind)?.as_bytes())?;
        Ok(Recorded {
            id: self.id,
            aggregate: aggregate.to_owned(),
            aggregate_id: self.aggregate_id.clone(),
            version: self.version,
            position,
            index,
            time: self.time,
            metadata: self.metadata.clone(),
            event,
        })
    }

    /// The payload's JSON.
    ///
    /// # Errors
    /// [`Unreadable::Shape`], if the payload is binary; [`Unreadable::Sealed`], if it is not opened.
    pub fn json(&self, kind: &str) -> Result<&str, Unreadable> {
        if self.sealed.is_some() {
            let version = self.schema_version;
            return Err(Unreadable::Sealed { kind: kind.to_owned(), version });
        }
        match &self.data {
            Data::Json(raw) => Ok(raw.get()),
            Data::Base64 { schema, .. } => Err(Unreadable::Shape {
                kind: kind.to_owned(),
                version: self.schema_version,
                source: serde_json::Error::custom(format_args!(
                    "binary data with the schema {:?} where JSON is wanted",
                    schema.as_deref().unwrap_or("(none)")
                ))
                .into(),
            }),
        }
    }
}

/// Reads one commit: its events in order, of one aggregate, with dense versions.
///
/// # Errors
/// [`Corrupt`], for any bytes that [`encode`](super::encode) would not have written, except that
/// attributes unknown here are passed over.
pub fn decode(body: &[u8]) -> Result<Vec<Element<'_>>, Corrupt> {
    let wires: Vec<Wire<'_>> =
        serde_json::from_slice(body).map_err(|error| explain(body, &error))?;
    let mut elements: Vec<Element<'_>> = Vec::with_capacity(wires.len());
    for (index, wire) in wires.into_iter().enumerate() {
        let at = |(field, problem)| Corrupt { element: Some(index), field: Some(field), problem };
        let element = wire.checked().map_err(at)?;
        if let Some(previous) = elements.last() {
            if element.version != previous.version.next() {
                let problem = format!("{} after {}", element.version, previous.version);
                return Err(at(("sequence", problem)));
            }
            if element.aggregate_id != previous.aggregate_id {
                return Err(at(("subject", "another aggregate in the same commit".to_owned())));
            }
        }
        elements.push(element);
    }
    if elements.is_empty() {
        return Err(Corrupt { element: None, field: None, problem: "no events".to_owned() });
    }
    Ok(elements)
}

/// A stored commit of a history that cannot be read, with the place where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the commit at {position} of {key}: {corrupt}")]
pub struct CorruptCommit {
    /// Whose history.
    pub key: StreamKey,
    /// Where it stands.
    pub position: Position,
    /// What is wrong with it.
    pub corrupt: Corrupt,
}

/// [`decode`] for a commit of the history of `key`: its events must also be of that aggregate.
///
/// # Errors
/// [`CorruptCommit`], with the position that an operator needs to look at it.
pub fn decode_commit<'a>(
    key: &StreamKey,
    commit: &'a Commit,
) -> Result<Vec<Element<'a>>, CorruptCommit> {
    let at = |corrupt| CorruptCommit { key: key.clone(), position: commit.position, corrupt };
    let elements = decode(&commit.body).map_err(at)?;
    for (index, element) in elements.iter().enumerate() {
        let of = |field, problem: String| {
            Err(at(Corrupt { element: Some(index), field: Some(field), problem }))
        };
        if element.aggregate_id != key.id {
            return of("subject", format!("{} is another aggregate", element.aggregate_id));
        }
        if element.aggregate() != &*key.aggregate {
            return of("type", format!("{} is of another aggregate type", element.kind));
        }
    }
    Ok(elements)
}
