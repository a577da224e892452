//! A commit's bytes with what is sealed in them opened, or gone. Members stay in their order, and
//! everything that is not sealed stays as it was written.
//! Not here: finding the key.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use memchr::memmem;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap as _,
};
use serde_json::value::RawValue;

use super::{
    data_key::{Place, Unopened},
    keys::Hold,
};

/// The attribute that names what is sealed, parted by blanks: `commandhash`, and `data.<field>`.
const SEALED: &str = "sealed";
/// The same of an event whose key is destroyed, as its readers see it.
const ERASED: &str = "erased";
pub(super) const COMMAND_HASH: &str = "commandhash";
/// What names of fields of the data begin with.
pub(super) const DATA: &str = "data.";

/// The members of a JSON object, in their order.
pub(super) struct Members<'a>(pub(super) Vec<(String, Cow<'a, RawValue>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    members.push((name, Cow::Borrowed(value)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, &**value)?;
        }
        map.end()
    }
}

impl Members<'_> {
    /// The text of the member `name`.
    fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(member, _)| member == name)?;
        serde_json::from_str(value.get()).ok()
    }
}

/// Whether anything in `body` is sealed. Whoever has nothing sealed pays for one look at the bytes.
pub(crate) fn is_sealed(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Marked {
        #[serde(default)]
        sealed: Option<serde::de::IgnoredAny>,
    }
    // Data may have a field of that name.
    memmem::find(body, br#""sealed":""#).is_some()
        && serde_json::from_slice::<Vec<Marked>>(body)
            .is_ok_and(|events| events.iter().any(|event| event.sealed.is_some()))
}

/// Why a commit does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadSeal {
    #[error("event {0} of the commit: {1}")]
    Value(usize, Unopened),
    #[error("the commit cannot be read: {0}")]
    Unreadable(String),
}

impl From<serde_json::Error> for BadSeal {
    fn from(error: serde_json::Error) -> Self {
        // Its words would quote what stands there.
        Self::Unreadable(format!("column {}", error.column()))
    }
}

/// `body` of the aggregate `id` of the type `aggregate`, opened.
pub(super) fn open(
    body: &[u8],
    hold: &Hold,
    (aggregate, id): (&str, &str),
) -> Result<Bytes, BadSeal> {
    let mut events: Vec<Members<'_>> = serde_json::from_slice(body)?;
    for (index, event) in events.iter_mut().enumerate() {
        let Some(names) = event.text(SEALED) else { continue };
        let (holder, kind) = (event.text("id"), event.text("type"));
        let (holder, kind) = (holder.unwrap_or_default(), kind.unwrap_or_default());
        let open = |field: &str, sealed: &RawValue| {
            let Hold::Key(key) = hold else { return Ok(None) };
            let place = Place { aggregate, id, holder: &holder, kind: &kind, field };
            let sealed: String =
                serde_json::from_str(sealed.get()).map_err(|_| Unopened::Altered)?;
            key.open(&sealed, &place).map(Some)
        };
        let bad = |unopened| BadSeal::Value(index, unopened);
        for (name, value) in &mut event.0 {
            match name.as_str() {
                SEALED => match hold {
                    Hold::Key(_) => name.clear(),
                    Hold::Destroyed => ERASED.clone_into(name),
                },
                COMMAND_HASH if names.split(' ').any(|it| it == COMMAND_HASH) => {
                    let plain = open(COMMAND_HASH, value).map_err(bad)?;
                    let plain = plain.as_deref().map(|it| String::from_utf8_lossy(it).into_owned());
                    let hash = serde_json::value::to_raw_value(&plain.unwrap_or_default())?;
                    *value = Cow::Owned(hash);
                }
                "data" => {
                    *value = Cow::Owned(opened(value, &names, |f, v| open(f, v).map_err(bad))?)
                }
                _ => {}
            }
        }
        event.0.retain(|(name, _)| !name.is_empty());
    }
    Ok(serde_json::to_vec(&events)?.into())
}

/// What is shown in the place of a sealed value.
const MARK: &str = "\"[sealed]\"";

/// `data` for people: with a mark in the place of whatever `names` says is sealed.
pub(crate) fn marked(data: &RawValue, names: &str) -> Option<Box<RawValue>> {
    opened(data, names, |_, _| Ok(Some(MARK.as_bytes()))).ok()
}

/// `data` with those of its fields that `names` has opened, or `null`.
fn opened<P: AsRef<[u8]>>(
    data: &RawValue,
    names: &str,
    mut open: impl FnMut(&str, &RawValue) -> Result<Option<P>, BadSeal>,
) -> Result<Box<RawValue>, BadSeal> {
    let mut members: Members<'_> = match serde_json::from_str(data.get()) {
        Ok(members) => members,
        // Data that are no object have nothing sealed.
        Err(_) => return Ok(data.to_owned()),
    };
    for (name, value) in &mut members.0 {
        let field = format!("{DATA}{name}");
        if !names.split(' ').any(|it| it == field) {
            continue;
        }
        let plain = open(&field, value)?;
        let text = plain.as_ref().map_or(Ok("null"), |plain| str::from_utf8(plain.as_ref()));
        let text = text.map_err(|_| BadSeal::Unreadable("what is sealed is no text".to_owned()))?;
        *value = Cow::Owned(RawValue::from_string(text.to_owned())?);
    }
    Ok(serde_json::value::to_raw_value(&members)?)
}
