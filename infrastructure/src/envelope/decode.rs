//! Reading a commit: total, whatever the bytes are.

use std::{borrow::Cow, collections::HashMap, fmt};

use chrono::{DateTime, Utc};
use kit::{AggregateId, EventId, EventSet, Metadata, Position, Recorded, Unreadable, Version};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

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
    /// The payload.
    pub data: Data<'a>,
}

impl Element<'_> {
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
    /// [`Unreadable::Shape`], if the payload is binary.
    pub fn json(&self, kind: &str) -> Result<&str, Unreadable> {
        match &self.data {
            Data::Json(raw) => Ok(raw.get()),
            Data::Base64 { schema, .. } => Err(Unreadable::Shape {
                kind: kind.to_owned(),
                version: self.schema_version,
                source: serde_json::Error::custom(format_args!(
                    "binary data with the schema {:?} where JSON is wanted",
                    schema.as_deref().unwrap_or("(none)")
                )),
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

/// One element as it stands in the JSON.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    schemaversion: u32,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
    #[serde(borrow)]
    commandid: Cow<'a, str>,
    commandhash: String,
    correlationid: String,
    causationid: Option<String>,
    userid: Option<String>,
    sessionid: Option<String>,
    requestid: Option<String>,
    #[serde(default)]
    hops: u8,
    traceparent: Option<String>,
    dataschema: Option<String>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
}

/// `"data": null` is data; only a missing attribute is none.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

type Wrong = (&'static str, String);

fn wrong(field: &'static str) -> impl FnOnce(&dyn fmt::Display) -> Wrong {
    move |problem| (field, problem.to_string())
}

impl<'a> Wire<'a> {
    fn checked(self) -> Result<Element<'a>, Wrong> {
        if self.specversion != "1.0" {
            return Err(("specversion", format!("{:?} where \"1.0\" is read", self.specversion)));
        }
        let aggregate = self.kind.split_once('.').map(|(aggregate, _)| aggregate);
        let aggregate = aggregate.ok_or_else(|| wrong("type")(&"no `<aggregate>.<kind>`"))?;
        if self.source.strip_prefix("headwater/") != Some(aggregate) {
            return Err(("source", format!("not `headwater/{aggregate}`")));
        }
        Ok(Element {
            id: self.id.parse().map_err(|error| wrong("id")(&error))?,
            aggregate_id: self.subject.parse().map_err(|error| wrong("subject")(&error))?,
            time: DateTime::parse_from_rfc3339(&self.time)
                .map_err(|error| wrong("time")(&error))?
                .with_timezone(&Utc),
            schema_version: self.schemaversion,
            version: version(&self.sequence).ok_or_else(|| wrong("sequence")(&"not a count"))?,
            metadata: Metadata {
                command_id: self.commandid.parse().map_err(|error| wrong("commandid")(&error))?,
                command_hash: self.commandhash,
                correlation_id: self.correlationid,
                causation_id: self.causationid,
                user_id: self.userid,
                session_id: self.sessionid,
                request_id: self.requestid,
                hops: self.hops,
                traceparent: self.traceparent,
            },
            data: match (self.data, self.data_base64) {
                (Some(raw), None) => Data::Json(raw),
                (None, Some(text)) => {
                    Data::Base64 { text: text.into(), schema: self.dataschema.map(Into::into) }
                }
                (Some(_), Some(_)) => return Err(wrong("data_base64")(&"`data` stands beside it")),
                (None, None) => return Err(wrong("data")(&"missing")),
            },
            kind: self.kind,
        })
    }
}

fn version(sequence: &str) -> Option<Version> {
    let digits = sequence.bytes().all(|byte| byte.is_ascii_digit());
    let count = sequence.parse().ok().filter(|count| digits && *count > 0)?;
    Some(Version(count))
}

type Fits = fn(&str) -> bool;

/// The attributes that are read: name, whether it must be there, whether a value has its type.
const ATTRIBUTES: [(&str, bool, Fits); 19] = [
    ("specversion", true, fits::<String>),
    ("id", true, fits::<String>),
    ("source", true, fits::<String>),
    ("type", true, fits::<String>),
    ("subject", true, fits::<String>),
    ("time", true, fits::<String>),
    ("schemaversion", true, fits::<u32>),
    ("sequence", true, fits::<String>),
    ("commandid", true, fits::<String>),
    ("commandhash", true, fits::<String>),
    ("correlationid", true, fits::<String>),
    ("causationid", false, fits::<Option<String>>),
    ("userid", false, fits::<Option<String>>),
    ("sessionid", false, fits::<Option<String>>),
    ("requestid", false, fits::<Option<String>>),
    ("hops", false, fits::<u8>),
    ("traceparent", false, fits::<Option<String>>),
    ("dataschema", false, fits::<Option<String>>),
    ("data_base64", false, fits::<Option<String>>),
];

fn fits<T: DeserializeOwned>(json: &str) -> bool {
    serde_json::from_str::<T>(json).is_ok()
}

/// Finds the element and the attribute at fault, once the fast way has failed.
fn explain(body: &[u8], error: &serde_json::Error) -> Corrupt {
    let whole = Corrupt { element: None, field: None, problem: error.to_string() };
    let Ok(raws) = serde_json::from_slice::<Vec<&RawValue>>(body) else { return whole };
    let read = |raw: &RawValue| serde_json::from_str::<Wire<'_>>(raw.get()).err();
    let fault = raws.iter().enumerate().find_map(|(index, raw)| Some((index, *raw, read(raw)?)));
    fault.map_or(whole, |(index, raw, error)| Corrupt {
        element: Some(index),
        field: culprit(raw.get()),
        problem: error.to_string(),
    })
}

fn culprit(element: &str) -> Option<&'static str> {
    let found: HashMap<String, &RawValue> = serde_json::from_str(element).ok()?;
    let bad = ATTRIBUTES.iter().find(|(name, required, fits)| {
        found.get(*name).map_or(*required, |value| !fits(value.get()))
    });
    bad.map(|(name, ..)| *name)
}
