//! Which handlers exist and since when: the bucket `HANDLERS`.
//! Not here: how far they have come.

use async_nats::jetstream::kv;
use kit::{Position, Start};
use serde::{Deserialize, Serialize};

use super::{
    cell::{Cell, CellError},
    log::{Log, LogAway},
};
use crate::composition::{HandlerKind, HandlerPart};

/// What the bucket holds for one handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The handler.
    pub name: String,
    /// What it is.
    pub kind: HandlerKind,
    /// It begins after this position if it has no checkpoint.
    pub since: Position,
    /// The version of a projection's code.
    pub version: Option<u32>,
}

/// Why a handler cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The name was registered as another kind of handler.
    #[error("{name} is registered as a {found}; a handler of another kind needs another name")]
    Kind {
        /// The handler.
        name: String,
        /// What it is registered as.
        found: HandlerKind,
    },
    /// The broker does not answer, or the bucket holds something else.
    #[error("{name} cannot be registered: {problem}")]
    Away {
        /// The handler.
        name: String,
        /// Why.
        problem: String,
    },
}

/// Registers `part`, at the end of the log if it is new and does not begin at the beginning.
pub(crate) async fn register(
    bucket: &kv::Store,
    log: &Log,
    part: &HandlerPart,
) -> Result<Registration, RegistrationError> {
    let info = part.info();
    let away = |problem: String| RegistrationError::Away { name: info.name.to_owned(), problem };
    let cell: Cell<Registration> = Cell::new(bucket, info.name);
    loop {
        let (found, revision) = cell.read().await.map_err(|error| away(error.to_string()))?;
        let (start, version) = match part {
            HandlerPart::Policy(policy) => (policy.start(), None),
            HandlerPart::Effect(effect) => (effect.start(), None),
            HandlerPart::Batch(effect) => (effect.start(), None),
            HandlerPart::Projection(it) => (Start::Beginning, Some(it.version())),
        };
        let since = match (&found, start) {
            (Some(found), _) => found.since,
            (None, Start::Beginning) => Position::ZERO,
            (None, Start::Registration) => {
                log.last().await.map_err(|error: LogAway| away(error.to_string()))?
            }
        };
        let wanted = Registration { name: info.name.to_owned(), kind: info.kind, since, version };
        match found {
            Some(found) if found.kind != info.kind => {
                let name = info.name.to_owned();
                return Err(RegistrationError::Kind { name, found: found.kind });
            }
            Some(found) if found == wanted => return Ok(found),
            _ => {}
        }
        match cell.write(&wanted, revision).await {
            Ok(_) => return Ok(wanted),
            Err(CellError::Conflict) => {}
            Err(error) => return Err(away(error.to_string())),
        }
    }
}
