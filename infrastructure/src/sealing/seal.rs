//! One event on its way into a commit: what is personal in it is sealed, and the hash of its command
//! with it, which would tell whoever guesses what the command said.
//! Not here: the key.

use std::borrow::Cow;

use super::{
    commit::{COMMAND_HASH, DATA, Members},
    data_key::{NoRandom, Place},
    keys::Hold,
};
use crate::store::StreamKey;
use kit::{EventId, Metadata, Written};

/// Why an event cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The key is destroyed: nothing personal is to be written about this aggregate any more.
    #[error("its personal data are erased, and {0} would be more of them")]
    Erased(String),
    /// Not even a sealed value could be written.
    #[error("{0}")]
    Unsealable(String),
}

impl From<NoRandom> for SealError {
    fn from(error: NoRandom) -> Self {
        Self::Unsealable(error.to_string())
    }
}

impl From<serde_json::Error> for SealError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unsealable(error.to_string())
    }
}

/// An event as it is to be stored.
#[derive(Debug)]
pub(crate) struct Sealing<'a> {
    /// Its data.
    pub(crate) data: Cow<'a, [u8]>,
    /// What of it is sealed; nothing once the key is destroyed.
    pub(crate) sealed: Option<String>,
    /// Its metadata, without a hash that could be read.
    pub(crate) metadata: Metadata,
}

/// Seals the event `event` of the type `kind` of the aggregate `key`.
pub(crate) fn seal<'a>(
    hold: &Hold,
    key: &StreamKey,
    (event, kind): (EventId, &str),
    written: &'a Written,
    metadata: &Metadata,
) -> Result<Sealing<'a>, SealError> {
    let mut metadata = metadata.clone();
    let Hold::Key(data_key) = hold else {
        if !written.personal.is_empty() {
            return Err(SealError::Erased(written.personal.join(", ")));
        }
        metadata.command_hash.clear();
        return Ok(Sealing { data: Cow::Borrowed(&written.data), sealed: None, metadata });
    };
    let event = event.to_string();
    let kind = format!("{}.{kind}", key.aggregate);
    let (aggregate, id) = (&*key.aggregate, key.id.as_str());
    let place = Place { aggregate, id, holder: &event, kind: &kind, field: COMMAND_HASH };
    metadata.command_hash = data_key.seal(metadata.command_hash.as_bytes(), &place)?;
    let mut names = vec![COMMAND_HASH.to_owned()];
    if written.personal.is_empty() {
        let sealed = Some(names.join(" "));
        return Ok(Sealing { data: Cow::Borrowed(&written.data), sealed, metadata });
    }
    let mut members: Members<'_> = serde_json::from_slice(&written.data)?;
    for field in &written.personal {
        if field.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(SealError::Unsealable(
                "a personal field has a blank in its name".to_owned(),
            ));
        }
        let name = format!("{DATA}{field}");
        for (_, value) in members.0.iter_mut().filter(|(member, _)| member == field) {
            let sealed = data_key.seal(value.get().as_bytes(), &Place { field: &name, ..place })?;
            *value = Cow::Owned(serde_json::value::to_raw_value(&sealed)?);
        }
        names.push(name);
    }
    Ok(Sealing {
        data: Cow::Owned(serde_json::to_vec(&members)?),
        sealed: Some(names.join(" ")),
        metadata,
    })
}
