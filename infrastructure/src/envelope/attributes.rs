//! The attributes of one event as they stand in the JSON, and what is wrong where they do not.

use std::{borrow::Cow, collections::HashMap, fmt};

use chrono::{DateTime, Utc};
use kit::{Metadata, Version};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::decode::{Corrupt, Data, Element};

/// One element as it stands in the JSON.
#[derive(Deserialize)]
pub(super) struct Wire<'a> {
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
    sealed: Option<String>,
    erased: Option<String>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
}

/// `"data": null` is data; only a missing attribute is none.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

/// An attribute and what is wrong with it.
pub(super) type Wrong = (&'static str, String);

fn wrong(field: &'static str) -> impl FnOnce(&dyn fmt::Display) -> Wrong {
    move |problem| (field, problem.to_string())
}

impl<'a> Wire<'a> {
    pub(super) fn checked(self) -> Result<Element<'a>, Wrong> {
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
            sealed: self.sealed,
            erased: self.erased,
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
const ATTRIBUTES: [(&str, bool, Fits); 21] = [
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
    ("sealed", false, fits::<Option<String>>),
    ("erased", false, fits::<Option<String>>),
    ("data_base64", false, fits::<Option<String>>),
];

fn fits<T: DeserializeOwned>(json: &str) -> bool {
    serde_json::from_str::<T>(json).is_ok()
}

/// Finds the element and the attribute at fault, once the fast way has failed.
pub(super) fn explain(body: &[u8], error: &serde_json::Error) -> Corrupt {
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
