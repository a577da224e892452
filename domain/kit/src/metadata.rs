//! What travels with every event beside its payload.
//! Not here: header and attribute names; the wire spells them.

use serde::{Deserialize, Serialize};

use crate::CommandId;

/// Most policies that may follow one another from one outside command; more is a loop.
pub const HOPS_MAX: u8 = 16;

/// Who asked, in which conversation, because of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The command that decided the event.
    pub command_id: CommandId,
    /// SHA-256 over the command's name and body, in hexadecimal.
    pub command_hash: String,
    /// The conversation; inherited from the first command in it.
    pub correlation_id: String,
    /// The parent message: the event or request that led to the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The user on whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The request at the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Policies between the first command of the conversation and this one.
    #[serde(default)]
    pub hops: u8,
    /// W3C Trace Context, the `traceparent` value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}
