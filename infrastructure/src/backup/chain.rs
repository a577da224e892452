//! The chain over a stream's records: each digest covers the record and all before it, so that none can
//! be changed, left out or moved without every later one being another.
//! Not here: what a record's bytes are.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What is digested first. Part of the form.
const FORM: &str = "headwater.copy.1";

/// The digest of all records up to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chain([u8; 32]);

impl Chain {
    /// Hexadecimal digits that stand beside each record: enough to find the first that was changed.
    /// What proves it is the whole digest at a segment's end.
    pub(super) const LINK: usize = 16;

    /// Before the first record of `stream`.
    pub(super) fn of(stream: &str) -> Self {
        Self(Sha256::digest(format!("{FORM} {stream}")).into())
    }

    /// Behind a record that is written as `bytes`.
    pub(super) fn follow(self, bytes: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(bytes).finalize().into())
    }

    /// What was digested elsewhere.
    pub(super) fn digest(digest: Sha256) -> Self {
        Self(digest.finalize().into())
    }

    /// What stands beside the record.
    pub(super) fn link(self) -> String {
        let mut text = self.to_string();
        text.truncate(Self::LINK);
        text
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not 64 hexadecimal digits")]
pub struct BadChain;

impl FromStr for Chain {
    type Err = BadChain;

    fn from_str(text: &str) -> Result<Self, BadChain> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(BadChain);
        }
        for (at, byte) in digest.iter_mut().enumerate() {
            let digits = text.get(at * 2..at * 2 + 2).ok_or(BadChain)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| BadChain)?;
        }
        Ok(Self(digest))
    }
}

impl TryFrom<String> for Chain {
    type Error = BadChain;

    fn try_from(text: String) -> Result<Self, BadChain> {
        text.parse()
    }
}

impl From<Chain> for String {
    fn from(chain: Chain) -> Self {
        chain.to_string()
    }
}
